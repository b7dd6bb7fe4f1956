package fcstat

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
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

// A machine is a tree of sysfs with ports, and a clock that a test sets.
type machine struct {
	t      *testing.T
	root   string
	mu     sync.Mutex
	clock  time.Time
	faults fault.Files
	*Reader
}

func newMachine(t *testing.T) *machine {
	t.Helper()
	root, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	m := &machine{t: t, root: root, clock: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}
	m.Reader = New(&host.Host{Sys: m.faults.Inject(host.NewTree(root)).Attributes(), Now: m.time}, new(gate.Gate))
	m.pause = func(time.Duration) {}
	return m
}

func (m *machine) time() time.Time {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.clock
}

func (m *machine) later(d time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.clock = m.clock.Add(d)
}

func (m *machine) path(name string, c Counter) string {
	return filepath.Join(m.root, "class/fc_host", name, "statistics", c.File())
}

// put writes counters, which are zero unless given.
func (m *machine) put(name string, values map[Counter]uint64) {
	m.t.Helper()
	for c := range counters {
		m.write(m.path(name, c), fmt.Sprintf("%#x\n", values[c]))
	}
}

func (m *machine) write(path, content string) {
	m.t.Helper()
	testfile.Write(m.t, path, content)
}

// hang makes the reading of a counter wait for somebody to write it.
func (m *machine) hang(name string, c Counter) {
	m.t.Helper()
	if err := os.Remove(m.path(name, c)); err != nil {
		m.t.Fatal(err)
	}
	if err := unix.Mkfifo(m.path(name, c), 0o644); err != nil {
		m.t.Fatal(err)
	}
}

// answerOnce lets one reading of a counter that hangs go on.
func (m *machine) answerOnce(name string, c Counter, v uint64) {
	m.t.Helper()
	if err := os.WriteFile(m.path(name, c), fmt.Appendf(nil, "%#x\n", v), 0); err != nil {
		m.t.Fatal(err)
	}
}

func online(name, driver string) Port {
	return Port{Host: &scsihost.Host{Name: name, Physical: name, Driver: driver, PCI: "0000:3b:00." + name[len(name)-1:]}, State: "Online"}
}

var patient = Limits{Timeout: time.Minute, MinInterval: 10 * time.Second}

func (m *machine) ask(limits Limits, ports ...Port) []Answer {
	return m.Read(context.Background(), limits, ports, nil)
}

// want checks counters of a pass; all-ones stands for none.
func (m *machine) want(p *Pass, values map[Counter]uint64) {
	m.t.Helper()
	if p == nil {
		m.t.Fatal("there is no pass")
	}
	for c, want := range values {
		have, ok := p.Value(c)
		if !ok {
			have = 1<<64 - 1
		}
		if have != want {
			m.t.Errorf("%s = %d, want %d", c.File(), have, want)
		}
	}
}

func TestMinimumInterval(t *testing.T) {
	m := newMachine(t)
	m.put("host3", map[Counter]uint64{Seconds: 100, TxFrames: 1})
	first := m.ask(patient, online("host3", "qla2xxx"))[0]
	m.put("host3", map[Counter]uint64{Seconds: 109, TxFrames: 2})
	m.later(9 * time.Second)
	a := m.ask(patient, online("host3", "qla2xxx"))[0]
	if a.Pass != first.Pass || a.Age != 9*time.Second {
		t.Errorf("the firmware is asked again after %v", a.Age)
	}
	m.later(time.Second)
	a = m.ask(patient, online("host3", "qla2xxx"))[0]
	m.want(a.Pass, map[Counter]uint64{TxFrames: 2})
	if a.Age != 0 || !a.Ended || a.Stuck || a.Err != nil {
		t.Errorf("answer %+v", a)
	}
}

// TestOnePassForAll has two collectors ask at the same time: the pass that
// both wait for is answered once, and a second one would hang.
func TestOnePassForAll(t *testing.T) {
	m := newMachine(t)
	m.put("host3", map[Counter]uint64{Seconds: 100, TxFrames: 7})
	m.hang("host3", TxFrames)
	var asked sync.WaitGroup
	answers := make([]Answer, 8)
	for i := range answers {
		asked.Go(func() { answers[i] = m.ask(patient, online("host3", "lpfc"))[0] })
	}
	m.answerOnce("host3", TxFrames, 8)
	asked.Wait()
	for _, a := range answers {
		if a.Pass != answers[0].Pass {
			t.Error("two passes")
		}
		m.want(a.Pass, map[Counter]uint64{TxFrames: 8, PacketAborts: 0, DumpedFrames: 1<<64 - 1})
	}
}

func TestHungPort(t *testing.T) {
	m := newMachine(t)
	for _, name := range []string{"host3", "host4"} {
		m.put(name, map[Counter]uint64{Seconds: 100, TxFrames: 1})
	}
	ports := []Port{online("host3", "qla2xxx"), online("host4", "qla2xxx")}
	if a := m.ask(patient, ports...); a[0].Pass == nil || a[1].Pass == nil {
		t.Fatal("no passes to begin with")
	}
	m.hang("host3", RxFrames)
	hasty := Limits{Timeout: time.Second}
	var a []Answer
	before := 0
	for i := range 100 {
		m.later(15 * time.Second)
		a = m.ask(hasty, ports...)
		if i == 0 {
			before = runtime.NumGoroutine()
		}
		if !a[0].Stuck || a[0].Err == nil || !strings.HasSuffix(a[0].Err.Error(), "host3/statistics/rx_frames: no answer yet") {
			t.Fatalf("hung port: %+v", a[0])
		}
		if a[1].Pass == nil || a[1].Stuck {
			t.Fatalf("the other port: %+v", a[1])
		}
	}
	// A pass of the other port may be on its way out.
	if now := runtime.NumGoroutine(); now > before+1 {
		t.Errorf("%d goroutines after the first scrape, %d after 100", before, now)
	}
	if a[0].Failures[failure.Timeout] != 1 || !a[0].Known || a[0].Age != 100*15*time.Second || a[0].Pass != nil {
		t.Errorf("after %v: %+v", a[0].Age, a[0])
	}
	m.answerOnce("host3", RxFrames, 5)
	if err := os.Remove(m.path("host3", RxFrames)); err != nil {
		t.Fatal(err)
	}
	m.write(m.path("host3", RxFrames), "0x6\n")
	for !m.portOf("host3").function.idle() {
		runtime.Gosched()
	}
	if b := m.ask(patient, ports[0])[0]; b.Stuck || b.Pass == nil || b.Err != nil {
		t.Errorf("after it came back: %+v", b)
	}
}

func (m *machine) portOf(name string) *port {
	m.Reader.mu.Lock()
	defer m.Reader.mu.Unlock()
	return m.ports[name]
}

func (fn *function) idle() bool { return fn.flight.Current() == nil }

// TestPortsOfOneFunction: each gets its turn, one after the other.
func TestPortsOfOneFunction(t *testing.T) {
	m := newMachine(t)
	var ports []Port
	for i, name := range []string{"host3", "host4", "host5"} {
		m.put(name, map[Counter]uint64{Seconds: 100, TxFrames: uint64(i)})
		p := online(name, "fcoe")
		p.PCI = "0000:3b:00.0"
		ports = append(ports, p)
	}
	for i, a := range m.ask(Limits{Timeout: time.Minute}, ports...) {
		m.want(a.Pass, map[Counter]uint64{TxFrames: uint64(i)})
	}
	if len(m.functions) != 1 {
		t.Errorf("%d functions", len(m.functions))
	}
}

// TestSpuriousZero: another agent has the driver clear its block while it is
// read, so that counters and even their age seem to fall.
func TestSpuriousZero(t *testing.T) {
	good := map[Counter]uint64{Seconds: 115, TxFrames: 20, RxFrames: 30, LinkFailure: 2}
	for name, bad := range map[string]map[Counter]uint64{
		"one counter": {Seconds: 115, TxFrames: 20, RxFrames: 0, LinkFailure: 2},
		"all":         {},
		"but the age": {Seconds: 115},
	} {
		t.Run(name, func(t *testing.T) {
			m := newMachine(t)
			m.put("host3", map[Counter]uint64{Seconds: 100, TxFrames: 10, RxFrames: 15, LinkFailure: 2})
			m.ask(patient, online("host3", "lpfc"))
			m.put("host3", bad)
			m.pause = func(time.Duration) { m.put("host3", good) }
			m.later(15 * time.Second)
			a := m.ask(patient, online("host3", "lpfc"))[0]
			m.want(a.Pass, good)
		})
	}
}

func TestFallsThatAreTrue(t *testing.T) {
	for name, after := range map[string]map[Counter]uint64{
		"a wrap":  {Seconds: 115, TxFrames: 3, RxFrames: 30},
		"a reset": {Seconds: 4, TxFrames: 1, RxFrames: 2},
	} {
		t.Run(name, func(t *testing.T) {
			m := newMachine(t)
			m.put("host3", map[Counter]uint64{Seconds: 100, TxFrames: 10, RxFrames: 15})
			m.ask(patient, online("host3", "lpfc"))
			m.put("host3", after)
			m.later(15 * time.Second)
			m.want(m.ask(patient, online("host3", "lpfc"))[0].Pass, after)
		})
	}
}

// TestResetWithinAPass: what was read before the reset is read again.
func TestResetWithinAPass(t *testing.T) {
	m := newMachine(t)
	m.put("host3", map[Counter]uint64{Seconds: 100, TxFrames: 10})
	m.hang("host3", CongestionAlarms) // the last to be read
	var asked sync.WaitGroup
	var a Answer
	asked.Go(func() { a = m.ask(patient, online("host3", "lpfc"))[0] })
	fifo, err := os.OpenFile(m.path("host3", CongestionAlarms), os.O_WRONLY, 0) // now the pass is there
	if err != nil {
		t.Fatal(err)
	}
	m.write(m.path("host3", Seconds), "0x1\n")
	m.write(m.path("host3", TxFrames), "0x2\n")
	if err := os.Remove(m.path("host3", CongestionAlarms)); err != nil {
		t.Fatal(err)
	}
	m.write(m.path("host3", CongestionAlarms), "0x0\n")
	if _, err := fifo.WriteString("0x5\n"); err != nil {
		t.Fatal(err)
	}
	if err := fifo.Close(); err != nil {
		t.Fatal(err)
	}
	asked.Wait()
	m.want(a.Pass, map[Counter]uint64{Seconds: 1, TxFrames: 2, CongestionAlarms: 0})
}

func TestAllOnes(t *testing.T) {
	const none = 1<<64 - 1
	ones := map[Counter]uint64{}
	for c := range counters {
		ones[c] = none
	}
	m := newMachine(t)
	m.put("host3", ones)
	a := m.ask(patient, online("host3", "qla2xxx"))[0]
	if a.Pass != nil || a.Known || a.Failures[failure.Discarded] != 1 || a.Err == nil {
		t.Errorf("at first: %+v", a)
	}
	m.put("host3", map[Counter]uint64{Seconds: 100, TxFrames: 5, LIP: none, NOS: none - 6})
	m.later(20 * time.Second)
	good := m.ask(patient, online("host3", "qla2xxx"))[0]
	m.want(good.Pass, map[Counter]uint64{TxFrames: 5, LIP: none, NOS: none})
	m.put("host3", ones)
	m.later(15 * time.Second)
	a = m.ask(patient, online("host3", "qla2xxx"))[0]
	if a.Pass != good.Pass || a.Age != 15*time.Second || a.Failures[failure.Discarded] != 2 {
		t.Errorf("then: %+v", a)
	}
	m.later(maxAge)
	if a = m.ask(patient, online("host3", "qla2xxx"))[0]; a.Pass != nil || !a.Known {
		t.Errorf("much later: %+v", a)
	}
}

func TestBackOff(t *testing.T) {
	m := newMachine(t)
	m.put("host3", map[Counter]uint64{Seconds: 100})
	for c := range counters {
		m.faults.Set(m.path("host3", c), unix.EIO)
	}
	passes := func() uint64 { return m.portOf("host3").failures[failure.EIO] }
	p := online("host3", "qla2xxx")
	var asked []int
	for second := 0; second <= 1500; second += 10 {
		before := uint64(0)
		if second > 0 {
			before = passes()
		}
		a := m.ask(patient, p)[0]
		if passes() > before {
			asked = append(asked, second)
			if a.Err == nil {
				t.Error("no error is reported")
			}
		}
		m.later(10 * time.Second)
	}
	if want := []int{0, 20, 60, 140, 300, 600, 900, 1200, 1500}; !slices.Equal(asked, want) {
		t.Errorf("asked at %v, want %v", asked, want)
	}
	for c := range counters {
		m.faults.Set(m.path("host3", c), nil)
	}
	p.State = "Linkdown"
	if a := m.ask(patient, p)[0]; a.Pass == nil {
		t.Errorf("another state is no new chance: %+v", a)
	}
}

func TestNoAnswerMeansNothing(t *testing.T) {
	m := newMachine(t)
	m.put("host3", map[Counter]uint64{Seconds: 100})
	m.ask(patient, online("host3", "lpfc"))
	for c := range counters {
		m.faults.Set(m.path("host3", c), unix.ENOENT)
	}
	m.later(time.Minute)
	down := online("host3", "lpfc")
	down.State = "Linkdown"
	a := m.ask(patient, down)[0]
	if a.Pass != nil || a.Err != nil || a.Failures[failure.ENOENT] != 1 {
		t.Errorf("%+v", a)
	}
}

func TestNotReady(t *testing.T) {
	for name, c := range map[string]struct {
		state, host, board, driver string
		asked                      bool
	}{
		"well":               {"Online", "running", "online", "lpfc", true},
		"no such files":      {"Online", "", "", "lpfc", true},
		"offline":            {"Offline", "running", "online", "lpfc", false},
		"software":           {"Offline", "running", "", "fcoe", true},
		"diagnostics":        {"Diagnostics", "running", "", "qla2xxx", false},
		"error":              {"Error", "running", "online", "lpfc", false},
		"recovery":           {"Online", "recovery", "", "qla2xxx", false},
		"deleted, recovery":  {"Online", "deleted/recovery", "", "qla2xxx", false},
		"restart":            {"Online", "running", "warm start", "lpfc", false},
		"unknown":            {"Unknown", "running", "", "zfcp", false},
		"no state":           {"", "running", "", "zfcp", false},
		"a state of its own": {"Dreaming", "running", "", "zfcp", true},
	} {
		t.Run(name, func(t *testing.T) {
			m := newMachine(t)
			m.put("host3", map[Counter]uint64{Seconds: 100})
			for file, word := range map[string]string{"state": c.host, "board_mode": c.board} {
				if word != "" {
					m.write(filepath.Join(m.root, "class/scsi_host/host3", file), word+"\n")
				}
			}
			p := online("host3", c.driver)
			p.State = c.state
			if a := m.ask(patient, p)[0]; a.Asked != c.asked || (a.Pass != nil) != c.asked || a.Err != nil {
				t.Errorf("%+v", a)
			}
		})
	}
}

// TestStateOfTheTurn has a port change its state before its pass begins.
func TestStateOfTheTurn(t *testing.T) {
	m := newMachine(t)
	m.put("host3", map[Counter]uint64{Seconds: 100})
	for _, c := range []struct {
		state string
		asked bool
	}{{"Diagnostics", false}, {"Unknown", false}, {"Online", true}} {
		m.write(filepath.Join(m.root, "class/fc_host/host3/port_state"), c.state+"\n")
		m.later(time.Minute)
		if a := m.ask(patient, online("host3", "lpfc"))[0]; a.Asked != c.asked || a.Err != nil {
			t.Errorf("%s: %+v", c.state, a)
		}
	}
}

// TestUnknownDriver: what it does not fill is found out, and asked for again
// after an hour.
func TestUnknownDriver(t *testing.T) {
	m := newMachine(t)
	values := map[Counter]uint64{Seconds: 100, TxFrames: 5, LIP: 1<<64 - 1, ExchangeIDBusy: 3}
	m.put("host3", values)
	m.want(m.ask(patient, online("host3", "new"))[0].Pass, map[Counter]uint64{
		TxFrames: 5, ExchangeIDBusy: 3, NOS: 0, LIP: 1<<64 - 1, NonBLSResponse: 1<<64 - 1,
	})
	values[LIP], values[NonBLSResponse] = 7, 8
	m.put("host3", values)
	m.later(time.Minute)
	m.want(m.ask(patient, online("host3", "new"))[0].Pass, map[Counter]uint64{LIP: 1<<64 - 1, NonBLSResponse: 1<<64 - 1})
	m.later(time.Hour)
	m.want(m.ask(patient, online("host3", "new"))[0].Pass, map[Counter]uint64{LIP: 7, NonBLSResponse: 8, TxFrames: 5})
}

// TestNumberGivenOutAgain: another port with the number of one that is gone
// has nothing to do with it.
func TestNumberGivenOutAgain(t *testing.T) {
	m := newMachine(t)
	m.put("host3", map[Counter]uint64{Seconds: 100, TxFrames: 5})
	p := online("host3", "lpfc")
	m.ask(patient, p)
	m.put("host3", map[Counter]uint64{Seconds: 100, TxFrames: 1})
	other := *p.Host
	other.Dir, p.Host = "devices/elsewhere/host3", &other
	m.want(m.ask(patient, p)[0].Pass, map[Counter]uint64{TxFrames: 1})
}
