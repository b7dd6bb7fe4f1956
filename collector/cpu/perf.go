package cpu

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/go-kit/log"
	"github.com/go-kit/log/level"
	"golang.org/x/sys/unix"

	"github.com/hostexporter/host_exporter/collector/internal/capability"
	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
)

var perf = collect.Spec{
	Name: "perf",
	Help: "Hardware, software and cache events and tracepoints, counted on each CPU by perf_event_open(2).",
	Reads: []string{
		"/sys/devices/system/cpu/online",
		"/proc/sys/kernel/perf_event_paranoid",
	},
	OptionalReads: []string{
		"/sys/kernel/tracing/events/*/*/id",
		"/sys/kernel/debug/tracing/events/*/*/id",
	},
	Needs:             "CAP_PERFMON (CAP_SYS_ADMIN before Linux 5.8, and with kernel.perf_event_paranoid=3 of Debian), or kernel.perf_event_paranoid=0; with --collector.perf.tracepoint also root or CAP_DAC_READ_SEARCH for /sys/kernel/tracing. A descriptor for each event and CPU, from half of the limit of open files.",
	Caps:              []capability.Capability{capability.Perfmon, capability.SysAdmin, capability.DACReadSearch},
	DisabledByDefault: true,
	Build:             collect.With(perfOptions{}, newPerf),
}

// perfCollector has a counter of perf_event_open(2) for each event and CPU, open
// from one scrape to the next. A counter costs a file descriptor, and a reading
// of it interrupts its CPU; a tracepoint keeps its module from being unloaded.
// If more events are counted than the CPU has counters, they take turns, and
// totals are estimates: see perfCounter. See
// https://docs.kernel.org/admin-guide/perf-security.html for the permissions.
type perfCollector struct {
	openPerf     func(host.PerfEvent, int) (host.PerfCounter, error)
	maxOpenFiles func() (uint64, error)
	now          func() time.Time
	log          log.Logger
	sys, proc    *host.Reader
	missing      *metric.Family

	choice    perfCPUChoice
	events    []perfEvent // in the order in which they get descriptors
	online    cpuListFile
	cpus      []*perfCPU // online CPUs of the choice
	openCount int        // counters that are open
	lastRun   time.Time
	gaps      perfGaps // of this run

	unsupported error // the last one of an event that a CPU does not have
}

// A perfCPU is an online CPU.
type perfCPU struct {
	id       uint64
	label    string
	counters []perfCounter // by index of the event
}

func newPerf(env *collect.Env, o perfOptions) (*perfCollector, error) {
	choice, err := parsePerfCPUs(o.cpus.String())
	if err != nil {
		return nil, err
	}
	events, err := newPerfEvents(env.Metrics, o)
	if err != nil {
		return nil, err
	}
	return &perfCollector{
		openPerf:     env.Host.OpenPerf,
		maxOpenFiles: env.Host.MaxOpenFiles,
		now:          env.Host.Now,
		log:          env.Log,
		sys:          env.Host.Sys.Reader().Share(cpuPaths()...),
		proc:         env.Host.Proc.Reader(),
		missing:      env.Metrics.Gauge("node_perf_counters_missing", "Counters, one for each event and CPU, that could not be opened, by reason; absent when none.", "reason"),
		choice:       choice,
		events:       events,
		online:       cpuListFile{name: "online"},
	}, nil
}

func (c *perfCollector) Update(ctx context.Context, out *metric.Sink) error {
	c.sys.BeginRun(ctx)
	switch {
	case c.openPerf == nil:
		return fmt.Errorf("%w: no perf_event_open on this host", collect.ErrNoData)
	case len(c.events) == 0:
		return fmt.Errorf("%w: all events are disabled", collect.ErrNoData)
	}
	changed := c.online.read(c.sys, out)
	if !c.online.valid {
		if errs, _ := out.Errors(); len(errs) > 0 {
			return nil
		}
		return fmt.Errorf("%w: no list of online CPUs", collect.ErrNoData)
	}
	if changed {
		c.setCPUs()
	}
	if len(c.cpus) == 0 {
		return fmt.Errorf("cpus: none of the selected CPUs is online, which are %s", c.online.text)
	}
	c.gaps = perfGaps{}
	c.readCounters()
	c.openCounters()
	for i := range c.events {
		for _, cpu := range c.cpus {
			switch counter := &cpu.counters[i]; {
			case counter.unsupported:
				c.gaps.counts[perfUnsupported]++
			case counter.isKnown():
				out.Emit(c.events[i].family, float64(counter.total), cpu.label)
			}
		}
	}
	return c.reportGaps(out)
}

// setCPUs takes the online CPUs of the choice. A CPU that was offline starts
// anew: the kernel has stopped its counters for good.
func (c *perfCollector) setCPUs() {
	known := map[uint64]*perfCPU{}
	for _, cpu := range c.cpus {
		known[cpu.id] = cpu
	}
	c.cpus = nil
	for _, r := range c.online.list {
		for id := r.first; id <= r.last; id++ {
			if !c.choice.has(id) {
				continue
			}
			cpu := known[id]
			if cpu == nil {
				cpu = &perfCPU{id: id, label: strconv.FormatUint(id, 10), counters: make([]perfCounter, len(c.events))}
			}
			delete(known, id)
			c.cpus = append(c.cpus, cpu)
		}
	}
	for _, cpu := range known {
		for i := range cpu.counters {
			c.close(&cpu.counters[i])
		}
	}
}

// readCounters reads the open counters, and closes those that fail or stand
// still: openCounters opens them anew. The time of a counter stands still if its
// CPU was offline since the last run, however shortly.
func (c *perfCollector) readCounters() {
	now := c.now()
	hasTimePassed := now.After(c.lastRun)
	c.lastRun = now
	for _, cpu := range c.cpus { // one after another: each reading wakes the CPU
		for i := range cpu.counters {
			counter := &cpu.counters[i]
			if counter.open == nil {
				continue
			}
			n, err := counter.open.Read()
			switch {
			case err != nil:
				c.gaps.add(perfFailed, 0, c.errorOf(i, cpu, err))
				c.close(counter)
			case hasTimePassed && n.Enabled == counter.enabled:
				c.close(counter)
			default:
				counter.add(n)
			}
		}
	}
}

func (c *perfCollector) close(counter *perfCounter) {
	if counter.open != nil {
		c.openCount--
	}
	counter.close()
}

// openCounters opens the counters that are not open. An event gets descriptors
// for all CPUs or for none, so that a sum over CPUs is not that of some of them.
func (c *perfCollector) openCounters() {
	var isDenied [unix.PERF_TYPE_MAX]bool // by type: one refusal stands for all
	isFull := false
	descriptors := -1 // not known yet
	var unsupported []string
	for i := range c.events {
		e := &c.events[i]
		closed := 0
		for _, cpu := range c.cpus {
			if counter := &cpu.counters[i]; counter.open == nil && !counter.unsupported {
				closed++
			}
		}
		if closed == 0 {
			continue
		}
		if descriptors < 0 {
			descriptors = c.maxDescriptors()
		}
		switch {
		case isDenied[e.event.Type]:
			c.gaps.add(perfDenied, closed, nil)
			continue
		case isFull || c.openCount+closed > descriptors:
			c.gaps.add(perfNoDescriptors, closed, nil)
			continue
		}
		if err := c.findTracepoint(e); err != nil {
			c.gaps.counts[perfFailed] += closed
			c.gaps.errs = append(c.gaps.errs, err)
			continue
		}
		reason, err := c.openEvent(i)
		isDenied[e.event.Type] = reason == perfDenied
		isFull = reason == perfNoDescriptors
		if reason == perfUnsupported {
			unsupported, c.unsupported = append(unsupported, e.name), err
		}
	}
	if unsupported != nil {
		_ = level.Debug(c.log).Log("msg", "CPUs lack events", "events", strings.Join(unsupported, ","), "err", c.unsupported)
	}
}

// openEvent opens the counters of an event that are not open. It returns why it
// could not open all of them, and the error of the last one that failed. Unless
// only this CPU does not have the event, it leaves out the CPUs after it.
func (c *perfCollector) openEvent(event int) (reason perfReason, last error) {
	e := &c.events[event]
	for i, cpu := range c.cpus {
		counter := &cpu.counters[event]
		if counter.open != nil || counter.unsupported {
			continue
		}
		open, err := c.openPerf(e.event, int(cpu.id))
		if err == nil {
			counter.open = open
			c.openCount++
			if n, err := open.Read(); err == nil { // otherwise the next run fails
				counter.add(n)
			}
			continue
		}
		reason, last = perfReasonOf(err), err
		switch {
		case reason != perfUnsupported:
			left := 0
			for _, cpu := range c.cpus[i:] {
				if counter := &cpu.counters[event]; counter.open == nil && !counter.unsupported {
					left++
				}
			}
			c.gaps.add(reason, left, c.errorOf(event, cpu, err))
			return reason, last
		case e.tracepoint != nil:
			e.tracepoint.hasID = false // a module that is loaded again has another one
			c.gaps.counts[reason]++
		case errors.Is(err, unix.ENODEV): // the CPU went offline, and may be back by the next run
			c.gaps.counts[reason]++
		default:
			counter.unsupported = true
		}
	}
	return reason, last
}

func (c *perfCollector) errorOf(event int, cpu *perfCPU, err error) error {
	return fmt.Errorf("%s on CPU %s: %w", c.events[event].name, cpu.label, err)
}

// maxDescriptors returns how many descriptors the counters may have: half of the
// limit, so that two generations of them fit while a reload replaces one by the
// other.
func (c *perfCollector) maxDescriptors() int {
	limit, err := c.maxOpenFiles()
	if err != nil {
		c.gaps.errs = append(c.gaps.errs, err)
		return 0
	}
	return int(min(limit/2, maxPerfDescriptors))
}

const maxPerfDescriptors = 1 << 20

// findTracepoint finds the number of an event that is a tracepoint.
func (c *perfCollector) findTracepoint(e *perfEvent) error {
	if e.tracepoint == nil || e.tracepoint.hasID {
		return nil
	}
	id, err := c.sys.Uint("kernel/tracing/events", e.tracepoint.subsystem, e.tracepoint.name, "id")
	if host.Gone(err) {
		var older error // where tracefs is mounted before Linux 4.1
		if id, older = c.sys.Uint("kernel/debug/tracing/events", e.tracepoint.subsystem, e.tracepoint.name, "id"); !host.Gone(older) {
			err = older
		}
	}
	if err != nil {
		return err
	}
	e.event.Config, e.tracepoint.hasID = id, true
	return nil
}
