package health

import (
	"testing"

	"github.com/hostexporter/host_exporter/collector/internal/document"
)

// FuzzConfig reads a configuration of health rules. What it accepts, it writes, reads
// again and writes in the same way.
func FuzzConfig(f *testing.F) {
	f.Add("health: {metrics: true, bond-down: false}")
	f.Add("health: {conntrack-full: {threshold: 0.5, severity: critical}}")
	f.Add("health: {a: {expect: 'b{c=\"d\"} > $threshold', threshold: 1e3, problem: '{c} is {value}', ignore: ['e=\"f\"'], hides: [bond-down]}}")
	f.Add("health: {'a b': {expect: 'x < 1 or y == 2', docs: 'https://example.com', action: \"two\\nlines\"}}")
	read := func(text string) (*Config, error) {
		c, err := NewConfig()
		if err != nil {
			return nil, err
		}
		d := document.Parse("f.yml", []byte(text))
		d.Root().Fields(document.Fields{"health": c.Read})
		if findings := d.Findings(); len(findings) > 0 {
			return nil, findings
		}
		return c, nil
	}
	f.Fuzz(func(t *testing.T, text string) {
		c, err := read(text)
		if err != nil {
			if err.Error() == "" {
				t.Error("an error without a text")
			}
			return
		}
		c.Rules()
		written := string(c.AppendYAML(nil, false))
		again, err := read(written)
		if err != nil {
			t.Fatalf("%v in its own output:\n%s", err, written)
		}
		if rewritten := string(again.AppendYAML(nil, false)); rewritten != written {
			t.Errorf("%q is written as\n%s\nand then as\n%s", text, written, rewritten)
		}
	})
}
