package exporter

import (
	"os"
	"strings"
	"testing"
)

// TestCompatibleFlags checks that every collector has node_exporter's flags
// with their defaults.
func TestCompatibleFlags(t *testing.T) {
	_, flags := NewSettings()
	have := map[string]Flag{}
	for _, f := range flags {
		if _, twice := have[f.Name]; twice {
			t.Errorf("--%s is defined twice", f.Name)
		}
		have[f.Name] = f
	}
	b, err := os.ReadFile("../../testdata/compatible-flags.txt")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(b)) {
		f := strings.Split(strings.TrimRight(line, "\n"), "\t")
		if len(f) != 3 || !strings.HasPrefix(f[0], "collector.") {
			continue
		}
		name, kind, def := f[0], f[1], strings.ReplaceAll(f[2], `\\`, `\`)
		flag, ok := have[name]
		if !ok {
			if name != "collector.disable-defaults" { // of the program
				t.Errorf("--%s is missing", name)
			}
			continue
		}
		if kind == "hidden" != flag.Hidden {
			t.Errorf("--%s: hidden is %v, want %s", name, flag.Hidden, kind)
		}
		if def != "" && flag.Default != def {
			t.Errorf("--%s: default %q, want %q", name, flag.Default, def)
		}
	}
}
