package exporter

import (
	"strings"
	"testing"

	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/document"
)

// TestExpect loads expectations from a configuration, and reloads others.
func TestExpect(t *testing.T) {
	specs := []collect.Spec{steadySpec("a"), steadySpec("b")}
	e, reload := newConfiguredExporter(t, Config{specs: specs}, "expect:\n  a: toy_a == 1\n  c: {expect: toy_c, collector: b}\n")
	evaluate := func(query string) string {
		var b strings.Builder
		for line := range strings.Lines(get(e, "/metrics"+query).Body.String()) {
			if rest, ok := strings.CutPrefix(line, "host_exporter_expectation_ok"); ok {
				b.WriteString(rest)
			}
		}
		return b.String()
	}
	for query, want := range map[string]string{
		"":             "{name=\"a\"} 1\n{name=\"c\"} 0\n",
		"?checked=1":   "{name=\"a\"} 1\n{name=\"c\"} 0\n",
		"?collect[]=a": "{name=\"a\"} 1\n",
		"?collect[]=b": "{name=\"c\"} 0\n",
		"?exclude[]=b": "{name=\"a\"} 1\n",
		"?exclude[]=x": "{name=\"a\"} 1\n{name=\"c\"} 0\n",
	} {
		if have := evaluate(query); have != want {
			t.Errorf("%s: %swant %s", query, have, want)
		}
	}
	err := reload("expect:\n  a: toy_a = 1\n  b: {expect: toy_b, collector: d}\n")
	if err == nil {
		t.Fatal("expressions with errors are accepted")
	}
	for _, want := range []string{
		`host_exporter.yml:2:6: a: position 7: want a comparison (==, !=, >, >=, < or <=), have "=": do you mean "=="?`,
		`host_exporter.yml:3:33: b: unknown collector "d", do you mean a?`,
	} {
		if have := document.Detail(err); !strings.Contains(have, want) {
			t.Errorf("have %s\nwant %s", have, want)
		}
	}
	if have := evaluate(""); have != "{name=\"a\"} 1\n{name=\"c\"} 0\n" {
		t.Errorf("after a failed reload:\n%s", have)
	}
	if err := reload("expect:\n  b: toy_b > 1\n"); err != nil {
		t.Fatal(err)
	}
	if have := evaluate(""); have != "{name=\"b\"} 0\n" {
		t.Errorf("after a reload:\n%s", have)
	}
	if err := reload(""); err != nil {
		t.Fatal(err)
	}
	if have := evaluate(""); have != "" {
		t.Errorf("without expectations:\n%s", have)
	}
}
