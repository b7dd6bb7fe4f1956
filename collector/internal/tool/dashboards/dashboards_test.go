package main

import (
	"bytes"
	"os"
	"testing"
)

func TestUpToDate(t *testing.T) {
	files, err := render()
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range files {
		if have, err := os.ReadFile("../../../../docs/dashboards/" + name); err != nil || !bytes.Equal(have, want) {
			t.Errorf("%s: out of date (%v): go generate ./collector/internal/tool/dashboards", name, err)
		}
	}
}
