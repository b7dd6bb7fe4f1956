package main

import (
	"os"
	"testing"

	"github.com/hostexporter/host_exporter/collector"
)

// TestDocsCurrent checks that the generated pages are those of the code.
func TestDocsCurrent(t *testing.T) {
	const root = "../../../../"
	pages, err := generate(collector.Domains(), root+"testdata")
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range pages {
		have, err := os.ReadFile(root + "docs/" + name)
		if err != nil || string(have) != string(want) {
			t.Errorf("docs/%s is not current: run go generate ./collector (%v)", name, err)
		}
	}
}
