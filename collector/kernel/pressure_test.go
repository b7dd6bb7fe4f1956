package kernel

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/prometheus/procfs"

	"github.com/hostexporter/host_exporter/collector/internal/scan"
	"github.com/hostexporter/host_exporter/collector/internal/test/golden"
)

func TestPressureMatchesProcfs(t *testing.T) {
	for _, resource := range []string{"cpu", "io", "memory", "irq"} {
		for name, data := range recordedFiles(t, "pressure", "proc/pressure/"+resource) {
			t.Run(resource+"/"+name, func(t *testing.T) {
				want, err := golden.Procfs(t, "pressure/"+resource, string(data)).PSIStatsForResource(resource)
				if err != nil {
					t.Skipf("procfs does not parse it: %v", err)
				}
				have, err := parsePressure(data)
				if err != nil {
					t.Fatal(err)
				}
				for _, line := range []struct {
					kind string
					have pressureTime
					want *procfs.PSILine
				}{{"some", have.some, want.Some}, {"full", have.full, want.Full}} {
					switch {
					case line.have.known != (line.want != nil):
						t.Errorf("%s: have %v, procfs has %v", line.kind, line.have, line.want)
					case line.want != nil && int64(line.want.Total) < 0 && line.have.microseconds == 0: // procfs reads -616 as unsigned
					case line.want != nil && line.have.microseconds != line.want.Total:
						t.Errorf("%s: have %v, procfs has %v", line.kind, line.have, *line.want)
					}
				}
			})
		}
	}
}

// FuzzParsePressure parses its own output, and compares with procfs on texts that both
// accept.
func FuzzParsePressure(f *testing.F) {
	for _, data := range recordedFiles(f, "pressure", "proc/pressure/io") {
		f.Add(data)
	}
	f.Add([]byte("some total=1\nsome\nfull total=\n"))
	oracle := golden.NewOracle(f, "pressure/io")
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := parsePressure(data)
		if err == nil && !s.some.known && !s.full.known {
			t.Error("neither a total nor an error")
		}
		if err == nil && golden.IsPlain(string(data)) {
			if want, err := oracle.Set(t, string(data)).PSIStatsForResource("io"); err == nil {
				for _, line := range []struct {
					have pressureTime
					want *procfs.PSILine
				}{{s.some, want.Some}, {s.full, want.Full}} {
					// Procfs has the last line of a kind.
					if line.want != nil && line.have.known && line.have.microseconds != scan.ClampAmount64(line.want.Total) {
						t.Errorf("%q: have %v, procfs has %v", data, line.have, *line.want)
					}
				}
			}
		}
		var b strings.Builder
		for _, line := range []struct {
			kind string
			time pressureTime
		}{{"some", s.some}, {"full", s.full}} {
			if line.time.known {
				fmt.Fprintf(&b, "%s avg10=0.00 total=%d\n", line.kind, line.time.microseconds)
			}
		}
		if b.Len() == 0 {
			return
		}
		again, err := parsePressure([]byte(b.String()))
		if err != nil || again.some.known != s.some.known || again.full.known != s.full.known ||
			s.some.known && again.some != s.some || s.full.known && again.full != s.full {
			t.Errorf("%q becomes %v, %v", b.String(), again, err)
		}
	})
}

func BenchmarkPressure(b *testing.B) {
	w := golden.NewWorkbench(b, pressure.Build, nil)
	for _, resource := range []string{"cpu", "io", "memory", "irq"} {
		path := "pressure/" + resource
		w.Proc(path, golden.Content(b, filepath.Join(testdata, "pressure.irq.host"), "proc/"+path))
	}
	w.Steady()
}
