package output

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
)

// TestDocs parses each example of docs/check-formats.md.
func TestDocs(t *testing.T) {
	const path = "../../../../docs/check-formats.md"
	doc, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	example := regexp.MustCompile("(?s)```yaml\n(.*?)```\n\n```text(?: exit=(\\d+))?\n(.*?)```\n\n```prometheus\n(.*?)```\n")
	found := example.FindAllStringSubmatch(string(doc), -1)
	if blocks := strings.Count(string(doc), "\n```"); len(found)*6 != blocks {
		t.Errorf("%s: %d examples of 3 blocks each, but %d blocks", path, len(found), blocks/2)
	}
	shown := map[Format]bool{}
	for _, e := range found {
		var o Options
		if err := yaml.UnmarshalWithOptions([]byte(e[1]), &o, yaml.Strict()); err != nil {
			t.Errorf("%s: %s: %v", path, e[1], err)
			continue
		}
		shown[o.Format] = true
		code := 0
		if e[2] != "" {
			_, _ = fmt.Sscan(e[2], &code) // the pattern has digits only
		}
		o.Quote = true
		p, err := New(o)
		if err != nil {
			t.Errorf("%s: %s: %v", path, e[1], err)
			continue
		}
		got := p.Parse([]byte(e[3]), code)
		if have := render(t, got.Families); have != e[4] || got.Err != nil {
			t.Errorf("%s: %s: want\n%s\nhave\n%s\n%v %v", path, e[3], e[4], have, got.Problems, got.Err)
		}
	}
	for _, f := range Formats() {
		if !shown[f] {
			t.Errorf("%s has no example of %s", path, f)
		}
	}
	for _, r := range reasons() {
		if !strings.Contains(string(doc), "\n| `"+string(r)+"` |") {
			t.Errorf("%s does not explain the reason %s", path, r)
		}
	}
	for _, field := range optionFields() {
		if !strings.Contains(string(doc), "`"+field) {
			t.Errorf("%s does not name the field %s", path, field)
		}
	}
}

// reasons returns all reasons.
func reasons() []Reason {
	return []Reason{Undeclared, IllTyped, WrongUnit, OutOfRange, NotInEnum, Duplicate, OverLimit, Timestamp, BadLabel, BadName, Reserved, Syntax}
}

// optionFields returns the fields of Options, as YAML writes them.
func optionFields() []string {
	b, err := yaml.Marshal(Options{Metrics: []Metric{{}}})
	if err != nil {
		return []string{err.Error()}
	}
	var fields []string
	for line := range strings.Lines(string(b)) {
		name, _, _ := strings.Cut(strings.TrimLeft(line, " -"), ":")
		fields = append(fields, strings.TrimSpace(name))
	}
	return fields
}

// TestYAML reads options that the examples lack.
func TestYAML(t *testing.T) {
	var o Options
	if err := yaml.UnmarshalWithOptions([]byte("format: json\njq-timeout: 1500ms\nmax-series: 7\nstdout-limit: 8\nmetric: n\nmetrics: []\n"), &o, yaml.Strict()); err != nil {
		t.Fatal(err)
	}
	if o.JQTimeout.Milliseconds() != 1500 || o.MaxSeries != 7 || o.MaxBytes != 8 || o.Name != "n" {
		t.Errorf("%+v", o)
	}
}
