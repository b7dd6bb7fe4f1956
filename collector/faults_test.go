package collector

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/hostexporter/host_exporter/collector/internal/test/golden"
)

// TestSystemCallFaults makes each kind of system call of each collector fail on its
// recorded hosts.
func TestSystemCallFaults(t *testing.T) {
	for _, spec := range Catalog() {
		files, err := filepath.Glob("../testdata/*/" + spec.Name + ".host")
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			t.Run(strings.TrimSuffix(filepath.Base(file), ".host"), func(t *testing.T) {
				t.Parallel()
				golden.RunFaults(t, file, spec)
			})
		}
	}
}
