package command

import (
	"strings"
	"testing"
)

func TestParseProcess(t *testing.T) {
	const rest = " S 17 42 40 0 -1 4194304 1 2 3 4 5 6 7 8 20 0 1 0 123456 9 9"
	p, ok := parseProcess([]byte("42 (a (b) c)" + rest + "\n"))
	if want := (process{pid: 42, parent: 17, group: 42, start: 123456, state: 'S', name: "a (b) c"}); !ok || p != want {
		t.Errorf("%+v, %t", p, ok)
	}
	for _, bad := range []string{"", "42", "42 (x)", "42 )x(" + rest, "x (x)" + rest, "42 (x) S y 42", strings.Replace("42 (x)"+rest, "17", "-", 1)} {
		if p, ok := parseProcess([]byte(bad)); ok {
			t.Errorf("%q: %+v", bad, p)
		}
	}
}

// TestTail compares with the end of the whole text, for many sizes.
func TestTail(t *testing.T) {
	whole := strings.Repeat("0123456789abcdefghijklmnopqrstuvwxyz", 100)
	for n := 0; n <= len(whole); n += 7 {
		for _, size := range []int{1, 10, 600, 4096} {
			keep := tailBuffer{max: size}
			keep.readFrom(strings.NewReader(whole[:n]))
			if want := whole[max(n-size, 0):n]; string(keep.bytes()) != want {
				t.Fatalf("%d of %d: %q, want %q", size, n, keep.bytes(), want)
			}
			if cap(keep.buf) > 4*max(size, 512) {
				t.Fatalf("%d of %d: capacity %d", size, n, cap(keep.buf))
			}
		}
	}
}
