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

// cpufreqPresent reads the frequencies at which the CPUs run now.
//
// The kernel may have to find them out. From 4.13 to 5.17, on x86, it measures
// for 10 ms or more whenever scaling_cur_freq is read, so that hundreds of CPUs
// read one by one take longer than a scrape may. When one of them takes long,
// the rest is read side by side.
type cpufreqPresent struct {
	tree  host.Tree
	sys   *host.Reader
	now   func() time.Time
	lanes []*cpufreqLane
	cpus  []cpufreqReading

	scaling  *metric.Family
	average  *metric.Family
	hardware *metric.Keyed // one family, declared when it is first emitted

	denied bool        // cpuinfo_cur_freq is for root, and will stay so
	taken  func() bool // whether the cpu collector has node_cpu_frequency_hertz
}

// The files of present frequencies. Not every driver has the latter two.
const (
	cpufreqScaling = iota
	cpufreqAverage
	cpufreqHardware
	cpufreqFiles
)

// A cpufreqReading is what these files told of one CPU.
type cpufreqReading struct {
	cpu    cpuFolder
	values [cpufreqFiles]cpufreqValue
}

type cpufreqValue struct {
	kHz uint64
	ok  bool
	err error
}

// A cpufreqLane reads some of the CPUs while others read the rest.
type cpufreqLane struct {
	sys    *host.Reader
	flight flight.Flight[[]cpufreqReading]
}

const (
	cpufreqLanes = 32                   // how many CPUs are read side by side
	cpufreqSlow  = 2 * time.Millisecond // for one CPU; without a measurement it is microseconds
)

func newCPUFreqPresent(env *collect.Env) *cpufreqPresent {
	m := env.Metrics
	p := &cpufreqPresent{
		tree:    env.Host.Sys,
		sys:     env.Host.Sys.Reader(),
		now:     env.Host.Now,
		scaling: m.Gauge("node_cpu_scaling_frequency_hertz", "CPU frequency as the scaling driver knows it: the last one asked for, or a measured one.", "cpu"),
		average: m.Gauge("node_cpu_frequency_avg_hertz", "CPU frequency as the hardware measured it on average over the last moments in which the CPU was not idle.", "cpu"),
		// The cpu collector tells the same with more labels, when it is asked for
		// node_cpu_info; a name can have but one set of labels.
		taken: func() bool { return env.Reserved("node_cpu_info") },
	}
	p.hardware = m.Keyed(func(string) *metric.Family {
		return m.Gauge("node_cpu_frequency_hertz", "CPU frequency as the driver reads it from the hardware.", "cpu")
	})
	for range cpufreqLanes {
		p.lanes = append(p.lanes, &cpufreqLane{sys: env.Host.Sys.Reader()})
	}
	return p
}

func (p *cpufreqPresent) update(ctx context.Context, cpus []cpuFolder, out *metric.Sink) {
	hardware := !p.denied && !p.taken()
	p.cpus = p.cpus[:0]
	for i, cpu := range cpus {
		started := p.now()
		p.cpus = append(p.cpus, readCPUFreq(p.sys, cpu, hardware))
		if p.now().Sub(started) > cpufreqSlow {
			p.sideBySide(ctx, slices.Clone(cpus[i+1:]), hardware, out)
			break
		}
	}
	for i := range p.cpus {
		p.emit(&p.cpus[i], out)
	}
}

// sideBySide reads CPUs in as many lanes as there are. A lane that hangs costs
// what it has to read, and is not started again before it has come back.
func (p *cpufreqPresent) sideBySide(ctx context.Context, cpus []cpuFolder, hardware bool, out *metric.Sink) {
	runs := make([]*flight.Run[[]cpufreqReading], min(len(p.lanes), len(cpus)))
	for i := range runs {
		lane := p.lanes[i]
		runs[i], _ = lane.flight.Go(func() ([]cpufreqReading, error) {
			var readings []cpufreqReading
			for j := i; j < len(cpus); j += len(runs) {
				readings = append(readings, readCPUFreq(lane.sys, cpus[j], hardware))
			}
			return readings, nil
		})
	}
	for i, run := range runs {
		if !run.Wait(ctx, halfTime(ctx, run.StartTime)) {
			out.Error(fmt.Errorf("%s: no answer yet from this CPU, or one that is read after it", p.tree.Path(cpuDir, cpus[i].dir, "cpufreq")))
			continue
		}
		readings, err := run.Result()
		if err != nil {
			out.Error(err)
		}
		p.cpus = append(p.cpus, readings...)
	}
	// A lane that comes back late may bring a CPU that another has read meanwhile.
	slices.SortFunc(p.cpus, func(a, b cpufreqReading) int { return cmp.Compare(a.cpu.id, b.cpu.id) })
	p.cpus = slices.CompactFunc(p.cpus, func(a, b cpufreqReading) bool { return a.cpu.id == b.cpu.id })
}

// halfTime returns when half of the time that a collector has is over.
func halfTime(ctx context.Context, started time.Time) time.Time {
	deadline, ok := ctx.Deadline()
	if !ok {
		deadline = started.Add(collect.DefaultTimeout)
	}
	return started.Add(deadline.Sub(started) / 2)
}

func (p *cpufreqPresent) emit(r *cpufreqReading, out *metric.Sink) {
	for i, v := range r.values {
		switch {
		case v.err != nil && i == cpufreqHardware && errors.Is(v.err, fs.ErrPermission):
			p.denied = true
		case v.err != nil:
			out.Error(v.err)
		case !v.ok:
		case i == cpufreqScaling:
			out.Emit(p.scaling, float64(v.kHz)*1000, r.cpu.number)
		case i == cpufreqAverage:
			out.Emit(p.average, float64(v.kHz)*1000, r.cpu.number)
		case i == cpufreqHardware:
			out.Emit(p.hardware.Family(nil), float64(v.kHz)*1000, r.cpu.number)
		}
	}
}

func readCPUFreq(sys *host.Reader, cpu cpuFolder, hardware bool) cpufreqReading {
	r := cpufreqReading{cpu: cpu}
	r.values[cpufreqScaling] = readKHz(sys, cpu.dir, "scaling_cur_freq")
	r.values[cpufreqAverage] = readKHz(sys, cpu.dir, "cpuinfo_avg_freq")
	if hardware {
		r.values[cpufreqHardware] = readKHz(sys, cpu.dir, "cpuinfo_cur_freq")
	}
	return r
}

// readKHz reads a frequency. Where there is no telling it, there is neither a
// value nor an error.
func readKHz(sys *host.Reader, dir, file string) (v cpufreqValue) {
	if !sys.Exists(cpuDir, dir, "cpufreq", file) {
		return v // the error of a read would cost more than to ask first
	}
	b, err := sys.Text(cpuDir, dir, "cpufreq", file)
	switch {
	case err != nil:
		if !cpufreqSilent(err) {
			v.err = err
		}
	case string(b) == "<unknown>":
	default:
		if v.kHz, v.ok = scan.Uint(b); !v.ok {
			v.err = sys.At(host.Bad(1, "a frequency in kHz", b))
		}
	}
	return v
}
