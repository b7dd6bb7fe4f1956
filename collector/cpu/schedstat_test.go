package cpu

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/hostexporter/host_exporter/collector/internal/scan"
	"github.com/hostexporter/host_exporter/collector/internal/test/golden"
)

// TestSchedstatMatchesProcfs compares the lines of hosts with procfs.
func TestSchedstatMatchesProcfs(t *testing.T) {
	for _, name := range []string{"schedstat.recorded.host", "schedstat.host", "schedstat.version-17.host"} {
		text := golden.Content(t, filepath.Join(testdata, name), "proc/schedstat")
		want, err := golden.Procfs(t, "schedstat", text).Schedstat()
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(text) {
			if !strings.HasPrefix(line, "cpu") {
				continue
			}
			cpu, s, ok := parseSchedstatLine([]byte(line))
			if !ok || len(want.CPUs) == 0 {
				t.Fatalf("%s: %q: parses %v; procfs has %d more", name, line, ok, len(want.CPUs))
			}
			w := want.CPUs[0]
			want.CPUs = want.CPUs[1:]
			if string(cpu) != w.CPUNum || s.running != scan.ClampAmount64(w.RunningNanoseconds) || s.waiting != scan.ClampAmount64(w.WaitingNanoseconds) || s.timeslices != w.RunTimeslices {
				t.Errorf("%s: cpu%s has %+v, procfs has %+v", name, cpu, s, *w)
			}
		}
		if len(want.CPUs) > 0 {
			t.Errorf("%s: procfs has %d CPUs more", name, len(want.CPUs))
		}
	}
}

// FuzzSchedstatLine compares with procfs on lines that both accept.
func FuzzSchedstatLine(f *testing.F) {
	for _, s := range []string{"cpu0 0 0 0 0 0 0 1 2 3", "cpu", "cpu0 1", "cpux 0 0 0 0 0 0 1 2 3", "cpu0 cpu0 0 0 0 0 0 0 0 1 2"} {
		f.Add(s)
	}
	oracle := golden.NewOracle(f, "schedstat")
	f.Fuzz(func(t *testing.T, line string) {
		if !strings.HasPrefix(line, "cpu") || strings.Contains(line, "\n") {
			return
		}
		cpu, s, ok := parseSchedstatLine([]byte(line))
		if !ok {
			return
		}
		if len(cpu) == 0 {
			t.Errorf("%q has no CPU", line)
		}
		if want, err := oracle.Set(t, line+"\n").Schedstat(); err == nil && len(want.CPUs) == 1 && golden.IsPlain(line) {
			w := want.CPUs[0]
			if string(cpu) != w.CPUNum || s.running != scan.ClampAmount64(w.RunningNanoseconds) || s.waiting != scan.ClampAmount64(w.WaitingNanoseconds) || s.timeslices != w.RunTimeslices {
				t.Errorf("%q: cpu%s has %+v, procfs has %+v", line, cpu, s, *w)
			}
		}
	})
}
