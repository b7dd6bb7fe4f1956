package kernel

import (
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/hostexporter/host_exporter/collector/internal/test/golden"
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

func TestLeadingVersion(t *testing.T) {
	// An expression for the same leading number.
	number := regexp.MustCompile(`^[0-9]+\.?[0-9]*`)
	for _, version := range []string{
		"", "12", "22.04", "8.10", "3.19.1", "3815.2.0", "15-SP4", "15.", "42_beta", "rolling", "tumbleweed", "v1",
		".5", "-1", "0", "0.5", "20250101", "2024.02.12-2039", "1e9", "99999999999999999999999.5", "１２",
	} {
		want, err := strconv.ParseFloat(number.FindString(version), 64)
		wantOK := err == nil && want > 0
		if have, ok := leadingVersion(version); ok != wantOK || ok && have != want {
			t.Errorf("leadingVersion(%q) = %v, %v, want %v, %v", version, have, ok, want, wantOK)
		}
	}
}

func FuzzParseOSRelease(f *testing.F) {
	for _, data := range recordedFiles(f, "os", "etc/os-release") {
		f.Add(data)
	}
	for _, data := range recordedFiles(f, "os", "usr/lib/os-release") {
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		r, errs := parseOSRelease(data)
		leadingVersion(r.versionID)
		if strings.Trim(string(data), " \t\r\n\v\f\x00") == "" && (len(errs) > 0 || r.variables > 0) {
			t.Errorf("blank: %v %v", r, errs)
		}
		if r.variables == 0 && r != (osRelease{}) {
			t.Errorf("no assignment gives %v", r)
		}
		for _, field := range []string{r.name, r.prettyName, r.versionID} {
			if strings.Contains(field, "\n") {
				t.Errorf("a line break in %q", field)
			}
		}
	})
}

func BenchmarkOS(b *testing.B) {
	update := newUpdate(b, osSpec, golden.Load(b, filepath.Join(testdata, "os.ubuntu.host"), b.TempDir()))
	b.ReportAllocs()
	for b.Loop() {
		update()
	}
}
