package collector

import (
	"path/filepath"
	"testing"

	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/test/golden"
)

// TestSystemCallFaults makes each kind of system call of each collector fail on its
// recorded host.
func TestSystemCallFaults(t *testing.T) {
	eachRecordedHost(t, golden.RunFaults)
}

// TestClockFaults sets the clock of the recorded host of each collector.
func TestClockFaults(t *testing.T) {
	eachRecordedHost(t, golden.RunClock)
}

// eachRecordedHost runs a test for the first recorded host of each collector.
func eachRecordedHost(t *testing.T, test func(t *testing.T, file string, spec collect.Spec)) {
	for _, spec := range Catalog() {
		files, err := filepath.Glob("../testdata/*/" + spec.Name + ".host")
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			t.Run(spec.Name, func(t *testing.T) {
				t.Parallel()
				test(t, file, spec)
			})
		}
	}
}
