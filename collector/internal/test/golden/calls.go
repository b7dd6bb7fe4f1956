package golden

import (
	"fmt"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/host"
)

// A systemCall is a system call of a collector on a file, below the root.
type systemCall struct {
	call host.Call
	path string
}

// answered is the call whose answer is in a file below syscall/, such as statfs.
const answered host.Call = "syscall"

// interceptedCalls are the system calls of one run, and the one that fails. They are
// safe for concurrent use: an abandoned run goes on.
type interceptedCalls struct {
	mu     sync.Mutex
	made   []systemCall
	seen   map[systemCall]bool
	failed systemCall
	err    error
	short  bool // failed reads one byte at a time instead
	once   bool // failed fails at its next time only
	times  int  // failed has been made
}

// before is for host.InterceptCalls.
func (c *interceptedCalls) before(call host.Call, path string, size int) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	this := systemCall{call, path}
	if !c.seen[this] {
		if c.seen == nil {
			c.seen = map[systemCall]bool{}
		}
		c.seen[this] = true
		c.made = append(c.made, this)
	}
	if this != c.failed {
		return size, nil
	}
	c.times++
	switch {
	case c.short:
		return min(size, 1), nil
	case c.once && c.times > 1:
		return size, nil
	}
	return size, c.err
}

// take returns the calls that were made since the last time.
func (c *interceptedCalls) take() []systemCall {
	c.mu.Lock()
	defer c.mu.Unlock()
	made := c.made
	c.made, c.seen = nil, nil
	return made
}

// fail makes a call fail from now on.
func (c *interceptedCalls) fail(call systemCall, f callFault) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.failed, c.err, c.short, c.once, c.times = call, f.err, f.short, f.harmless && !f.short, 0
}

// A callFault is one way in which a system call fails.
type callFault struct {
	name     string
	err      error
	short    bool // a read returns one byte at a time
	harmless bool // the run must not notice
	gone     bool // the device has vanished: its samples may be missing without an error
}

func callFaults() []callFault {
	return []callFault{
		{name: "EIO", err: unix.EIO},
		{name: "EAGAIN", err: unix.EAGAIN},
		{name: "EINTR", err: unix.EINTR, harmless: true},
		{name: "ENOMEM", err: unix.ENOMEM},
		{name: "EMFILE", err: unix.EMFILE},
		{name: "ENODEV", err: unix.ENODEV, gone: true},
		{name: "EPERM", err: unix.EPERM},
		{name: "short", short: true, harmless: true},
	}
}

// RunFaults makes the system calls of a collector on a recorded host fail, one after
// the other and in different ways. It checks that each failure costs samples but does
// not change or invent one, that it is reported with the name of the file, and that
// the next run has everything again. Files of the same name stand for each other.
func RunFaults(t *testing.T, file string, spec collect.Spec) {
	t.Helper()
	a := parseFile(t, file)
	rec, err := layOut(a, TempDir(t))
	if err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	var calls interceptedCalls
	for _, tree := range []*host.Tree{&rec.Proc, &rec.Sys, &rec.Root, &rec.Udev, &rec.Files} {
		*tree = host.InterceptCalls(*tree, calls.before)
	}
	intact := rec.read(t, rec.unit(t, spec))
	kinds := calls.kinds()
	for _, e := range a.Entries { // calls that are not those of a Reader
		if strings.HasPrefix(e.Path, "syscall/") && e.Kind == File {
			kinds = append(kinds, systemCall{answered, filepath.Join(rec.root, e.Path)})
		}
	}
	for _, call := range kinds {
		attribute := strings.HasPrefix(call.path, filepath.Join(rec.root, "sys")+"/")
		for _, f := range callFaults() {
			switch {
			case f.err == unix.EMFILE && call.call != host.Open && call.call != answered:
				continue
			case f.short && (call.call != host.Read || attribute): // the kernel returns attributes whole
				continue
			case call.call == answered && f.harmless: // host.Live calls them again
				continue
			case call.call == host.Access && (f.harmless || f.err == unix.EPERM): // it cannot be interrupted; what cannot be reached is absent
				continue
			case testing.Short() && !oneInEight(t.Name()+string(call.call)+path.Base(call.path)+f.name):
				continue
			}
			rec.checkFault(t, spec, &calls, call, f, intact)
		}
	}
}

// RunClock sets the clock of a recorded host by a year, forward and back. A collector
// must read it as before: the same samples, except those of time. Durations are exact on
// a live host only, whose times have a monotonic clock.
func RunClock(t *testing.T, file string, spec collect.Spec) {
	t.Helper()
	if spec.Name == "processes" {
		t.Skip("it compares the clock with its deadline, which is that of this machine")
	}
	rec, err := layOut(parseFile(t, file), TempDir(t))
	if err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	u := rec.unit(t, spec)
	before := rec.read(t, u)
	const year = 365 * 24 * time.Hour
	for _, jump := range []time.Duration{year, -2 * year, time.Second, year} {
		rec.clock = rec.clock.Add(jump)
		text := rec.read(t, u)
		isTime := func(line string) bool {
			return strings.HasPrefix(line, "node_time_seconds ") || strings.HasPrefix(line, "node_hba_statistics_age_seconds{")
		}
		if !slices.Equal(slices.DeleteFunc(sorted(before), isTime), slices.DeleteFunc(sorted(text), isTime)) {
			t.Errorf("after the clock was set by %v:\n%s", jump, diff(before, text))
		}
	}
}

// kinds returns the calls that were made, one for all files of a name.
func (c *interceptedCalls) kinds() []systemCall {
	seen := map[string]bool{}
	return slices.DeleteFunc(c.take(), func(s systemCall) bool {
		kind := string(s.call) + " " + number.ReplaceAllString(path.Base(s.path), "0")
		defer func() { seen[kind] = true }()
		return seen[kind]
	})
}

// checkFault reads a host of which one system call fails: with a new collector, and
// with one that has read it before. Intact is what was read of the host as it is.
func (r *recordedHost) checkFault(t *testing.T, spec collect.Spec, calls *interceptedCalls, call systemCall, f callFault, intact string) {
	t.Helper()
	u := r.unit(t, spec)
	what := fmt.Sprintf("%s of %s: %s", call.call, strings.TrimPrefix(call.path, r.root), f.name)
	for _, when := range []string{"first", "later"} {
		errors := u.Status().Errors
		r.fail(calls, call, f)
		text := r.read(t, u)
		r.fail(calls, call, callFault{})
		status := u.Status()
		if status.State == collect.Panic || status.State == collect.Timeout {
			t.Errorf("%s, %s run: %s: %v", what, when, status.State, status.Err)
		}
		if f.gone { // sums are without the device, and it may not come back
			u = r.unit(t, spec)
			continue
		}
		if f.harmless && !sameLines(text, intact) {
			t.Errorf("%s, %s run: want no change:\n%s", what, when, diff(intact, text))
		}
		for _, line := range invented(intact, text) {
			if !mayChange(spec, line) {
				t.Errorf("%s, %s run: a sample that the host does not have: %s", what, when, line)
			}
		}
		if lost := samples(intact) - samples(text); lost > 0 && status.Errors == errors && status.State != collect.NoData && !maySkip(spec, f) {
			t.Errorf("%s, %s run: %d samples are lost without an error", what, when, lost)
		}
		again := r.read(t, u)
		changed := func(line string) bool { return mayChange(spec, line) }
		if !slices.Equal(slices.DeleteFunc(sorted(again), changed), slices.DeleteFunc(sorted(intact), changed)) {
			t.Errorf("%s, after the %s run: want everything again:\n%s", what, when, diff(intact, again))
		}
	}
}

// fail makes a call fail from now on, or succeed with the zero callFault.
func (r *recordedHost) fail(calls *interceptedCalls, call systemCall, f callFault) {
	if call.call == answered {
		r.faults.Set(call.path, f.err)
		return
	}
	calls.fail(call, f)
}

// mayChange reports whether a sample may be another one after a failure.
func mayChange(spec collect.Spec, line string) bool {
	for _, prefix := range map[string][]string{
		"textfile":      {"node_textfile_scrape_error ", "host_exporter_textfile_refused{"},      // they report it
		"hba":           {"node_hba_read_errors_total{"},                                         // it counts it
		"cpu":           {"node_cpu_core_throttles_total{", "node_cpu_package_throttles_total{"}, // another CPU of the core has them, too
		"nvmesubsystem": {"node_nvmesubsystem_paths_live{"},                                      // as for dmmultipath
		"cpufreq":       {"node_cpu_frequency_hertz{"},                                           // it is not read again once it is denied
		"filesystem":    {"node_filesystem_device_error{"},                                       // it reports it
		"perf":          {"node_perf_counters_missing{"},                                         // it counts it
		"dmmultipath":   {"node_dmmultipath_device_paths_"},                                      // an unknown state is neither good nor bad
		"dmi":           {"node_dmi_info{"},                                                      // its labels are those of the first reading
	}[spec.Name] {
		if strings.HasPrefix(line, prefix) {
			return true
		}
	}
	return false
}

// maySkip reports whether an error means to a collector that there is no value now, as
// the drivers of devices that are asleep say.
func maySkip(spec collect.Spec, f callFault) bool {
	switch spec.Name {
	case "drm":
		return f.err == unix.EAGAIN || f.err == unix.EPERM
	case "cpufreq":
		return f.err == unix.EAGAIN || f.err == unix.EPERM
	case "rapl", "hwmon", "pcidevice", "powersupplyclass", "thermal_zone", "watchdog":
		return f.err == unix.EAGAIN
	}
	return false
}

// sorted returns the samples of a text, its state and its error.
func sorted(text string) []string {
	return slices.DeleteFunc(slices.Sorted(strings.Lines(text)), func(line string) bool {
		return strings.HasPrefix(line, "# HELP") || strings.HasPrefix(line, "# TYPE")
	})
}

// sameLines reports whether two texts have the same lines. Families that a collector
// meets at run time are in the order in which it met them.
func sameLines(a, b string) bool { return slices.Equal(sorted(a), sorted(b)) }

// invented returns the samples of text that intact does not have. Labels do not count: a
// label whose file cannot be read is empty, or has what another file says.
func invented(intact, text string) (lines []string) {
	known := map[string]int{}
	for line := range strings.Lines(intact) {
		known[withoutLabels(line)]++
	}
	for line := range strings.Lines(text) {
		known[withoutLabels(line)]--
		if !strings.HasPrefix(line, "#") && known[withoutLabels(line)] < 0 {
			lines = append(lines, strings.TrimSpace(line))
		}
	}
	return lines
}

// withoutLabels returns the name and the value of a sample.
func withoutLabels(line string) string {
	name, _, _ := strings.Cut(line, "{")
	return name + line[strings.LastIndexByte(line, ' ')+1:]
}
