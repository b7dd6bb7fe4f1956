package network

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/prometheus/procfs"

	"github.com/hostexporter/host_exporter/collector/internal/test/golden"
)

// wantSoftnet returns the samples of a file as procfs parses it.
func wantSoftnet(lines []procfs.SoftnetStat) map[string]float64 {
	want := map[string]float64{}
	for _, s := range lines {
		for _, c := range []struct {
			name  string
			value uint32
			width int // number of columns with this one as the last
		}{
			{"processed_total", s.Processed, 9},
			{"dropped_total", s.Dropped, 9},
			{"times_squeezed_total", s.TimeSqueezed, 9},
			{"cpu_collision_total", s.CPUCollision, 9},
			{"received_rps_total", s.ReceivedRps, 10},
			{"flow_limit_count_total", s.FlowLimitCount, 11},
			{"backlog_len", uint32(max(int32(s.SoftnetBacklogLen), 0)), 13}, // it may fall below zero
		} {
			if s.Width >= c.width {
				want[fmt.Sprintf("node_softnet_%s{cpu=%q}", c.name, fmt.Sprint(s.Index))] = float64(c.value)
			}
		}
	}
	return want
}

// softnetFile returns a file with a number of columns and CPUs and distinct
// values.
func softnetFile(columns, cpus int) string {
	var b strings.Builder
	for cpu := range cpus {
		for col := range columns {
			v := cpu<<16 + col + 1
			if col == softnetCPUColumn {
				v = 2 * cpu // every second CPU is offline
			}
			fmt.Fprintf(&b, "%08x ", v)
		}
		b.WriteString("\n")
	}
	return b.String()
}

func TestSoftnetMatchesProcfs(t *testing.T) {
	files := map[string]string{"recorded": golden.Content(t, testdata+"/softnet.recorded.host", "proc/net/softnet_stat")}
	for _, columns := range []int{9, 10, 11, 13, 14, 15, 16} {
		files[fmt.Sprint(columns, " columns")] = softnetFile(columns, 3)
	}
	for name, content := range files {
		t.Run(name, func(t *testing.T) {
			b := golden.NewWorkbench(t, softnet.Build, nil)
			b.Proc("net/softnet_stat", content)
			have, errs := b.Update()
			if errs != nil {
				t.Fatal(errs)
			}
			lines, err := procfsOf(t, b).NetSoftnetStat()
			if err != nil {
				t.Fatal(err)
			}
			if want := wantSoftnet(lines); !reflect.DeepEqual(have, want) {
				t.Errorf("have %v\nwant %v", have, want)
			}
		})
	}
}

// FuzzSoftnet compares with procfs on lines that procfs accepts, and checks
// that a malformed line is reported.
func FuzzSoftnet(f *testing.F) {
	for _, columns := range []int{8, 9, 12, 13, 15} {
		f.Add(strings.TrimSpace(softnetFile(columns, 1)))
	}
	f.Add("0 1 2 3 4 5 6 7 g")
	f.Add("1 2 3 4 5 6 7 8 9 a 0000000b A000000c 0")
	f.Fuzz(func(t *testing.T, line string) {
		if strings.ContainsAny(line, "\n\r") || strings.ContainsFunc(line, func(r rune) bool { return r > 0x7e }) {
			t.Skip("not one ASCII line")
		}
		b := golden.NewWorkbench(t, softnet.Build, nil)
		b.Proc("net/softnet_stat", line+"\n")
		have, errs := b.Update()
		if len(errs) == 0 && len(have) == 0 {
			t.Error("no sample and no error")
		}
		lines, err := procfsOf(t, b).NetSoftnetStat()
		if err != nil || len(lines) == 1 && lines[0].Width == 12 {
			return // procfs rejects 0x and more than 32 bits; no kernel has 12 columns
		}
		if want := wantSoftnet(lines); errs == nil && !reflect.DeepEqual(have, want) {
			t.Errorf("have %v\nwant %v", have, want)
		}
	})
}

func BenchmarkSoftnet(b *testing.B) {
	n := golden.NewWorkbench(b, softnet.Build, nil)
	n.Proc("net/softnet_stat", softnetFile(15, 256))
	n.Steady()
}

func TestSoftnetAllocates(t *testing.T) {
	n := golden.NewWorkbench(t, softnet.Build, nil)
	n.Proc("net/softnet_stat", softnetFile(15, 256))
	n.Allocs(0)
}
