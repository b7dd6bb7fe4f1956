package web

import (
	"slices"
	"strings"
	"testing"
)

// FuzzEncoding checks that the client accepts the encoding that is chosen.
func FuzzEncoding(f *testing.F) {
	for _, accept := range []string{"gzip", "gzip;q=0, zstd", "zstd;q=0.5,gzip;q=0.4", "*", "x-gzip", "br, gzip;q=1e400", "gzip;q=-1", ";q=1", "gzip;q=NaN"} {
		f.Add(accept)
	}
	f.Fuzz(func(t *testing.T, accept string) {
		have := encoding([]string{accept}, "zstd")
		names := map[string][]string{"gzip": {"gzip", "*"}, "zstd": {"zstd"}, "": {""}}[have]
		if names == nil || !slices.ContainsFunc(names, func(name string) bool { return strings.Contains(strings.ToLower(accept), name) }) {
			t.Errorf("%q: have %q", accept, have)
		}
	})
}
