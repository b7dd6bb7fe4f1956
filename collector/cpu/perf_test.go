package cpu

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/go-kit/log"
	"github.com/prometheus/procfs"
	"golang.org/x/sys/unix"

	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
)

// A fakePerf opens counters that run all the time, and counts how many are open.
type fakePerf struct {
	time uint64 // nanoseconds; a counter counts an event in each
	open int
	err  error // of opening
}

func (p *fakePerf) openPerf(host.PerfEvent, int) (host.PerfCounter, error) {
	if p.err != nil {
		return nil, p.err
	}
	p.open++
	return &fakePerfCounter{perf: p, start: p.time}, nil
}

type fakePerfCounter struct {
	perf   *fakePerf
	start  uint64
	stop   uint64 // zero: it runs
	closed bool
}

func (c *fakePerfCounter) Read() (host.PerfCount, error) {
	if c.closed {
		return host.PerfCount{}, errors.New("read after close")
	}
	now := c.perf.time
	if c.stop > 0 {
		now = c.stop
	}
	n := now - c.start
	return host.PerfCount{Value: n, Enabled: n, Running: n}, nil
}

func (c *fakePerfCounter) Close() {
	if c.closed {
		panic("closed twice")
	}
	c.closed = true
	c.perf.open--
}

// perfBench is a perf collector on a host with fake counters.
type perfBench struct {
	t     *testing.T
	root  string
	fake  *fakePerf
	limit uint64
	c     *perfCollector
	sink  *metric.Sink
}

func newPerfBench(t *testing.T, online string, o perfOptions) *perfBench {
	t.Helper()
	b := &perfBench{t: t, root: t.TempDir(), fake: &fakePerf{time: 1000}, limit: 1 << 20}
	b.online(online)
	h := hostAt(b.root)
	h.OpenPerf = b.fake.openPerf
	h.MaxOpenFiles = func() (uint64, error) { return b.limit, nil }
	h.Now = func() time.Time { return time.Unix(0, int64(b.fake.time)) }
	set := metric.NewSet()
	var err error
	b.c, err = newPerf(&collect.Env{Host: h, Metrics: set, Log: log.NewNopLogger()}, o)
	if err != nil {
		t.Fatal(err)
	}
	b.sink = metric.NewSink(set)
	return b
}

func (b *perfBench) online(list string) {
	write(b.t, b.root, "sys/devices/system/cpu/online", list+"\n")
}

// update reads 1000 ns after the last time, and returns the samples.
func (b *perfBench) update() string {
	b.t.Helper()
	b.fake.time += 1000
	b.sink.Reset(metric.Text)
	if err := b.c.Update(context.Background(), b.sink); err != nil {
		b.t.Fatal(err)
	}
	var samples strings.Builder
	for line := range strings.Lines(string(b.sink.AppendText(nil, nil, nil))) {
		if !strings.HasPrefix(line, "#") {
			samples.WriteString(line)
		}
	}
	return samples.String()
}

// onlySwitches are options that leave one event.
func onlySwitches(t *testing.T) perfOptions {
	t.Helper()
	o := perfOptions{noHardware: true, noCache: true}
	if err := o.software.Set("ContextSwitch"); err != nil {
		t.Fatal(err)
	}
	return o
}

func TestPerfClosesCountersOfOfflineCPUs(t *testing.T) {
	b := newPerfBench(t, "0-7", perfOptions{})
	for _, step := range []struct {
		online string
		cpus   int
	}{{"0-7", 8}, {"0-7", 8}, {"0-2,5", 4}, {"5-6", 2}, {"0-7", 8}, {"3", 1}} {
		b.online(step.online)
		b.update()
		if want := step.cpus * len(b.c.events); b.fake.open != want || b.c.openCount != want {
			t.Errorf("%s online: %d counters are open, %d known, want %d", step.online, b.fake.open, b.c.openCount, want)
		}
	}
}

// TestPerfReopensCountersThatStandStill has a CPU offline and online again
// between two scrapes, which the list of CPUs does not show.
func TestPerfReopensCountersThatStandStill(t *testing.T) {
	b := newPerfBench(t, "0-1", onlySwitches(t))
	b.update()
	b.update()
	counter, ok := b.c.cpus[1].counters[0].open.(*fakePerfCounter)
	if !ok {
		t.Fatal("no counter is open on CPU 1")
	}
	counter.stop = b.fake.time + 500
	if have, want := b.update(), `node_perf_context_switches_total{cpu="0"} 2000
node_perf_context_switches_total{cpu="1"} 1500
`; have != want { // it stopped since the last time, and that shows at the next one
		t.Errorf("while it stops: have\n%swant\n%s", have, want)
	}
	b.update()
	if !counter.closed {
		t.Error("the counter that stands still is open")
	}
	if have, want := b.update(), `node_perf_context_switches_total{cpu="0"} 4000
node_perf_context_switches_total{cpu="1"} 1000
`; have != want || b.fake.open != 2 {
		t.Errorf("%d counters are open; have\n%swant\n%s", b.fake.open, have, want)
	}
}

// TestPerfOpensLater has the reasons for which no counter could be opened end:
// what the run could not open, a later one does.
func TestPerfOpensLater(t *testing.T) {
	for _, errno := range []unix.Errno{unix.EACCES, unix.EPERM, unix.EMFILE, unix.EBUSY, unix.ENODEV} {
		b := newPerfBench(t, "0-3", perfOptions{})
		b.fake.err = os.NewSyscallError("perf_event_open", errno)
		if err := b.c.Update(context.Background(), b.sink); !errors.Is(err, errno) {
			t.Errorf("%v: have %v", errno, err)
		}
		b.fake.err = nil
		b.update()
		if want := 4 * len(b.c.events); b.fake.open != want {
			t.Errorf("%v: %d counters are open later, want %d", errno, b.fake.open, want)
		}
	}
}

// TestPerfAsksOnce counts the calls that are denied: a large host must not make
// thousands of them at every scrape.
func TestPerfAsksOnce(t *testing.T) {
	for _, tc := range []struct {
		errno       unix.Errno
		first, next int
	}{
		{unix.EACCES, 3, 3}, // one for each type of event
		{unix.EMFILE, 1, 1},
		{unix.EBUSY, 30, 30}, // one for each event
		{unix.ENOENT, 30 * 256, 0},
	} {
		b := newPerfBench(t, "0-255", perfOptions{})
		calls := 0
		b.c.openPerf = func(host.PerfEvent, int) (host.PerfCounter, error) {
			calls++
			return nil, os.NewSyscallError("perf_event_open", tc.errno)
		}
		for i, want := range []int{tc.first, tc.next} {
			calls = 0
			b.sink.Reset(metric.Text)
			if err := b.c.Update(context.Background(), b.sink); err == nil {
				t.Errorf("%v: no error", tc.errno)
			}
			if errs, more := b.sink.Errors(); len(errs)+more > 0 {
				t.Errorf("%v: more than one error: %v", tc.errno, errs)
			}
			if calls != want {
				t.Errorf("%v: %d calls in run %d, want %d", tc.errno, calls, i, want)
			}
		}
	}
}

func TestPerfDescriptorLimit(t *testing.T) {
	b := newPerfBench(t, "0-255", perfOptions{})
	b.limit = 4096
	b.update()
	if want := 8 * 256; b.fake.open != want {
		t.Errorf("%d counters are open, want %d: half of the limit", b.fake.open, want)
	}
	if errs, _ := b.sink.Errors(); len(errs) != 1 {
		t.Errorf("errors %v, want one", errs)
	}
	b.limit = 1 << 20
	b.update()
	if want := 30 * 256; b.fake.open != want {
		t.Errorf("%d counters are open after the limit was raised, want %d", b.fake.open, want)
	}
}

func TestParsePerfCPUs(t *testing.T) {
	for text, want := range map[string]string{
		"":             "0 1 2 3 4 5 6 7 8 9 10 11",
		"3":            "3",
		"0-3,8":        "0 1 2 3 8",
		"0-10:5":       "0 5 10",
		"1-10:3":       "1 4 7 10",
		"8, 2-3, 2":    "2 3 8",
		"10-100":       "10 11",
		"0-4294967295": "0 1 2 3 4 5 6 7 8 9 10 11",
	} {
		choice, err := parsePerfCPUs(text)
		if err != nil {
			t.Errorf("%q: %v", text, err)
		}
		var have []string
		for cpu := range uint64(12) {
			if choice.has(cpu) {
				have = append(have, fmt.Sprint(cpu))
			}
		}
		if strings.Join(have, " ") != want {
			t.Errorf("%q: have %v, want %s", text, have, want)
		}
	}
	for _, text := range []string{",", "a", "1-", "-1", "3-1", "1:2", "0-3:0", "0-3:", "0-3:-1", "1,,2"} {
		if choice, err := parsePerfCPUs(text); err == nil {
			t.Errorf("%q is accepted: %v", text, choice)
		}
	}
}

func TestPerfOptions(t *testing.T) {
	for _, tc := range []struct {
		options map[string][]string
		want    string // of the error; empty: none
	}{
		{map[string][]string{"cpus": {"x"}}, "want CPUs such as"},
		{map[string][]string{"hardware-profilers": {"CpuCycle"}}, "hardware-profilers: want one of CpuCycles, CpuInstr"},
		{map[string][]string{"software-profilers": {"CpuCycles"}}, "software-profilers: want one of PageFault"},
		{map[string][]string{"cache-profilers": {"LLReadHit", "x"}}, `have "x"`},
		{map[string][]string{"cache-profilers": {"x"}, "disable-cache-profilers": {"true"}}, `have "x"`},
		{map[string][]string{"tracepoint": {"sched"}}, "want SUBSYSTEM:EVENT"},
		{map[string][]string{"tracepoint": {"sched:"}}, "want SUBSYSTEM:EVENT"},
		{map[string][]string{"tracepoint": {"../x:y"}}, "want SUBSYSTEM:EVENT"},
		{map[string][]string{"tracepoint": {"a:b_c", "a_b:c"}}, "tracepoint: a_b:c has the family of another one, node_perf_a_b_c"},
		{map[string][]string{"tracepoint": {"page:faults_total"}}, "family node_perf_page_faults_total"},
		{map[string][]string{"tracepoint": {"sched:sched_switch", "9p:9p_client_req", "intel-sst:sst_ipc"}}, ""},
	} {
		_, err := perf.Build.New(&collect.Env{Host: &host.Host{}, Metrics: metric.NewSet()}, tc.options)
		if tc.want == "" && err != nil || tc.want != "" && (err == nil || !strings.Contains(err.Error(), tc.want)) {
			t.Errorf("%v: have %v, want %s", tc.options, err, tc.want)
		}
	}
}

func FuzzExtrapolate(f *testing.F) {
	f.Add(uint64(250), uint64(60), uint64(15))
	f.Add(uint64(1<<63), uint64(1<<63), uint64(1))
	f.Fuzz(func(t *testing.T, value, enabled, running uint64) {
		have := extrapolate(value, enabled, running)
		if have < value {
			t.Errorf("%d * %d / %d = %d, less than it was", value, enabled, running, have)
		}
		if want := float64(value) * float64(enabled) / float64(running); running > 0 && enabled > running && want < 1e19 &&
			(float64(have) < want*(1-1e-9)-1 || float64(have) > want*(1+1e-9)+1) {
			t.Errorf("%d * %d / %d = %d, want %v", value, enabled, running, have, want)
		}
	})
}

// FuzzPerfTotal has readings of any kind: a total never decreases.
func FuzzPerfTotal(f *testing.F) {
	f.Add(uint32(250), uint32(60), uint32(15), uint32(100), uint32(60), uint32(60))
	f.Fuzz(func(t *testing.T, value1, enabled1, running1, value2, enabled2, running2 uint32) {
		var c perfCounter
		last := uint64(0)
		for _, n := range []host.PerfCount{
			{Value: uint64(value1), Enabled: uint64(enabled1), Running: uint64(running1)},
			{Value: uint64(value2), Enabled: uint64(enabled2), Running: uint64(running2)},
			{Value: uint64(value1) + uint64(value2), Enabled: uint64(enabled1) + uint64(enabled2), Running: uint64(running1) + uint64(running2)},
		} {
			c.add(n)
			if c.total < last {
				t.Errorf("%+v: the total decreases from %d to %d", n, last, c.total)
			}
			last = c.total
		}
	})
}

// newLivePerf builds a collector of software events on this machine, or skips
// the test where they may not be counted.
func newLivePerf(t *testing.T) (update func() map[string]float64) {
	t.Helper()
	h := host.Live(host.Paths{Procfs: "/proc", Sysfs: "/sys"})
	probe, err := h.OpenPerf(host.PerfEvent{Type: unix.PERF_TYPE_SOFTWARE, Config: unix.PERF_COUNT_SW_CONTEXT_SWITCHES}, 0)
	if err != nil {
		t.Skip(err)
	}
	probe.Close()
	set := metric.NewSet()
	c, err := newPerf(&collect.Env{Host: h, Metrics: set, Log: log.NewNopLogger()}, perfOptions{noHardware: true, noCache: true})
	if err != nil {
		t.Fatal(err)
	}
	sink := metric.NewSink(set)
	return func() map[string]float64 {
		sink.Reset(metric.Text)
		if err := c.Update(context.Background(), sink); err != nil {
			t.Fatal(err)
		}
		if errs, _ := sink.Errors(); len(errs) > 0 {
			t.Fatal(errs)
		}
		sums := map[string]float64{}
		for _, e := range c.events {
			sink.VisitSamples(e.family.Name(), nil, func(_ metric.Labels, v float64) { sums[e.name] += v })
		}
		return sums
	}
}

// perfDescriptors returns how many descriptors of perf events the process has.
func perfDescriptors(t *testing.T) int {
	t.Helper()
	links, err := filepath.Glob("/proc/self/fd/*")
	if err != nil {
		t.Fatal(err)
	}
	count := 0
	for _, link := range links {
		if target, err := os.Readlink(link); err == nil && strings.Contains(target, "perf_event") {
			count++
		}
	}
	return count
}

// TestPerfLive compares the context switches of this machine with those of
// /proc/stat: there are no more than in a longer interval, and no fewer than in
// a shorter one.
func TestPerfLive(t *testing.T) {
	update := newLivePerf(t)
	fs, err := procfs.NewFS("/proc")
	if err != nil {
		t.Fatal(err)
	}
	switches := func() float64 {
		s, err := fs.Stat()
		if err != nil {
			t.Fatal(err)
		}
		return float64(s.ContextSwitches)
	}
	update() // opens the counters
	longBegin := switches()
	begin := update()
	shortBegin := switches()
	page := os.Getpagesize()
	for i := range make([]byte, 200) {
		time.Sleep(100 * time.Microsecond)
		make([]byte, 16*page)[i%16*page]++
	}
	shortEnd := switches()
	end := update()
	longEnd := switches()
	n, perCPU := end["ContextSwitch"]-begin["ContextSwitch"], float64(runtime.NumCPU()) // a switch that is under way
	if n < shortEnd-shortBegin-perCPU || n > longEnd-longBegin+perCPU {
		t.Errorf("%v context switches, want %v to %v", n, shortEnd-shortBegin, longEnd-longBegin)
	}
	for name, v := range end {
		if v < begin[name] {
			t.Errorf("%s decreases from %v to %v", name, begin[name], v)
		}
	}
}

// TestPerfLiveDescriptors drops a collector, as a reload does, without closing
// anything.
func TestPerfLiveDescriptors(t *testing.T) {
	others := perfDescriptors(t)
	update := newLivePerf(t)
	update()
	if have, want := perfDescriptors(t)-others, 5*runtime.NumCPU(); have < want {
		t.Errorf("%d descriptors, want at least %d", have, want)
	}
	runtime.KeepAlive(update)
	update = nil
	for deadline := time.Now().Add(10 * time.Second); perfDescriptors(t) > others; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%d descriptors stay open", perfDescriptors(t)-others)
		}
		runtime.GC()
	}
}

// BenchmarkPerfLive reads the software events of this machine.
func BenchmarkPerfLive(b *testing.B) {
	h := host.Live(host.Paths{Procfs: "/proc", Sysfs: "/sys"})
	set := metric.NewSet()
	c, err := newPerf(&collect.Env{Host: h, Metrics: set, Log: log.NewNopLogger()}, perfOptions{})
	if err != nil {
		b.Fatal(err)
	}
	sink := metric.NewSink(set)
	b.ReportAllocs()
	for b.Loop() {
		sink.Reset(metric.Text)
		if err := c.Update(context.Background(), sink); err != nil {
			b.Skip(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(max(1, c.openCount)), "ns/counter")
}
