package exporter

import (
	"bytes"
	"testing"
)

func TestPrintableWriter(t *testing.T) {
	const text = "gr\u00f6\u00dfe\t\x1b[31m\u009b31mred\u202e\n\xff\u20ac\x07\n"
	const want = "gr\u00f6\u00dfe\t[31m31mred\n\ufffd\u20ac\n"
	for size := 1; size <= len(text); size++ {
		var out bytes.Buffer
		w := NewPrintableWriter(&out)
		for b := []byte(text); len(b) > 0; {
			n := min(size, len(b))
			if written, err := w.Write(b[:n]); written != n || err != nil {
				t.Fatal(written, err)
			}
			b = b[n:]
		}
		if out.String() != want {
			t.Errorf("in parts of %d bytes: have %q, want %q", size, out.String(), want)
		}
	}
}
