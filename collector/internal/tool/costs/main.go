// Costs measures what each collector costs, or how the cost grows with the number of
// devices, and prints a table in Markdown. They are the tables of docs/performance.md.
//
//	go run ./collector/internal/tool/costs
//	go run ./collector/internal/tool/costs -growth
//
// A collector runs on this host if it exports series here, and otherwise on the
// recorded host of its name in testdata. Growth is that of package growth; the tool
// fails if a cost grows faster than the number of devices.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"sync/atomic"
	"time"

	"github.com/go-kit/log"
	"golang.org/x/sys/unix"

	"github.com/hostexporter/host_exporter/collector"
	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
	"github.com/hostexporter/host_exporter/collector/internal/test/golden"
	"github.com/hostexporter/host_exporter/collector/internal/test/growth"
)

func main() {
	testdata := flag.String("testdata", "testdata", "folder of the recorded hosts")
	budget := flag.Duration("budget", 500*time.Millisecond, "CPU time to spend on each row")
	byNumber := flag.Bool("growth", false, "print the cost by the number of devices")
	kinds := flag.String("kinds", "", "regular expression of the kinds of devices for -growth")
	flag.Parse()
	dir, err := os.MkdirTemp("", "costs")
	if err == nil {
		if *byNumber {
			err = printGrowth(dir, *kinds, *budget)
		} else {
			err = printTable(*testdata, dir, *budget)
		}
		_ = os.RemoveAll(dir)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "costs:", err)
		os.Exit(1)
	}
}

func printTable(testdata, dir string, budget time.Duration) error {
	fmt.Println("| collector | default | host | series | CPU µs | calls | allocations |")
	fmt.Println("|---|---|---|---|---|---|---|")
	live := host.Live(host.Paths{Procfs: "/proc", Sysfs: "/sys", Rootfs: "/", UdevData: "/run/udev/data"})
	for _, domain := range collector.Domains() {
		for _, spec := range domain.Specs {
			where := "this"
			c, err := measure(spec, live, nil, budget)
			if err != nil || c.series == 0 {
				where = "recorded"
				file := filepath.Join(testdata, domain.Name, spec.Name+".host")
				root := filepath.Join(dir, spec.Name)
				if err := os.Mkdir(root, 0o755); err != nil {
					return err
				}
				h, options, err := golden.Open(file, root)
				if err != nil {
					return err
				}
				if c, err = measure(spec, h, options, budget); err != nil {
					return fmt.Errorf("%s: %w", spec.Name, err)
				}
			}
			byDefault := "yes"
			if spec.DisabledByDefault {
				byDefault = "no"
			}
			fmt.Printf("| %s | %s | %s | %d | %.0f | %d | %d |\n", spec.Name, byDefault, where, c.series, c.cpu.Seconds()*1e6, c.calls, c.allocations)
		}
	}
	return nil
}

// A cost is what one run costs in steady state: series that it exports, CPU time,
// files and folders that it opens or looks up together with calls to the kernel
// that open none, and allocations.
type cost struct {
	series      int
	cpu         time.Duration
	calls       int64
	allocations uint64
}

// warmUp is the number of runs before the measurement: caches of collectors look
// at some of their devices only in every 32nd.
const warmUp = 33

func measure(spec collect.Spec, h *host.Host, options map[string][]string, budget time.Duration) (c cost, err error) {
	var calls atomic.Int64
	counted, err := newRunner(spec, counting(h, &calls), options)
	if err != nil {
		return c, err
	}
	for range warmUp {
		if err := counted.run(); err != nil {
			return c, err
		}
	}
	const rounds = 32
	calls.Store(0)
	for range rounds {
		_ = counted.run()
	}
	c.calls = (calls.Load() + rounds/2) / rounds
	if c.series = counted.series; c.series == 0 {
		return c, nil
	}

	plain, err := newRunner(spec, uncounted(h), options)
	if err != nil {
		return c, err
	}
	for range warmUp {
		_ = plain.run()
	}
	runtime.GC()
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	began := cpuTime()
	runs := 0
	for ; runs < 2000 && (runs < rounds || cpuTime()-began < budget); runs++ {
		_ = plain.run()
	}
	c.cpu = (cpuTime() - began) / time.Duration(runs)
	runtime.ReadMemStats(&after)
	c.allocations = (after.Mallocs - before.Mallocs) / uint64(runs)
	return c, nil
}

// cpuTime returns the CPU time of the process, that in the kernel included.
func cpuTime() time.Duration {
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// A runner runs a collector as a scrape does, and renders its text.
type runner struct {
	unit   *collect.Unit
	text   []byte
	series int
}

func newRunner(spec collect.Spec, h *host.Host, options map[string][]string) (*runner, error) {
	notReserved := func(string) bool { return false }
	u, err := collect.NewUnit(spec, h, log.NewNopLogger(), notReserved, options)
	return &runner{unit: u}, err
}

func (r *runner) run() error {
	begun := r.unit.Begin(metric.Text)
	result, ok := begun.Wait(context.Background(), begun.Deadline())
	if !ok {
		return fmt.Errorf("it takes longer than %v", r.unit.Timeout)
	}
	r.text = r.unit.AppendText(r.text[:0], nil)
	status := r.unit.Status()
	r.series = status.SampleCount
	if result.State == collect.Failed || result.State == collect.Panic {
		return status.Err
	}
	return nil
}

// counting returns a host that counts what is opened and called.
func counting(h *host.Host, calls *atomic.Int64) *host.Host {
	own := *h
	setHook(&own, func(string) error { calls.Add(1); return nil })
	growth.CountCalls(&own, calls)
	return &own
}

// uncounted returns a host without what a recorded one notes of each file.
func uncounted(h *host.Host) *host.Host {
	own := *h
	setHook(&own, nil)
	return &own
}

func setHook(h *host.Host, hook func(string) error) {
	for _, t := range []*host.Tree{&h.Proc, &h.Sys, &h.Root, &h.Udev, &h.Files} {
		*t = host.InjectFaults(*t, hook)
	}
}
