package document

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

const sample = `# A comment.
name: web
count: 0x10
on: true
list: [a, "b c", 3]
single: one
empty:
text: |
  two
  lines
base: &base {color: red, size: 1}
derived:
  <<: *base
  size: 2
alias: *base
`

func TestFields(t *testing.T) {
	d := Parse("a.yml", []byte(sample))
	var name, count, on, text string
	var list, single []string
	base, derived, alias := map[string]string{}, map[string]string{}, map[string]string{}
	empty := 0
	d.Root().Fields(Fields{
		"name": ToText(&name), "count": ToText(&count), "on": ToText(&on), "text": ToText(&text),
		"list": ToTexts(&list), "single": ToTexts(&single),
		"base": ToTextMap(&base), "derived": ToTextMap(&derived), "alias": ToTextMap(&alias),
		"empty": func(n Node) {
			n.Each(func(string, Node) { empty++ })
			n.Items(func(Node) { empty++ })
		},
	})
	if f := d.Findings(); len(f) > 0 {
		t.Fatal(f)
	}
	have := fmt.Sprintf("%s|%s|%s|%s|%q%q%v%v%v%d", name, count, on, text, list, single, base, derived, alias, empty)
	if want := `web|0x10|true|two
lines
|["a" "b c" "3"]["one"]map[color:red size:1]map[color:red size:2]map[color:red size:1]0`; have != want {
		t.Errorf("have %s\nwant %s", have, want)
	}
}

func TestFindings(t *testing.T) {
	for _, tc := range []struct{ text, want string }{
		{"a: [1\n", "x.yml:1:4: sequence end token ']' not found"},
		{"a: 1\na: 2\n", `x.yml:2:1: mapping key "a" already defined at [1:1]`},
		{"nmae: 1\n", `x.yml:1:1: unknown key "nmae", do you mean name?`},
		{"zzzzzz: 1\n", `x.yml:1:1: unknown key "zzzzzz", want one of list, name`},
		{"name: [1]\n", "x.yml:1:7: want a single value, have a list"},
		{"name: {a: 1}\n", "x.yml:1:7: want a single value, have a mapping"},
		{"name:\n", "x.yml:1:7: want a value, have none"},
		{"- 1\n", "x.yml:1:1: want a mapping of keys to values, have a list"},
		{"hello\n", "x.yml:1:1: want a mapping of keys to values, have the value hello"},
		{"name: *gone\n", `x.yml:1:7: unknown anchor "gone"`},
		{"name: 1\n---\nname: 2\n", "x.yml:3:1: want one document in a file, have a second one"},
		{"list: [a, {b: 1}]\nnam: 1\n", "x.yml:1:11: want a single value, have a mapping\nx.yml:2:1: unknown key \"nam\", do you mean name?"},
		{"", ""},
		{"# nothing\n", ""},
		{"---\n", ""},
	} {
		d := Parse("x.yml", []byte(tc.text))
		var name string
		var list []string
		d.Root().Fields(Fields{"name": ToText(&name), "list": ToTexts(&list)})
		if have := d.Findings().Detail(); have != tc.want {
			t.Errorf("%q:\nhave %s\nwant %s", tc.text, have, tc.want)
		}
	}
}

func TestAliasesOfAliases(t *testing.T) {
	var b strings.Builder
	b.WriteString("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n")
	for i := 1; i < 12; i++ {
		fmt.Fprintf(&b, "a%d: &a%d [%s]\n", i, i, strings.Join(slices.Repeat([]string{fmt.Sprintf("*a%d", i-1)}, 10), ", "))
	}
	d := Parse("bomb.yml", []byte(b.String()))
	var visit func(Node)
	visit = func(n Node) {
		if n.IsList() {
			n.Items(visit)
		}
	}
	d.Root().Each(func(_ string, n Node) { visit(n) })
	if f := d.Findings(); len(f) == 0 || !strings.Contains(f[0].Text, "want at most 1000000 values") {
		t.Errorf("%d findings: %v", len(f), f[:min(len(f), 3)])
	}
}

func FuzzParse(f *testing.F) {
	f.Add(sample)
	f.Add("a: &a\n  <<: *a\n")
	f.Add("a: &a *a\n")
	f.Add("? [a]\n: b\n")
	f.Fuzz(func(t *testing.T, text string) {
		d := Parse("f.yml", []byte(text))
		var visit func(Node, int)
		visit = func(n Node, depth int) {
			switch {
			case depth > 50:
			case n.IsScalar():
				n.Text()
			case n.IsList():
				n.Items(func(n Node) { visit(n, depth+1) })
			default:
				n.Each(func(_ string, n Node) { visit(n, depth+1) })
			}
		}
		visit(d.Root(), 0)
		for _, finding := range d.Findings() {
			if finding.Error() == "" {
				t.Error("an empty finding")
			}
		}
	})
}

// TestForms has findings for an operator who checks the file, and for the log.
func TestForms(t *testing.T) {
	for _, tc := range []struct{ text, quoted, public string }{
		{"root:$y$j9T$secret:19000\n", `unknown key "root:$y$j9T$secret:19000", want one of count, name`, "1:1: want a mapping of keys to values"},
		{"root: secret\n", `unknown key "root", want one of count, name`, "1:1: unknown key …, want one of count, name"},
		{"nmae: secret\n", `unknown key "nmae", do you mean name?`, "1:1: unknown key …, do you mean name?"},
		{"count: secret\n", `want a number, have "secret"`, "1:8: the value is not valid"},
		{"name: *secret\n", `unknown anchor "secret"`, "1:7: unknown anchor …"},
		{"name: a\nname: secret\n", "mapping key \"name\" already defined", "2:1: not valid YAML"},
		{"- secret\n", "want a mapping of keys to values, have a list", "1:1: want a mapping of keys to values"},
		{"secret\n", "want a mapping of keys to values, have the value secret", "1:1: want a mapping of keys to values"},
		{"name: \"secret\n", "could not find end character of double-quoted text", "1:7: not valid YAML"},
	} {
		d := Parse("f", []byte(tc.text))
		d.Root().Fields(Fields{"name": func(n Node) { n.Text() }, "count": To(ValueFunc(func(s string) error { return fmt.Errorf("want a number, have %q", s) }))})
		f := d.Findings()
		if len(f) == 0 {
			t.Errorf("%q: no finding", tc.text)
			continue
		}
		if have := f.Error(); have != "f:"+tc.public {
			t.Errorf("%q: %s, want %s", tc.text, have, tc.public)
		}
		if have := Detail(fmt.Errorf("reload: %w", f)); !strings.HasPrefix(have, "reload: f:1:") && !strings.HasPrefix(have, "reload: f:2:") || tc.text[0] != 'r' && !strings.Contains(have, tc.quoted) {
			t.Errorf("%q: %s, want %s", tc.text, have, tc.quoted)
		}
	}
}

// TestDepth has nested lists and mappings, which take the parser gigabytes, and
// documents that only look like them.
func TestDepth(t *testing.T) {
	indented := func(n int) string {
		var b strings.Builder
		for i := range n {
			b.WriteString(strings.Repeat(" ", i) + "a:\n")
		}
		return b.String()
	}
	for name, tc := range map[string]struct {
		text string
		want string
	}{
		"lists":           {strings.Repeat("[", 100_000), "f:1:65: want at most 64 levels of lists and mappings, have more"},
		"mappings":        {strings.Repeat("{a: ", 100_000), "f:1:257: want at most 64 levels of lists and mappings, have more"},
		"closed lists":    {"a: " + strings.Repeat("[", 20_000) + strings.Repeat("]", 20_000), "f:1:67: want at most 64 levels of lists and mappings, have more"},
		"block lists":     {strings.Repeat("- ", 20_000) + "a", "f:1:129: want at most 64 levels of lists and mappings, have more"},
		"block mappings":  {indented(1000), "f:65:65: want at most 64 levels of lists and mappings, have more"},
		"tags":            {"a: " + strings.Repeat("!!a ", 20_000) + "x", "f:1:193: want at most 64 levels of lists and mappings, have more"}, // the lexer counts no blanks after tags
		"quoted brackets": {"a: '" + strings.Repeat("[", 1000) + "'\nb: \"" + strings.Repeat("{", 1000) + "\"\n", ""},
		"script":          {"a: |\n" + strings.Repeat("  [ x\n", 1000), ""},
		"expressions":     {strings.Repeat("- x[\n", 1000), ""},
		"comments":        {"# " + strings.Repeat("[", 1000) + "\na: 1 # " + strings.Repeat("{", 1000) + "\n", ""},
		"long list":       {strings.Repeat("- {a: [1, 2], b: !!str c}\n", 1000), ""},
		"60 levels":       {strings.Repeat("[", 60) + strings.Repeat("]", 60), ""},
		"indented 60":     {indented(60), ""},
	} {
		have := ""
		if f := Parse("f", []byte(tc.text)).Findings(); len(f) > 0 {
			have = f.Error()
		}
		if have != tc.want {
			t.Errorf("%s: %q, want %q", name, have, tc.want)
		}
	}
}

// TestByteOrderMark: some editors put one at the start of a file.
func TestByteOrderMark(t *testing.T) {
	var name string
	d := Parse("f", []byte("\xef\xbb\xbfname: a\nnmae: b\n"))
	d.Root().Fields(Fields{"name": ToText(&name)})
	if name != "a" || d.Findings().Error() != "f:2:1: unknown key …, do you mean name?" {
		t.Errorf("%q, %v", name, d.Findings())
	}
}
