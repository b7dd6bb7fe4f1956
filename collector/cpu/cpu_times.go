package cpu

import (
	"bytes"

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
// The kernel does not promise that these only go up: idle and iowait of a
// tickless CPU are estimates that are corrected. A time that goes back is held
// until it has caught up, because the smallest step back is a counter reset to
// whoever computes a rate. An idle time that goes back by seconds is that of
// a CPU that was offline in the meantime, and starts over.
type cpuTimes struct {
	proc  *host.Reader
	hz    float64
	guest bool

	seconds      *metric.Family
	guestSeconds *metric.Family
	clamps       *metric.Family

	cpus    map[string]*cpuClock // online ones, by number
	run     uint64
	clamped uint64
}

// The columns of a line of /proc/stat.
const (
	statIdle      = 3
	statGuest     = 8
	statGuestNice = 9
	statColumns   = 10

	fewestColumns = 4 // of any kernel ever
)

// modes returns the names of the columns that node_cpu_seconds_total has.
func modes() [statGuest]string {
	return [...]string{"user", "nice", "system", "idle", "iowait", "irq", "softirq", "steal"}
}

// jumpBack is how many seconds an idle time goes back when the CPU was offline
// and not merely estimated anew.
const jumpBack = 3

func newCPUTimes(env *collect.Env, guest bool) *cpuTimes {
	m := env.Metrics
	t := &cpuTimes{
		proc:    env.Host.Proc.Reader(),
		hz:      float64(env.Host.Ticks),
		guest:   guest,
		seconds: m.Counter("node_cpu_seconds_total", "Time that the CPU spent in each mode.", "cpu", "mode"),
		clamps:  m.Counter("host_exporter_cpu_time_clamps_total", "Times that a CPU time of the kernel went back and was held at its last value."),
		cpus:    map[string]*cpuClock{},
	}
	if guest {
		t.guestSeconds = m.Counter("node_cpu_guest_seconds_total", "Time that the CPU spent running guests of virtual machines; the modes user and nice of node_cpu_seconds_total include it.", "cpu", "mode")
	}
	return t
}

func (t *cpuTimes) update(out *metric.Sink) error {
	b, err := t.proc.Read("stat")
	if err != nil {
		return collect.OrNoData(err)
	}
	t.run++
	found := 0
	var line []byte
	for n, rest := 1, b; len(rest) > 0; n++ {
		line, rest = scan.Line(rest)
		if !isCPULine(line) {
			if found > 0 {
				break // the lines of CPUs stand together at the top
			}
			continue
		}
		found++
		number, ticks, ok := parseCPULine(line)
		if !ok {
			out.Error(t.proc.At(host.Bad(n, "a CPU and its times in ticks", line)))
			continue
		}
		clock := t.clock(number)
		if clock.run == t.run {
			out.Error(t.proc.At(host.Bad(n, "every CPU once", line)))
			continue
		}
		clock.run = t.run
		t.clamped += clock.advance(ticks, jumpBack*uint64(t.hz))
		t.emit(clock, out)
	}
	if found == 0 {
		return t.proc.At(host.Bad(1, "a line for each CPU", b))
	}
	t.forgetOffline()
	out.Emit(t.clamps, float64(t.clamped))
	return nil
}

func (t *cpuTimes) emit(c *cpuClock, out *metric.Sink) {
	for i, mode := range modes() {
		if i < c.columns {
			out.Emit(t.seconds, float64(c.held[i])/t.hz, c.number, mode)
		}
	}
	if t.guest && c.columns > statGuest {
		out.Emit(t.guestSeconds, float64(c.held[statGuest])/t.hz, c.number, "user")
	}
	if t.guest && c.columns > statGuestNice {
		out.Emit(t.guestSeconds, float64(c.held[statGuestNice])/t.hz, c.number, "nice")
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

// forgetOffline drops the CPUs that have no line any more: what they show when
// they come back has nothing to do with what they showed before.
func (t *cpuTimes) forgetOffline() {
	for number, c := range t.cpus {
		if c.run != t.run {
			delete(t.cpus, number)
		}
	}
}

// A cpuClock holds the times of one CPU where they go back.
type cpuClock struct {
	number  string
	run     uint64 // when it was seen last
	columns int    // how many times the kernel tells
	last    [statColumns]uint64
	held    [statColumns]uint64
}

// advance takes in what was read. It returns how many of the times went back,
// compared with those that were read before. An idle time that is reset or
// more ticks behind resets them all.
func (c *cpuClock) advance(now cpuTicks, reset uint64) (clamps uint64) {
	c.columns = now.columns
	if held := c.held[statIdle]; held > now.ticks[statIdle] && held-now.ticks[statIdle] >= reset {
		c.last, c.held = now.ticks, now.ticks
		return 0
	}
	for i, v := range now.ticks {
		if v < c.last[i] {
			clamps++
		}
		c.held[i] = max(c.held[i], v)
	}
	c.last = now.ticks
	return clamps
}

// cpuTicks are the times in one line of /proc/stat.
type cpuTicks struct {
	ticks   [statColumns]uint64
	columns int // how many of them the line has
}

// isCPULine tells the lines of single CPUs from that of all of them.
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
		if t.ticks[t.columns], ok = scan.Uint(field); !ok {
			return nil, t, false
		}
		t.columns++
	}
	return number, t, t.columns >= fewestColumns
}
