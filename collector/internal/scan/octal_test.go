package scan

import "testing"

func TestUnescapeOctal(t *testing.T) {
	for in, want := range map[string][2]string{
		"/dev/sda2":             {"/dev/sda2", "/dev/sda2"},
		`/my\040swap`:           {"/my swap", "/my swap"},
		`/a\011b\012c\134d`:     {"/a\tb\nc\\d", `/a\011b\012c\d`},
		`/tail\04`:              {`/tail\04`, `/tail\04`},
		`/\`:                    {`/\`, `/\`},
		`/\400\088`:             {`/\400\088`, `/\400\088`},
		"/gr\xc3\xb6\xc3\x9fe":  {"/größe", "/größe"},
		`/gr\303\266`:           {"/grö", "/grö"},
		"/\xff\x01":             {"/\xff\x01", `/\377\001`},
		"/\xef\xbf\xbd\xc2\x85": {"/\uFFFD\u0085", "/\uFFFD" + `\302\205`},
		"":                      {"", ""},
	} {
		path, label := UnescapeOctal([]byte(in))
		if path != want[0] || label != want[1] {
			t.Errorf("UnescapeOctal(%q) = %q, %q, want %q", in, path, label, want)
		}
	}
}
