package cpu

import (
	"bytes"
	"context"

	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
	"github.com/hostexporter/host_exporter/collector/internal/scan"
)

// cpuTimes reads the times of each online CPU from /proc/stat, in clock ticks:
//
//	cpu  10132153 290696 3084719 46828483 16683 0 25195 0 175628 0
//	cpu0 1393280 32966 572056 13343292 6130 0 17875 0 23933 0
//
// The columns are user, nice, system, idle, iowait, irq, softirq, steal, guest
// and guest_nice; kernels before 2.6.33 have fewer. See
// https://docs.kernel.org/filesystems/proc.html (section 1.7).
//
// The kernel does not guarantee that times only increase: idle and iowait of a
// tickless CPU are estimates that it corrects. The collector exports a time that
// decreased with its previous value until it has caught up, because a rate takes
// the smallest decrease for a counter reset. An idle time that decreased by
// seconds is that of a CPU that was offline meanwhile, and starts over. A time of
// more than 292 years is below zero, as the steal time of a virtual machine is on
// some kernels after it has moved to another host, and has decreased, too.
type cpuTimes struct {
	file  *host.SharedFile
	hz    float64
	guest bool

	seconds      *metric.Family
	guestSeconds *metric.Family
	clamps       *metric.Family

	cpus       map[string]*cpuClock // online CPUs, by number
	round      uint64               // number of the current update
	clampCount uint64
}

// The columns of a line of /proc/stat.
const (
	statIdle      = 3
	statGuest     = 8
	statGuestNice = 9
	statColumns   = 10

	minColumns = 4 // of the oldest kernels
)

// cpuModes returns the values of the label mode, by column.
func cpuModes() [statGuest]string {
	return [...]string{"user", "nice", "system", "idle", "iowait", "irq", "softirq", "steal"}
}

// idleResetSeconds is the decrease of an idle time that is no correction: the
// CPU was offline.
const idleResetSeconds = 3

// negativeSeconds is the least time that is below zero: the kernel divides an
// unsigned number of nanoseconds.
const negativeSeconds = 1 << 63 / 1_000_000_000

func newCPUTimes(env *collect.Env, guest bool) *cpuTimes {
	m := env.Metrics
	t := &cpuTimes{
		file:    env.Host.Proc.Shared("stat"),
		hz:      float64(env.Host.Ticks),
		guest:   guest,
		seconds: m.Counter("node_cpu_seconds_total", "CPU time by mode, in seconds, from /proc/stat.", "cpu", "mode"),
		clamps:  m.Counter("host_exporter_cpu_time_clamps_total", "CPU times of /proc/stat that decreased and were exported with their previous value."),
		cpus:    map[string]*cpuClock{},
	}
	if guest {
		t.guestSeconds = m.Counter("node_cpu_guest_seconds_total", "CPU time of virtual machine guests, which the modes user and nice include, from /proc/stat.", "cpu", "mode")
	}
	return t
}

func (t *cpuTimes) update(ctx context.Context, out *metric.Sink) error {
	return collect.OrNoData(t.file.Read(ctx, func(b []byte) error { return t.updateFrom(b, out) }))
}

func (t *cpuTimes) updateFrom(b []byte, out *metric.Sink) error {
	t.round++
	lines := 0
	var line []byte
	for n, rest := 1, b; len(rest) > 0; n++ {
		line, rest = scan.Line(rest)
		if !isCPULine(line) {
			if lines > 0 {
				break // the lines of CPUs are all at the top
			}
			continue
		}
		lines++
		number, ticks, ok := parseCPULine(line)
		if !ok {
			out.Error(t.file.At(host.Bad(n, "a CPU and its times in ticks", line)))
			continue
		}
		clock := t.clock(number)
		if clock.round == t.round {
			out.Error(t.file.At(host.Bad(n, "one line for each CPU", line)))
			continue
		}
		clock.round = t.round
		t.clampCount += clock.update(ticks, uint64(t.hz))
		t.emit(clock, out)
	}
	if lines == 0 {
		return host.Bad(1, "a line for each CPU", b)
	}
	t.dropOffline()
	out.Emit(t.clamps, float64(t.clampCount))
	return nil
}

func (t *cpuTimes) emit(c *cpuClock, out *metric.Sink) {
	for i, mode := range cpuModes() {
		if i < c.columns {
			out.Emit(t.seconds, float64(c.monotonic[i])/t.hz, c.number, mode)
		}
	}
	if t.guest && c.columns > statGuest {
		out.Emit(t.guestSeconds, float64(c.monotonic[statGuest])/t.hz, c.number, "user")
	}
	if t.guest && c.columns > statGuestNice {
		out.Emit(t.guestSeconds, float64(c.monotonic[statGuestNice])/t.hz, c.number, "nice")
	}
}

func (t *cpuTimes) clock(number []byte) *cpuClock {
	c := t.cpus[string(number)]
	if c == nil {
		c = &cpuClock{number: string(number)}
		t.cpus[c.number] = c
	}
	return c
}

// dropOffline drops the CPUs without a line: their times start over when they
// are online again.
func (t *cpuTimes) dropOffline() {
	for number, c := range t.cpus {
		if c.round != t.round {
			delete(t.cpus, number)
		}
	}
}

// A cpuClock keeps the times of one CPU from decreasing.
type cpuClock struct {
	number    string
	round     uint64 // in which it last had a line
	columns   int    // number of times in the line
	last      [statColumns]uint64
	monotonic [statColumns]uint64
}

// update sets the times that were read. It returns how many of them are less
// than at the last reading, or below zero. An idle time that decreased by seconds
// resets all times. The clock has hz ticks in a second.
func (c *cpuClock) update(now cpuTicks, hz uint64) (clamps uint64) {
	c.columns = now.columns
	idleKnown := now.ticks[statIdle] < negativeSeconds*hz
	for i, v := range now.ticks {
		if v >= negativeSeconds*hz {
			now.ticks[i] = 0
		}
	}
	if idle := c.monotonic[statIdle]; idleKnown && idle > now.ticks[statIdle] && idle-now.ticks[statIdle] >= idleResetSeconds*hz {
		c.last, c.monotonic = now.ticks, now.ticks
		return 0
	}
	for i, v := range now.ticks {
		if v < c.last[i] {
			clamps++
		}
		c.monotonic[i] = max(c.monotonic[i], v)
	}
	c.last = now.ticks
	return clamps
}

// cpuTicks are the times in one line of /proc/stat.
type cpuTicks struct {
	ticks   [statColumns]uint64
	columns int // number of times in the line
}

// isCPULine reports whether a line is that of a single CPU, and not of all CPUs.
func isCPULine(line []byte) bool {
	return bytes.HasPrefix(line, []byte("cpu")) && len(line) > 3 && line[3] != ' '
}

func parseCPULine(line []byte) (number []byte, t cpuTicks, ok bool) {
	field, rest := scan.Field(line)
	number = field[len("cpu"):]
	if _, ok := scan.Uint(number); !ok {
		return nil, t, false
	}
	for t.columns < statColumns {
		field, rest = scan.Field(rest)
		if len(field) == 0 {
			break
		}
		if t.ticks[t.columns], ok = scan.Amount64(field); !ok {
			return nil, t, false
		}
		t.columns++
	}
	return number, t, t.columns >= minColumns
}
