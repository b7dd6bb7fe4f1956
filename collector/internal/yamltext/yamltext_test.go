package yamltext

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hostexporter/host_exporter/collector/internal/document"
)

func TestString(t *testing.T) {
	for s, want := range map[string]string{
		"/usr/bin/x": "/usr/bin/x", "--size": "--size", "-x": "-x", "--a=b": "--a=b", "a:b": "a:b",
		"true": "'true'", "No": "'No'", "1": "'1'", "10s": "'10s'", "": "''", "a b": "'a b'", "a:": "'a:'", "~": "'~'", "-": "'-'", "<&>": "'<&>'",
		`^\d+$`: `'^\d+$'`, "it's": `"it's"`, `'"'`: `'''"'''`, `\'`: `'\'''`, "a\nb": `"a\nb"`, "a\x01\"": `"a\x01\""`, "\xff": "'\uFFFD'",
	} {
		if have := String(s); have != want {
			t.Errorf("%q: have %s, want %s", s, have, want)
		}
	}
}

func TestDuration(t *testing.T) {
	for d, want := range map[time.Duration]string{
		time.Hour: "1h", 90 * time.Minute: "1h30m", time.Minute: "1m", 61 * time.Second: "1m1s", 10 * time.Second: "10s", 0: "0s",
	} {
		if have := Duration(d); have != want {
			t.Errorf("%v: have %s, want %s", d, have, want)
		}
	}
}

// parse returns the strings that document reads in a value, and in a list.
func parse(t *testing.T, scalar, list string) (value string, items []string) {
	t.Helper()
	d := document.Parse("x.yml", []byte("value: "+scalar+"\nlist: "+list+"\n"))
	d.Root().Fields(document.Fields{"value": document.ToText(&value), "list": document.ToTexts(&items)})
	if f := d.Findings(); len(f) > 0 {
		t.Fatalf("%s: %v", scalar, f)
	}
	return value, items
}

// FuzzString parses what String and Strings write.
func FuzzString(f *testing.F) {
	for _, s := range []string{
		"", "a", "-", "--", "-x", "- x", "#", "a #b", "a: b", ": ", "? a", "~", "null", "Yes", "-n", "1e5", "0x10", ".inf", "<<", "=", "*a", "&a", "!a", "%a", "@a", "`", "[a]", "{a: b}", "a,b",
		"it's", `"`, `'"`, `\`, "a\nb\n", "\t", " a ", "\x00", "\x7f", "\u0085", "\u00a0", "\u2028", "\ufeff", "\U0001F600", "---", "...", "|", ">",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		want := strings.ToValidUTF8(s, "\uFFFD")
		value, items := parse(t, String(s), Strings([]string{s, "x", s}))
		if value != want || !slices.Equal(items, []string{want, "x", want}) {
			t.Errorf("%q: written as %s, read as %q and %q", s, String(s), value, items)
		}
	})
}
