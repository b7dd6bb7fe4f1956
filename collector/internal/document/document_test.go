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
		if have := d.Findings().Error(); have != tc.want {
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
