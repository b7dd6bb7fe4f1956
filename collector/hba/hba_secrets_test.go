package hba

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

// TestNoSecretIsExported looks for passwords in the golden files: in the recorded
// hosts, each file with one says "classified".
func TestNoSecretIsExported(t *testing.T) {
	hosts, err := filepath.Glob("../../testdata/hba/*.host")
	if err != nil {
		t.Fatal(err)
	}
	secrets := 0
	for _, name := range hosts {
		recorded, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		secrets += bytes.Count(recorded, []byte("\nclassified\n"))
		served, err := filepath.Glob(name[:len(name)-len(".host")] + "*.prom")
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range served {
			b, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			if bytes.Contains(b, []byte("classified")) {
				t.Errorf("%s has a secret", name)
			}
		}
	}
	if secrets == 0 {
		t.Error("no host has a secret")
	}
}
