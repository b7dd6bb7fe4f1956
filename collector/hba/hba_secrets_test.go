package hba

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

// TestNoSecretIsTold holds what was served of hosts with passwords against
// them: each of these files says "classified".
func TestNoSecretIsTold(t *testing.T) {
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
				t.Errorf("%s tells a secret", name)
			}
		}
	}
	if secrets == 0 {
		t.Error("no host has a secret")
	}
}
