package cpu

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"time"

	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/flight"
	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
	"github.com/hostexporter/host_exporter/collector/internal/scan"
)

// cpufreqCurrent reads the current frequencies of the CPUs. The kernel may have
// to measure them: Linux 4.13 to 5.17 on x86 takes 10 ms or more for each
// reading of scaling_cur_freq, and hundreds of CPUs in turn would exceed the
// deadline. If one reading is slow, workers read the remaining CPUs
// concurrently.
type cpufreqCurrent struct {
	tree     host.Tree
	sys      *host.Reader
	now      func() time.Time
	workers  []*cpufreqWorker
	readings []cpufreqReading

	scaling  *metric.Family
	average  *metric.Family
	hardware *metric.Keyed // one family, declared when it is first emitted

	hardwareDenied bool        // whether cpuinfo_cur_freq is for root only
	inCPUInfo      func() bool // whether the cpu collector exports node_cpu_frequency_hertz
}

// The files of current frequencies. Not every driver has the last two.
const (
	cpufreqScaling = iota
	cpufreqAverage
	cpufreqHardware
	cpufreqFiles
)

// A cpufreqReading is the content of these files for one CPU.
type cpufreqReading struct {
	cpu    cpuDevice
	values [cpufreqFiles]cpufreqValue
}

type cpufreqValue struct {
	kHz uint64
	ok  bool
	err error
}

// A cpufreqWorker reads some of the CPUs concurrently with other workers.
type cpufreqWorker struct {
	sys    *host.Reader
	flight flight.Flight[[]cpufreqReading]
}

const (
	maxWorkers = 32                   // maximum number of CPUs to read at once
	slowRead   = 2 * time.Millisecond // of one CPU; without a measurement it takes microseconds
)

func newCPUFreqCurrent(env *collect.Env) *cpufreqCurrent {
	m := env.Metrics
	c := &cpufreqCurrent{
		tree:    env.Host.Sys,
		sys:     env.Host.Sys.Reader(),
		now:     env.Host.Now,
		scaling: m.Gauge("node_cpu_scaling_frequency_hertz", "Current CPU frequency of the scaling driver, requested or measured, from scaling_cur_freq.", "cpu"),
		average: m.Gauge("node_cpu_frequency_avg_hertz", "Average CPU frequency measured while the CPU was not idle, from cpuinfo_avg_freq.", "cpu"),
		// The cpu collector exports the family with other labels, if it exports
		// node_cpu_info; a family can have one set of labels only.
		inCPUInfo: func() bool { return env.Declared("node_cpu_info") },
	}
	c.hardware = m.Keyed(func(string) *metric.Family {
		return m.Gauge("node_cpu_frequency_hertz", "Current CPU frequency of the hardware, from cpuinfo_cur_freq.", "cpu")
	})
	calls := env.Host.Calls.Source()
	for range maxWorkers {
		c.workers = append(c.workers, &cpufreqWorker{sys: env.Host.Sys.Reader(), flight: flight.Flight[[]cpufreqReading]{Source: calls}})
	}
	return c
}

func (c *cpufreqCurrent) update(ctx context.Context, cpus []cpuDevice, out *metric.Sink) {
	hardware := !c.hardwareDenied && !c.inCPUInfo()
	c.readings = c.readings[:0]
	for i, cpu := range cpus {
		started := c.now()
		c.readings = append(c.readings, readCPUFreq(c.sys, cpu, hardware))
		if c.now().Sub(started) > slowRead {
			c.readConcurrently(ctx, slices.Clone(cpus[i+1:]), hardware, out)
			break
		}
	}
	for i := range c.readings {
		c.emit(&c.readings[i], out)
	}
}

var errCPUFreqNoAnswer = errors.New("no answer from this CPU or one after it")

// readConcurrently distributes CPUs among the workers. A worker that hangs costs
// its CPUs, and is not started again until it has returned.
func (c *cpufreqCurrent) readConcurrently(ctx context.Context, cpus []cpuDevice, hardware bool, out *metric.Sink) {
	runs := make([]*flight.Run[[]cpufreqReading], min(len(c.workers), len(cpus)))
	for i := range runs {
		w := c.workers[i]
		runs[i], _ = w.flight.Go(func() ([]cpufreqReading, error) {
			var readings []cpufreqReading
			for j := i; j < len(cpus); j += len(runs) {
				readings = append(readings, readCPUFreq(w.sys, cpus[j], hardware))
			}
			return readings, nil
		})
	}
	for i, run := range runs {
		if !run.Wait(ctx, halfTime(ctx, run.StartTime)) {
			out.Error(fmt.Errorf("%s: %w", c.tree.Path(cpuDir, cpus[i].dir, "cpufreq"), run.Unfinished(errCPUFreqNoAnswer)))
			continue
		}
		readings, err := run.Result()
		if err != nil {
			out.Error(err)
		}
		c.readings = append(c.readings, readings...)
	}
	// A worker that returns late may have a CPU that another one has read too.
	slices.SortFunc(c.readings, func(a, b cpufreqReading) int { return cmp.Compare(a.cpu.id, b.cpu.id) })
	c.readings = slices.CompactFunc(c.readings, func(a, b cpufreqReading) bool { return a.cpu.id == b.cpu.id })
}

// halfTime returns the moment halfway between the start and the deadline.
func halfTime(ctx context.Context, start time.Time) time.Time {
	deadline, ok := ctx.Deadline()
	if !ok {
		deadline = start.Add(collect.DefaultTimeout)
	}
	return start.Add(deadline.Sub(start) / 2)
}

func (c *cpufreqCurrent) emit(r *cpufreqReading, out *metric.Sink) {
	for i, v := range r.values {
		switch {
		case v.err != nil && i == cpufreqHardware && errors.Is(v.err, fs.ErrPermission):
			c.hardwareDenied = true
		case v.err != nil:
			out.Error(v.err)
		case !v.ok:
		case i == cpufreqScaling:
			out.Emit(c.scaling, float64(v.kHz)*1000, r.cpu.number)
		case i == cpufreqAverage:
			out.Emit(c.average, float64(v.kHz)*1000, r.cpu.number)
		case i == cpufreqHardware:
			out.Emit(c.hardware.Family(nil), float64(v.kHz)*1000, r.cpu.number)
		}
	}
}

func readCPUFreq(sys *host.Reader, cpu cpuDevice, hardware bool) cpufreqReading {
	r := cpufreqReading{cpu: cpu}
	r.values[cpufreqScaling] = readKHz(sys, cpu.dir, "scaling_cur_freq")
	r.values[cpufreqAverage] = readKHz(sys, cpu.dir, "cpuinfo_avg_freq")
	if hardware {
		r.values[cpufreqHardware] = readKHz(sys, cpu.dir, "cpuinfo_cur_freq")
	}
	return r
}

// readKHz reads a frequency. A CPU without a frequency has neither a value nor
// an error.
func readKHz(sys *host.Reader, dir, file string) (v cpufreqValue) {
	if !sys.Exists(cpuDir, dir, "cpufreq", file) {
		return v // cheaper than the error of a failed read
	}
	b, err := sys.Text(cpuDir, dir, "cpufreq", file)
	switch {
	case !reportFrequency(err, func(err error) { v.err = err }):
	case string(b) == "<unknown>":
	default:
		if v.kHz, v.ok = scan.Counter(b); !v.ok {
			v.err = sys.At(host.Bad(1, "a frequency in kHz", b))
		}
		v.ok = v.ok && v.kHz < minErrorKHz
	}
	return v
}
