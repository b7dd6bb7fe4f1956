package slowfile

import (
	"context"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/hostexporter/host_exporter/collector/hba/internal/firmware/failure"
	"github.com/hostexporter/host_exporter/collector/hba/internal/firmware/gate"
	"github.com/hostexporter/host_exporter/collector/hba/internal/scsihost"
	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/test/fault"
	"github.com/hostexporter/host_exporter/collector/internal/test/testfile"
)

// A machine is a tree of sysfs, and a clock that a test sets.
type machine struct {
	*Reader
	t      *testing.T
	root   string
	faults fault.Files
	limits Limits

	clockLock sync.Mutex
	clock     time.Time
}

func newMachine(t *testing.T) *machine {
	t.Helper()
	root, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	m := &machine{t: t, root: root, clock: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), limits: Limits{Interval: 5 * time.Minute, Wait: time.Minute}}
	m.Reader = New(&host.Host{Sys: m.faults.Inject(host.NewTree(root)).Attributes(), Now: m.time}, new(gate.Gate))
	return m
}

func (m *machine) time() time.Time {
	m.clockLock.Lock()
	defer m.clockLock.Unlock()
	return m.clock
}

func (m *machine) later(d time.Duration) {
	m.clockLock.Lock()
	defer m.clockLock.Unlock()
	m.clock = m.clock.Add(d)
}

func (m *machine) path(name string) string { return filepath.Join(m.root, name) }

func (m *machine) put(name, content string) {
	m.t.Helper()
	testfile.Write(m.t, m.path(name), content)
}

func (m *machine) fail(name string, err error) { m.faults.Set(m.path(name), err) }

// read returns the answers for files, in their order.
func (m *machine) read(files ...File) []Answer {
	byPath := map[string]Answer{}
	m.Read(context.Background(), m.limits, files, byPath)
	var answers []Answer
	for _, f := range files {
		answers = append(answers, byPath[f.Path])
	}
	return answers
}

// await waits for the pass of a host that is under way, if one is.
func (m *machine) await(h *scsihost.Host) {
	m.t.Helper()
	m.mu.Lock()
	run := m.functions[h.Function()].run
	m.mu.Unlock()
	if run != nil && !run.Wait(context.Background(), time.Now().Add(time.Minute)) {
		m.t.Fatal("a pass does not end")
	}
}

// twice reads, lets the pass end, and reads again.
func (m *machine) twice(files ...File) []Answer {
	m.t.Helper()
	m.read(files...)
	m.await(files[0].Host)
	return m.read(files...)
}

// goroutines waits until there are no more of them than there were.
func (m *machine) goroutines(before int) {
	m.t.Helper()
	for i := 0; runtime.NumGoroutine() > before; i++ {
		if i == 1e6 {
			m.t.Fatalf("%d goroutines, %d before", runtime.NumGoroutine(), before)
		}
		runtime.Gosched()
	}
}

func (m *machine) want(a Answer, content string) {
	m.t.Helper()
	if a.Err != nil || string(a.Content) != content || a.Content == nil {
		m.t.Errorf("have %q (there: %v), %v, want %q", a.Content, a.Content != nil, a.Err, content)
	}
}

func (m *machine) wantNone(a Answer) {
	m.t.Helper()
	if a.Content != nil {
		m.t.Errorf("have %q, want nothing", a.Content)
	}
}

func adapter(number, function string) *scsihost.Host {
	name := "host" + number
	return &scsihost.Host{Name: name, Physical: name, Driver: "qla2xxx", PCI: function, Dir: "devices/pci0000:00/" + function + "/" + name}
}

var (
	host3 = adapter("3", "0000:3b:00.0")
	host4 = adapter("4", "0000:3b:00.1")
)

func TestAnIntervalApart(t *testing.T) {
	m := newMachine(t)
	f := File{Host: host3, Path: "temp"}
	m.put("temp", "47\n")
	m.want(m.read(f)[0], "47\n") // the first pass is waited for
	m.put("temp", "48\n")
	m.later(5*time.Minute - 1)
	a := m.read(f)[0]
	m.await(host3)
	if m.want(a, "47\n"); a.Age != 5*time.Minute-1 {
		t.Errorf("age %v", a.Age)
	}
	m.later(1)
	a = m.twice(f)[0]
	if m.want(a, "48\n"); a.Age != 0 {
		t.Errorf("age %v", a.Age)
	}
	if h := m.Health(host3); !h.Asked || h.Stuck || h.Err != nil || h.Failures != (failure.Counts{}) {
		t.Errorf("%+v", h)
	}
	if m.Health(host4).Asked {
		t.Error("host4 was not asked")
	}
}

func TestALaterPassIsNotWaitedFor(t *testing.T) {
	m := newMachine(t)
	release := make(chan struct{})
	calls := 0
	f := File{Host: host3, Path: "temp", Valid: func([]byte) bool {
		if calls++; calls > 1 {
			<-release
		}
		return true
	}}
	m.put("temp", "47\n")
	m.want(m.read(f)[0], "47\n")
	m.put("temp", "48\n")
	m.later(5 * time.Minute)
	m.want(m.read(f)[0], "47\n") // or this would not return
	close(release)
	m.await(host3)
	m.want(m.read(f)[0], "48\n")
}

func TestBackOff(t *testing.T) {
	m := newMachine(t)
	first, second, third := File{Host: host3, Path: "a"}, File{Host: host3, Path: "b"}, File{Host: host3, Path: "c"}
	m.put("a", "1")
	m.put("b", "2")
	m.put("c", "3")
	m.fail("b", unix.EIO)
	a := m.read(first, second, third)
	m.want(a[0], "1")
	if a[1].Err == nil || !strings.Contains(a[1].Err.Error(), m.path("b")+": input/output error") || a[1].Content != nil {
		t.Errorf("%+v", a[1])
	}
	m.wantNone(a[2]) // the pass ended there
	if n := m.Health(host3).Failures[failure.Of(unix.EIO)]; n != 1 {
		t.Errorf("%d errors", n)
	}
	// What had not been read comes first, and the pass ends again with b. From
	// then on the wait is doubled, up to an hour.
	for i, wait := range []time.Duration{10 * time.Minute, 20 * time.Minute, 40 * time.Minute, time.Hour, time.Hour} {
		m.later(wait - 1)
		if m.twice(first, second, third); m.Health(host3).Failures[failure.Of(unix.EIO)] != uint64(i+1) {
			t.Fatalf("read before %v were over", wait)
		}
		m.later(1)
		if a = m.twice(first, second, third); m.Health(host3).Failures[failure.Of(unix.EIO)] != uint64(i+2) {
			t.Fatalf("not read after %v", wait)
		}
		m.want(a[2], "3")
	}
	m.fail("b", nil)
	m.later(time.Hour)
	m.want(m.twice(first, second, third)[1], "2")
	m.put("b", "4")
	m.later(5 * time.Minute)
	m.want(m.twice(first, second, third)[1], "4")
}

func TestWhatIsNoFaultOfTheAdapter(t *testing.T) {
	for what, c := range map[string]struct {
		spoil    func(*machine)
		reported string
		count    error
	}{
		"not allowed":      {func(m *machine) { m.fail("a", unix.EACCES) }, "permission denied", unix.EACCES},
		"not there":        {func(m *machine) { _ = os.Remove(m.path("a")) }, "", nil},
		"no such phy":      {func(m *machine) { m.fail("a", unix.EINVAL) }, "", unix.EINVAL},
		"not supported":    {func(m *machine) { m.fail("a", unix.EOPNOTSUPP) }, "", unix.EOPNOTSUPP},
		"unplugged":        {func(m *machine) { m.fail("a", unix.ENODEV) }, "", unix.ENODEV},
		"something else":   {func(m *machine) { m.put("a", "hot") }, `/a:1: want a number, have "hot"`, &host.Malformed{}},
		"a folder instead": {func(m *machine) { _ = os.Remove(m.path("a")); m.put("a/b", "") }, "is a directory", unix.EISDIR},
	} {
		t.Run(what, func(t *testing.T) {
			m := newMachine(t)
			files := []File{{Host: host3, Path: "a", Want: "a number", Valid: func(b []byte) bool { return b[0] < 'a' }}, {Host: host3, Path: "b"}}
			m.put("a", "1")
			m.put("b", "2")
			c.spoil(m)
			a := m.read(files...)
			m.wantNone(a[0])
			m.want(a[1], "2")
			if (a[0].Err == nil) != (c.reported == "") || a[0].Err != nil && !strings.Contains(a[0].Err.Error(), c.reported) {
				t.Errorf("reported %v, want %q", a[0].Err, c.reported)
			}
			var want failure.Counts
			if c.count != nil {
				want[failure.Of(c.count)]++
			}
			if have := m.Health(host3).Failures; have != want {
				t.Errorf("%v errors, want %v", have, want)
			}
			m.put("b", "3")
			m.later(5 * time.Minute)
			m.want(m.twice(files...)[1], "3")
		})
	}
}

func TestStuck(t *testing.T) {
	m := newMachine(t)
	files := []File{{Host: host3, Path: "a"}, {Host: host3, Path: "sfp"}, {Host: host4, Path: "c"}}
	m.put("a", "1")
	m.put("c", "3")
	if err := unix.Mkfifo(m.path("sfp"), 0o644); err != nil {
		t.Fatal(err)
	}
	m.limits.Wait = 10 * time.Millisecond
	m.read(files...)
	m.await(host4)
	before := runtime.NumGoroutine()
	for i := range 100 {
		m.later(15 * time.Second)
		a := m.read(files...)
		m.await(host4)
		m.wantNone(a[1])
		if a[2].Content == nil || a[2].Age > 5*time.Minute {
			t.Fatalf("reading %d: host4 has %q, %v old", i, a[2].Content, a[2].Age)
		}
		h := m.Health(host3)
		if !h.Stuck || h.Err == nil || !strings.Contains(h.Err.Error(), m.path("sfp")+": no answer yet") {
			t.Fatalf("reading %d: %+v", i, h)
		}
		if n := h.Failures[failure.Timeout]; n != 1 {
			t.Fatalf("reading %d: counted %d times", i, n)
		}
		if m.Health(host4).Stuck {
			t.Fatalf("reading %d: host4 is stuck", i)
		}
	}
	m.goroutines(before)
	m.wantNone(m.read(files...)[0]) // 25 minutes old by now

	// It answers after all, far too late: the adapter is left alone for a time.
	if err := os.WriteFile(m.path("sfp"), []byte("page"), 0); err != nil {
		t.Fatal(err)
	}
	m.await(host3)
	if err := os.Remove(m.path("sfp")); err != nil {
		t.Fatal(err)
	}
	m.put("sfp", "new page")
	m.want(m.read(files...)[1], "page")
	m.await(host3)
	if h := m.Health(host3); h.Stuck || h.Err != nil || h.Failures[failure.Timeout] != 1 {
		t.Errorf("%+v", h)
	}
	m.later(10 * time.Minute)
	a := m.twice(files...)
	m.want(a[0], "1")
	m.want(a[1], "new page")
}

func TestOverlong(t *testing.T) {
	m := newMachine(t)
	var files []File
	for _, name := range []string{"a", "b", "c", "d", "e", "f", "g", "h", "i"} {
		m.put(name, name)
		files = append(files, File{Host: host3, Path: name, Valid: func([]byte) bool { m.later(9 * time.Second); return true }})
	}
	// Seven take 63 seconds: the other two are left for the next pass, which is
	// ten minutes later.
	a := m.read(files...)
	m.want(a[6], "g")
	m.wantNone(a[7])
	m.later(10*time.Minute - 1)
	m.wantNone(m.twice(files...)[7])
	m.later(1)
	m.want(m.twice(files...)[8], "i")

	m = newMachine(t)
	m.put("a", "a")
	m.put("b", "b")
	sleepy := File{Host: host3, Path: "a", Valid: func([]byte) bool { m.later(11 * time.Second); return true }}
	a = m.read(sleepy, File{Host: host3, Path: "b"})
	m.want(a[0], "a")
	m.wantNone(a[1])
	if n := m.Health(host3).Failures[failure.Timeout]; n != 1 {
		t.Errorf("counted %d times", n)
	}
}

func TestNotReady(t *testing.T) {
	emulex, raid, z := *host3, *host3, *host4
	emulex.Driver, raid.Driver = "lpfc", "mpi3mr"
	z.Driver, z.PCI, z.Dir = "zfcp", "", "devices/css0/0.0.000d/0.0.1900/host4"
	for _, c := range []struct {
		host      *scsihost.Host
		file      string
		bad, good string
	}{
		{host3, "class/scsi_host/host3/state", "recovery", "running"},
		{host3, "class/scsi_host/host3/state", "offline", "running"},
		{host3, "class/fc_host/host3/port_state", "Diagnostics", "Linkdown"},
		{host3, "class/fc_host/host3/port_state", "Error", "Online"},
		{host3, "class/fc_host/host3/port_state", "Offline", "Online"},
		{&emulex, "class/scsi_host/host3/board_mode", "warm start", "online"},
		{&raid, "class/scsi_host/host3/adp_state", "3", "1"},
		{&z, "devices/css0/0.0.000d/0.0.1900/in_recovery", "1", "0"},
		{&z, "devices/css0/0.0.000d/0.0.1900/failed", "1", "0"},
	} {
		t.Run(c.file+"="+c.bad, func(t *testing.T) {
			m := newMachine(t)
			asked := false
			f := File{Host: c.host, Path: "temp", Valid: func([]byte) bool { asked = true; return true }}
			m.put("temp", "47")
			m.put(c.file, c.bad+"\n")
			m.wantNone(m.twice(f)[0])
			m.await(c.host)
			if asked || m.Health(c.host).Asked {
				t.Error("it was asked")
			}
			m.put(c.file, c.good+"\n")
			m.want(m.twice(f)[0], "47")
		})
	}
}

func TestOnce(t *testing.T) {
	m := newMachine(t)
	once, often := File{Host: host3, Path: "max_xri", Once: true}, File{Host: host3, Path: "utilization", Every: 10 * time.Second}
	m.put("max_xri", "2048")
	m.put("utilization", "7 12 3")
	m.read(once, often)
	m.put("max_xri", "1")
	m.put("utilization", "8 12 3")
	m.later(10 * time.Second)
	m.want(m.twice(once, often)[1], "8 12 3")
	m.later(24 * time.Hour)
	m.want(m.twice(once, often)[0], "2048")

	// Another adapter may have the number now.
	other := adapter("3", "0000:3c:00.0")
	once.Host = other
	m.want(m.read(once)[0], "1")
	if m.Health(other).Failures != (failure.Counts{}) {
		t.Error("it inherits errors")
	}
	// Or another driver the adapter.
	driven := *other
	driven.Driver, once.Host = "lpfc", &driven
	m.put("max_xri", "2")
	m.want(m.twice(once)[0], "2")
}

func TestTooOld(t *testing.T) {
	m := newMachine(t)
	f := File{Host: host3, Path: "temp"}
	m.put("temp", "47")
	m.read(f)
	m.put("class/scsi_host/host3/state", "recovery")
	m.later(20 * time.Minute)
	m.want(m.read(f)[0], "47")
	m.await(host3)
	m.later(1)
	m.wantNone(m.read(f)[0])
	m.await(host3)
}

func TestNothingIsLeftBehind(t *testing.T) {
	m := newMachine(t)
	m.put("temp", "47")
	if err := unix.Mkfifo(m.path("sfp"), 0o644); err != nil {
		t.Fatal(err)
	}
	m.limits.Wait = time.Millisecond
	before := runtime.NumGoroutine()
	hung := File{Host: host3, Path: "sfp"}
	m.read(hung)
	for range 5 { // somebody else asks for something else
		m.read(File{Host: host4, Path: "temp"})
	}
	if len(m.functions) != 2 {
		t.Error("a function with a read in progress was forgotten")
	}
	m.read(hung, File{Host: host4, Path: "temp"})
	m.mu.Lock()
	run := m.functions[host3.Function()].run
	m.mu.Unlock()
	if err := os.WriteFile(m.path("sfp"), nil, 0); err != nil {
		t.Fatal(err)
	}
	<-run.Done()
	m.read()
	if len(m.functions) != 0 {
		t.Errorf("%d functions are left", len(m.functions))
	}
	m.goroutines(before)
}

// TestForgottenMeanwhile: an old collector and a new one, which asks for
// nothing, meet.
func TestForgottenMeanwhile(t *testing.T) {
	m := newMachine(t)
	m.put("temp", "47")
	f := File{Host: host3, Path: "temp", Valid: func([]byte) bool {
		m.read()
		return true
	}}
	m.wantNone(m.read(f)[0])
	m.want(m.twice(File{Host: host3, Path: "temp"})[0], "47")
}

func TestPanic(t *testing.T) {
	m := newMachine(t)
	m.put("temp", "47")
	f := File{Host: host3, Path: "temp", Valid: func([]byte) bool { panic("boom") }}
	m.wantNone(m.read(f)[0])
	if err := m.Health(host3).Err; err == nil || err.Error() != "panic: boom" {
		t.Errorf("%v", err)
	}
	if m.Health(host3).Stuck {
		t.Error("stuck")
	}
}
