package kernel

import "testing"

func TestParseSelinuxConfig(t *testing.T) {
	for _, test := range []struct {
		text string
		want float64
		ok   bool
	}{
		{"SELINUX=enforcing\n", 1, true},
		{"SELINUX=permissive", 0, true},
		{"SELINUX=disabled\nSELINUX=enforcing\n", -1, true},
		{"# SELINUX=disabled\n;SELINUX=disabled\n\tSELINUX=PERMISSIVE \r\n", 0, true},
		{"SELINUX= \"enforcing\" # or not\n", 1, true},
		{"SELINUXTYPE=targeted\n", 0, false},
		{"SELINUX = enforcing\n", 0, false}, // as in libselinux
		{"SELINUX=\n", 0, false},
		{"SELINUX", 0, false},
		{"", 0, false},
	} {
		if mode, err := parseSelinuxConfig([]byte(test.text)); mode != test.want || (err == nil) != test.ok {
			t.Errorf("%q: %v, %v, want %v", test.text, mode, err, test.want)
		}
	}
}

func FuzzSelinuxConfig(f *testing.F) {
	f.Add([]byte("# a\nSELINUX=enforcing\nSELINUXTYPE=targeted\n"))
	f.Add([]byte("SELINUX=\"\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if mode, err := parseSelinuxConfig(b); err == nil && mode != 1 && mode != 0 && mode != -1 {
			t.Errorf("mode %v", mode)
		}
	})
}
