package kernel

import (
	"fmt"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"github.com/prometheus/procfs"

	"github.com/hostexporter/host_exporter/collector/internal/metric"
	"github.com/hostexporter/host_exporter/collector/internal/test/golden"
)

// TestInterruptsMatchProcfs compares lines with procfs. That has the numbers of a
// line in their order and not by CPU, those of a host in the same field, and one
// of several lines of a name.
func TestInterruptsMatchProcfs(t *testing.T) {
	for _, name := range []string{"", ".linux-6.1", ".offline-cpus", ".arm64", ".riscv64", ".s390x", ".one-cpu"} {
		t.Run(name, func(t *testing.T) {
			text := golden.Content(t, filepath.Join(testdata, "interrupts"+name+".host"), "proc/interrupts")
			w := golden.NewWorkbench(t, interrupts.Build, nil)
			w.Proc("interrupts", text)
			w.Proc("1/stat", "")
			have, errs := w.Update()
			if errs != nil {
				t.Fatal(errs)
			}
			fs, err := procfs.NewFS(filepath.Join(w.Root, "proc"))
			if err != nil {
				t.Fatal(err)
			}
			self, err := fs.Proc(1)
			if err != nil {
				t.Fatal(err)
			}
			lines, err := self.Interrupts()
			if err != nil {
				t.Fatal(err)
			}
			heading, _, _ := strings.Cut(text, "\n")
			cpus := strings.Fields(strings.ReplaceAll(heading, "CPU", ""))
			want := map[string]float64{}
			for typ, line := range lines {
				ofHost := line.Info == "" && len(line.Values) == 1
				for i, value := range line.Values {
					series := fmt.Sprintf("node_interrupts_total{cpu=%q,type=%q,info=%q,devices=%q}", cpus[i], typ, line.Info, line.Devices)
					if ofHost {
						series = fmt.Sprintf("node_interrupt_errors_total{type=%q}", typ)
					}
					if want[series], err = strconv.ParseFloat(value, 64); err != nil {
						t.Fatal(err)
					}
				}
			}
			golden.SameSamples(t, have, want)
		})
	}
}

// TestSoftirqsMatchProcfs compares all vectors of a recorded host with procfs.
func TestSoftirqsMatchProcfs(t *testing.T) {
	text := golden.Content(t, filepath.Join(testdata, "softirqs.host"), "proc/softirqs")
	vectors, err := golden.Procfs(t, "softirqs", text).Softirqs()
	if err != nil {
		t.Fatal(err)
	}
	names := []string{"HI", "TIMER", "NET_TX", "NET_RX", "BLOCK", "IRQ_POLL", "TASKLET", "SCHED", "HRTIMER", "RCU"}
	want := map[string]float64{}
	for i, name := range names {
		for cpu, count := range reflect.ValueOf(vectors).Field(i).Interface().([]uint64) {
			want[fmt.Sprintf("node_softirqs_functions_total{cpu=\"%d\",type=%q}", cpu, name)] = float64(count)
		}
	}
	w := golden.NewWorkbench(t, softirqs.Build, nil)
	w.Proc("softirqs", text)
	have, errs := w.Update()
	if errs != nil {
		t.Fatal(errs)
	}
	golden.SameSamples(t, have, want)
}

// TestInterruptLabelsFollowTheirLines checks that the labels of a line are not kept
// for another one in its place.
func TestInterruptLabelsFollowTheirLines(t *testing.T) {
	w := golden.NewWorkbench(t, interrupts.Build, map[string][]string{"name-exclude": {"secret"}})
	for _, lines := range [][]string{{"a", "b"}, {"b"}, {"secret", "a", "b"}, {"a", "secret"}, {}, {"much longer", "b"}} {
		text := "CPU0\n"
		want := map[string]float64{}
		for i, device := range lines {
			text += fmt.Sprintf("%d: %d chip 0-edge %s\n", i, 7*i, device)
			if device != "secret" {
				want[fmt.Sprintf("node_interrupts_total{cpu=\"0\",type=\"%d\",info=\"chip\",devices=\"0-edge %s\"}", i, device)] = float64(7 * i)
			}
		}
		w.Proc("interrupts", text)
		have, errs := w.Update()
		if errs != nil {
			t.Error(errs)
		}
		golden.SameSamples(t, have, want)
	}
}

// FuzzInterrupts looks for files that make the collector panic, and for lines of
// which it emits a part.
func FuzzInterrupts(f *testing.F) {
	for _, data := range recordedFiles(f, "interrupts", "proc/interrupts") {
		f.Add(data)
	}
	f.Add([]byte("CPU0 CPU1\n1: 1\n2: 1 2\nERR: 5 \n"))
	w := golden.NewWorkbench(f, interrupts.Build, nil)
	f.Fuzz(func(t *testing.T, data []byte) {
		w.T = t
		w.Proc("interrupts", string(data))
		w.Out.Reset(metric.Text)
		if w.Collector.Update(t.Context(), w.Out) != nil {
			return
		}
		text := string(w.Out.AppendText(nil, nil, func(string) bool { return false }))
		cpus := len(w.Collector.(*interruptsCollector).columns.numbers)
		if samples := strings.Count(text, "\nnode_interrupts_total{"); samples%cpus != 0 {
			t.Errorf("%d samples of %d CPUs:\n%s", samples, cpus, text)
		}
	})
}

// largeInterrupts returns /proc/interrupts of a host with many CPUs.
func largeInterrupts(cpus, lines int) string {
	var b strings.Builder
	columns := func(number func(cpu int) int) {
		for cpu := range cpus {
			fmt.Fprintf(&b, "%10d ", number(cpu))
		}
	}
	b.WriteString("            ")
	for cpu := range cpus {
		fmt.Fprintf(&b, "CPU%-8d", cpu)
	}
	b.WriteByte('\n')
	for line := range lines {
		fmt.Fprintf(&b, "%4d: ", line)
		columns(func(cpu int) int { return max(0, line*1000-cpu*3000) })
		fmt.Fprintf(&b, " IR-PCI-MSIX-0000:%02x:00.0  %4d-edge      mlx5_comp%d@pci:0000:%02x:00.0\n", line/64, line%64, line%64, line/64)
	}
	b.WriteString(" LOC: ")
	columns(func(cpu int) int { return 1 << 30 })
	b.WriteString("  Local timer interrupts\n ERR:          0\n")
	return b.String()
}

func largeSoftirqs(cpus int) string {
	var b strings.Builder
	b.WriteString(strings.Repeat(" ", 20))
	for cpu := range cpus {
		fmt.Fprintf(&b, "CPU%-8d", cpu)
	}
	for _, vector := range []string{"HI", "TIMER", "NET_TX", "NET_RX", "BLOCK", "IRQ_POLL", "TASKLET", "SCHED", "HRTIMER", "RCU"} {
		fmt.Fprintf(&b, "\n%12s:", vector)
		for cpu := range cpus {
			fmt.Fprintf(&b, " %10d", 1<<30-cpu)
		}
	}
	return b.String() + "\n"
}

// TestInterruptsDoNotAllocate checks that the allocations do not depend on the
// number of CPUs and lines.
func TestInterruptsDoNotAllocate(t *testing.T) {
	w := golden.NewWorkbench(t, interrupts.Build, map[string][]string{"name-exclude": {";IR-PCI-MSIX-0000:01:"}})
	w.Proc("interrupts", largeInterrupts(64, 256))
	w.Allocs(0)
	w = golden.NewWorkbench(t, softirqs.Build, nil)
	w.Proc("softirqs", largeSoftirqs(256))
	w.Allocs(0)
}

// BenchmarkInterrupts reads a host of 256 CPUs and 2000 lines.
func BenchmarkInterrupts(b *testing.B) {
	text := largeInterrupts(256, 2000)
	for name, options := range map[string]map[string][]string{
		"all": nil, "no-zeros": {"include-zeros": {"false"}}, "excluded": {"name-exclude": {"mlx5"}},
	} {
		b.Run(name, func(b *testing.B) {
			w := golden.NewWorkbench(b, interrupts.Build, options)
			w.Proc("interrupts", text)
			w.Steady()
			b.ReportMetric(float64(w.Out.SampleCount()), "samples/op")
		})
	}
}

func BenchmarkSoftirqs(b *testing.B) {
	w := golden.NewWorkbench(b, softirqs.Build, nil)
	w.Proc("softirqs", largeSoftirqs(256))
	w.Steady()
	b.ReportMetric(float64(w.Out.SampleCount()), "samples/op")
}
