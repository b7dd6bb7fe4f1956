package kernel

import (
	"fmt"
	"strings"
	"testing"

	"github.com/prometheus/procfs"

	"github.com/hostexporter/host_exporter/collector/internal/host"
)

func TestParsePressureAsProcfs(t *testing.T) {
	for _, resource := range []string{"cpu", "io", "memory", "irq"} {
		for name, data := range recorded(t, "pressure", "proc/pressure/"+resource) {
			t.Run(resource+"/"+name, func(t *testing.T) {
				root := t.TempDir()
				write(t, root, "pressure/"+resource, data)
				fs, err := procfs.NewFS(root)
				if err != nil {
					t.Fatal(err)
				}
				want, err := fs.PSIStatsForResource(resource)
				if err != nil {
					t.Skipf("procfs does not read it: %v", err)
				}
				have, err := parsePressure(data)
				if err != nil {
					t.Fatal(err)
				}
				for _, line := range []struct {
					kind string
					have stallTime
					want *procfs.PSILine
				}{{"some", have.some, want.Some}, {"full", have.full, want.Full}} {
					switch {
					case line.have.known != (line.want != nil):
						t.Errorf("%s: have %v, procfs has %v", line.kind, line.have, line.want)
					case line.want != nil && line.have.microseconds != line.want.Total:
						t.Errorf("%s: have %v, procfs has %v", line.kind, line.have, *line.want)
					}
				}
			})
		}
	}
}

func FuzzParsePressure(f *testing.F) {
	for _, data := range recorded(f, "pressure", "proc/pressure/io") {
		f.Add(data)
	}
	f.Add([]byte("some total=1\nsome\nfull total=\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := parsePressure(data)
		if err == nil && !s.some.known && !s.full.known {
			t.Error("nothing was read, and nothing is wrong")
		}
		var b strings.Builder
		for _, line := range []struct {
			kind string
			time stallTime
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
	root := b.TempDir()
	for _, resource := range []string{"cpu", "io", "memory", "irq"} {
		write(b, root, "pressure/"+resource, recorded(b, "pressure", "proc/pressure/"+resource)["pressure.irq.host"])
	}
	bench(b, pressure, &host.Host{Proc: host.NewTree(root)}, nil)
}
