package main

import (
	"os"
	"strings"
	"testing"

	"github.com/hostexporter/host_exporter/collector"
)

// TestEachCollectorHasCosts tests that the table of docs/performance.md has all
// collectors.
func TestEachCollectorHasCosts(t *testing.T) {
	b, err := os.ReadFile("../../../../docs/performance.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, spec := range collector.Catalog() {
		byDefault := "yes"
		if spec.DisabledByDefault {
			byDefault = "no"
		}
		if row := "\n| " + spec.Name + " | " + byDefault + " | "; strings.Count(string(b), row) != 1 {
			t.Errorf("docs/performance.md: want one row for %s", spec.Name)
		}
	}
}
