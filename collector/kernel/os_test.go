package kernel

import (
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/hostexporter/host_exporter/collector/internal/host"
)

func TestUnquote(t *testing.T) {
	for _, test := range []struct {
		quoted, want string
		ok           bool
	}{
		{``, ``, true},
		{`debian`, `debian`, true},
		{`""`, ``, true},
		{`"Debian GNU/Linux"`, `Debian GNU/Linux`, true},
		{`'Debian GNU/Linux'`, `Debian GNU/Linux`, true},
		{`"it's"`, `it's`, true},
		{`'"quoted"'`, `"quoted"`, true},
		{`'no \escape\'`, `no \escape\`, true},
		{`"\" \\ \$ \` + "`" + `"`, `" \ $ ` + "`", true},
		{`"\n \t \'"`, `\n \t \'`, true},
		{`\a\"\\\ `, `a"\ `, true},
		{`"a"'b'c`, `abc`, true},
		{`"café"`, `café`, true},
		{`"`, ``, false},
		{`"open`, ``, false},
		{`'open`, ``, false},
		{`"open\"`, ``, false},
		{`open\`, ``, false},
	} {
		have, ok := unquote([]byte(test.quoted))
		if ok != test.ok || ok && have != test.want {
			t.Errorf("unquote(%s) = %s, %v, want %s, %v", test.quoted, have, ok, test.want, test.ok)
		}
	}
}

func TestMajorMinor(t *testing.T) {
	// The same as an expression for the number at the start.
	number := regexp.MustCompile(`^[0-9]+\.?[0-9]*`)
	for _, version := range []string{
		"", "12", "22.04", "8.10", "3.19.1", "3815.2.0", "15-SP4", "15.", "42_beta", "rolling", "tumbleweed", "v1",
		".5", "-1", "0", "0.5", "20250101", "2024.02.12-2039", "1e9", "99999999999999999999999.5", "１２",
	} {
		want, err := strconv.ParseFloat(number.FindString(version), 64)
		wantOK := err == nil && want > 0
		if have, ok := majorMinor(version); ok != wantOK || ok && have != want {
			t.Errorf("majorMinor(%q) = %v, %v, want %v, %v", version, have, ok, want, wantOK)
		}
	}
}

func FuzzParseOSRelease(f *testing.F) {
	for _, data := range recorded(f, "os", "etc/os-release") {
		f.Add(data)
	}
	for _, data := range recorded(f, "os", "usr/lib/os-release") {
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		r, broken := parseOSRelease(data)
		majorMinor(r.versionID)
		if strings.Trim(string(data), " \t\r\n\v\f\x00") == "" && (len(broken) > 0 || r.variables > 0) {
			t.Errorf("blank: %v %v", r, broken)
		}
		if r.variables == 0 && r != (osRelease{}) {
			t.Errorf("something out of nothing: %v", r)
		}
		for _, field := range []string{r.name, r.prettyName, r.versionID} {
			if strings.Contains(field, "\n") {
				t.Errorf("a line break in %q", field)
			}
		}
	})
}

func BenchmarkOS(b *testing.B) {
	root := b.TempDir()
	write(b, root, "etc/os-release", recorded(b, "os", "etc/os-release")["os.ubuntu.host"])
	bench(b, osSpec, &host.Host{Root: host.NewTree(root)}, nil)
}
