package kernel

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/go-kit/log"
	godbus "github.com/godbus/dbus/v5"

	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
)

// A realBus is a dbus-daemon of a test.
type realBus struct {
	t      *testing.T
	dir    string
	socket string
	dials  atomic.Int32

	process *os.Process
	exited  chan struct{}
}

// busPolicy lets everybody do everything, but for calls of a service that the test
// denies.
const busPolicy = `<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN" "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
 <type>custom</type>
 <listen>unix:path=%s</listen>
 <auth>EXTERNAL</auth>
 <policy context="default">
  <allow user="*"/><allow own="*"/>
  <allow send_type="method_call"/><allow send_type="signal"/>
  <allow send_requested_reply="true" send_type="method_return"/><allow send_requested_reply="true" send_type="error"/>
  <allow receive_type="method_call"/><allow receive_type="method_return"/><allow receive_type="error"/><allow receive_type="signal"/>
  %s
 </policy>
</busconfig>
`

// startBus starts a bus, or skips the test where there is no dbus-daemon.
func startBus(t *testing.T, policy string) *realBus {
	t.Helper()
	if _, err := exec.LookPath("dbus-daemon"); err != nil {
		t.Skip(err)
	}
	dir := t.TempDir()
	b := &realBus{t: t, dir: dir, socket: filepath.Join(dir, "bus")}
	if err := os.WriteFile(filepath.Join(dir, "conf"), fmt.Appendf(nil, busPolicy, b.socket, policy), 0o644); err != nil {
		t.Fatal(err)
	}
	b.start()
	t.Cleanup(b.kill)
	return b
}

func (b *realBus) start() {
	b.t.Helper()
	_ = os.Remove(b.socket)
	cmd := exec.Command("dbus-daemon", "--config-file="+filepath.Join(b.dir, "conf"), "--nofork", "--nopidfile", "--nosyslog")
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		b.t.Fatal(err)
	}
	b.process, b.exited = cmd.Process, make(chan struct{})
	go func(exited chan struct{}) {
		_ = cmd.Wait()
		close(exited)
	}(b.exited)
	for range 500 {
		if conn, err := net.Dial("unix", b.socket); err == nil {
			_ = conn.Close()
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	b.t.Fatal("dbus-daemon does not listen")
}

func (b *realBus) signal(s syscall.Signal) {
	b.t.Helper()
	if err := b.process.Signal(s); err != nil {
		b.t.Fatal(err)
	}
}

func (b *realBus) kill() {
	_ = b.process.Kill()
	<-b.exited
}

func (b *realBus) dial(ctx context.Context, _ bool) (net.Conn, error) {
	b.dials.Add(1)
	return new(net.Dialer).DialContext(ctx, "unix", b.socket)
}

// A realService is a service on a bus. Its properties are those of a function,
// which may block.
type realService struct {
	t    *testing.T
	conn *godbus.Conn

	mu    sync.Mutex
	get   func(path, property string) (any, *godbus.Error)
	calls int
}

// serve starts a service with the methods of its manager.
func (b *realBus) serve(name, root string, manager map[string]any, get func(path, property string) (any, *godbus.Error)) *realService {
	b.t.Helper()
	conn, err := godbus.Connect("unix:path=" + b.socket)
	if err != nil {
		b.t.Fatal(err)
	}
	s := &realService{t: b.t, conn: conn, get: get}
	b.t.Cleanup(func() { _ = conn.Close() })
	properties := map[string]any{"Get": s.property}
	for _, err := range []error{
		conn.ExportMethodTable(properties, godbus.ObjectPath(root), "org.freedesktop.DBus.Properties"),
		conn.ExportSubtreeMethodTable(properties, godbus.ObjectPath(root), "org.freedesktop.DBus.Properties"),
		conn.ExportMethodTable(manager, godbus.ObjectPath(root), name+".Manager"),
	} {
		if err != nil {
			b.t.Fatal(err)
		}
	}
	if reply, err := conn.RequestName(name, 0); err != nil || reply != godbus.RequestNameReplyPrimaryOwner {
		b.t.Fatal(reply, err)
	}
	return s
}

func (s *realService) property(m godbus.Message, iface, property string) (godbus.Variant, *godbus.Error) {
	s.mu.Lock()
	s.calls++
	get := s.get
	s.mu.Unlock()
	path := string(m.Headers[godbus.FieldPath].Value().(godbus.ObjectPath))
	v, err := get(path[strings.LastIndexByte(path, '/')+1:], iface[strings.LastIndexByte(iface, '.')+1:]+"."+property)
	if err != nil {
		return godbus.Variant{}, err
	}
	return godbus.MakeVariant(v), nil
}

// set replaces the function that has the properties.
func (s *realService) set(get func(path, property string) (any, *godbus.Error)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.get = get
}

// count returns how many properties were read since the last count.
func (s *realService) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := s.calls
	s.calls = 0
	return n
}

func (s *realService) emit(path, signal string, values ...any) {
	s.t.Helper()
	if err := s.conn.Emit(godbus.ObjectPath(path), signal, values...); err != nil {
		s.t.Error(err)
	}
}

// A listedUnit is a unit in the reply of ListUnits.
type listedUnit struct {
	Name, Description, Load, Active, Sub, Following string
	Path                                            godbus.ObjectPath
	Job                                             uint32
	JobType                                         string
	JobPath                                         godbus.ObjectPath
}

const unitRoot = "/org/freedesktop/systemd1/unit/"

func listed(name string) listedUnit {
	path := strings.NewReplacer("-", "_2d", ".", "_2e").Replace(name)
	return listedUnit{Name: name, Load: "loaded", Active: "active", Sub: "running", Path: godbus.ObjectPath(unitRoot + path), JobPath: "/"}
}

// serveSystemd starts a systemd with some units.
func (b *realBus) serveSystemd(units ...string) *realService {
	b.t.Helper()
	var list []listedUnit
	for _, name := range units {
		list = append(list, listed(name))
	}
	return b.serve(systemdName, systemdPath, map[string]any{
		"ListUnits": func() ([]listedUnit, *godbus.Error) { return list, nil },
		"Subscribe": func() *godbus.Error { return nil },
	}, systemdProperties)
}

func systemdProperties(_, property string) (any, *godbus.Error) {
	switch property {
	case "Manager.Version":
		return "252.39", nil
	case "Manager.Virtualization":
		return "kvm", nil
	case "Manager.SystemState":
		return "running", nil
	case "Service.Type":
		return "simple", nil
	case "Service.NRestarts", "Socket.NAccepted", "Socket.NConnections":
		return uint32(0), nil
	case "Unit.ActiveEnterTimestamp", "Timer.LastTriggerUSec":
		return uint64(1790000000000000), nil
	}
	return nil, godbus.NewError("org.freedesktop.DBus.Error.UnknownProperty", []any{"Unknown property"})
}

// A busReader is a collector on a bus, with a deadline.
type busReader struct {
	t         *testing.T
	collector collect.Collector
	out       *metric.Sink
	timeout   time.Duration
}

func (b *realBus) reader(spec collect.Spec, options map[string][]string) *busReader {
	b.t.Helper()
	set := metric.NewSet()
	h := &host.Host{Sys: host.NewTree(b.t.TempDir()).Attributes(), Now: time.Now, DialBus: b.dial}
	c, err := spec.Build.New(&collect.Env{Host: h, Metrics: set, Log: log.NewNopLogger()}, options)
	if err != nil {
		b.t.Fatal(err)
	}
	return &busReader{t: b.t, collector: c, out: metric.NewSink(set), timeout: 5 * time.Second}
}

// slowMachine is what a loaded machine may add to the time of a reading.
const slowMachine = time.Second

// read returns the samples that contain a text, and what could not be read.
func (r *busReader) read(about string) (samples, errs string) {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), r.timeout)
	defer cancel()
	r.out.Reset(metric.Text)
	start := time.Now()
	err := r.collector.Update(ctx, r.out)
	if d := time.Since(start); d > r.timeout+slowMachine {
		r.t.Errorf("a reading with %v took %v", r.timeout, d)
	}
	all, _ := r.out.Errors()
	if err != nil {
		all = append(all, err)
	}
	var texts []string
	for _, err := range all {
		texts = append(texts, err.Error())
	}
	var b strings.Builder
	for line := range strings.Lines(string(r.out.AppendText(nil, nil, func(string) bool { return false }))) {
		if line[0] != '#' && strings.Contains(line, about) {
			b.WriteString(line)
		}
	}
	return b.String(), strings.Join(texts, "; ")
}

// want reads, and compares the samples and the errors that contain a text.
func (r *busReader) want(about, samples, errs string) {
	r.t.Helper()
	haveSamples, haveErrs := r.read(about)
	if haveSamples != samples {
		r.t.Errorf("have samples\n%swant\n%s", haveSamples, samples)
	}
	if errs == "" && haveErrs != "" || !strings.Contains(haveErrs, errs) {
		r.t.Errorf("have errors %q, want %q", haveErrs, errs)
	}
}

func TestRealBusSystemd(t *testing.T) {
	b := startBus(t, "")
	var units []string
	for i := range 2500 {
		units = append(units, fmt.Sprintf("some-%d.service", i), fmt.Sprintf("some-%d.slice", i))
	}
	s := b.serveSystemd(units...)
	r := b.reader(systemd, allSystemdOptions)
	r.timeout = time.Minute
	start := time.Now()
	samples, errs := r.read("")
	cold := time.Since(start)
	if n := strings.Count(samples, "\n"); n != 2500*7+8 || errs != "" {
		t.Errorf("%d samples, errors %q", n, errs)
	}
	// For each service its type, restarts, start time, control group and maximum of
	// tasks, of which it lacks two.
	if n := s.count(); n != 3+5*2500 {
		t.Errorf("%d properties were read", n)
	}
	start = time.Now()
	if again, errs := r.read(""); again != samples || errs != "" {
		t.Errorf("another reading differs, errors %q", errs)
	}
	warm := time.Since(start)
	if n := s.count(); n > 3+5*2500/refreshInterval+5 {
		t.Errorf("%d properties were read again", n)
	}
	t.Logf("%v, then %v", cold, warm)
	if n := b.dials.Load(); n != 1 {
		t.Errorf("%d connections", n)
	}
}

// TestRealBusSignals has the bus deliver the signals that make a value be read
// again.
func TestRealBusSignals(t *testing.T) {
	b := startBus(t, "")
	s := b.serveSystemd("a.service", "b.timer")
	r := b.reader(systemd, allSystemdOptions)
	r.read("")
	const restarts = `node_systemd_service_restart_total{name="a.service"} `
	r.want("restart_total", restarts+"0\n", "")
	s.set(func(path, property string) (any, *godbus.Error) {
		switch property {
		case "Service.NRestarts":
			return uint32(1), nil
		case "Service.Type":
			return "exec", nil
		case "Timer.LastTriggerUSec":
			return uint64(1790000001000000), nil
		}
		return systemdProperties(path, property)
	})
	r.want("restart_total", restarts+"0\n", "")
	s.emit(unitRoot+"a_2eservice", "org.freedesktop.DBus.Properties.PropertiesChanged", systemdName+".Service", map[string]godbus.Variant{}, []string{})
	r.want("restart_total", restarts+"1\n", "")
	r.want("last_trigger", "node_systemd_timer_last_trigger_seconds{name=\"b.timer\"} 1790000000\n", "")
	s.emit(unitRoot+"b_2etimer", "org.freedesktop.DBus.Properties.PropertiesChanged", systemdName+".Timer", map[string]godbus.Variant{}, []string{})
	r.want("last_trigger", "node_systemd_timer_last_trigger_seconds{name=\"b.timer\"} 1790000001\n", "")
	s.set(systemdProperties)
	r.want("restart_total", restarts+"0\n", "") // without a signal
	s.emit(systemdPath, systemdManager+".Reloading", true)
	r.want("last_trigger", "node_systemd_timer_last_trigger_seconds{name=\"b.timer\"} 1790000000\n", "")
}

// TestRealBusLateReply has a service reply after the call was abandoned.
func TestRealBusLateReply(t *testing.T) {
	b := startBus(t, "")
	s := b.serveSystemd("a.service", "b.service", "c.timer")
	release := make(chan struct{})
	s.set(func(path, property string) (any, *godbus.Error) {
		if path == "b_2eservice" && property == "Service.NRestarts" {
			<-release
			return uint32(99), nil
		}
		return systemdProperties(path, property)
	})
	r := b.reader(systemd, map[string][]string{"enable-restarts-metrics": {"true"}})
	const a, bb = "node_systemd_service_restart_total{name=\"a.service\"} 0\n", "node_systemd_service_restart_total{name=\"b.service\"} 0\n"
	r.want("restart_total", a, "b.service: org.freedesktop.systemd1.Service.NRestarts: no reply in time")
	start := time.Now()
	r.want("restart_total", a, "b.service: org.freedesktop.systemd1.Service.NRestarts: no reply in time")
	if d := time.Since(start); d > slowMachine {
		t.Errorf("what is known to be late cost %v", d)
	}
	s.set(systemdProperties)
	close(release) // the late replies say 99
	for range 3 {
		r.want("restart_total", a+bb, "")
	}
	if n := b.dials.Load(); n != 1 {
		t.Errorf("%d connections", n)
	}
}

// TestRealBusHungService has services not reply at all, or not to the call that
// all others depend on.
func TestRealBusHungService(t *testing.T) {
	b := startBus(t, "")
	hung := make(chan struct{})
	t.Cleanup(func() { close(hung) })
	var isHung atomic.Bool
	list := func() ([]listedUnit, *godbus.Error) {
		if isHung.Load() {
			<-hung
		}
		return []listedUnit{listed("a.service")}, nil
	}
	s := b.serve(systemdName, systemdPath, map[string]any{
		"ListUnits": list, "Subscribe": func() *godbus.Error { return nil },
	}, systemdProperties)
	b.serve(logindName, logindPath, map[string]any{"ListSeats": list, "ListSessions": list}, systemdProperties)
	units, sessions := b.reader(systemd, nil), b.reader(logind, nil)
	const active = "node_systemd_unit_state{name=\"a.service\",state=\"active\",type=\"simple\"} 1\n"
	units.want("state=\"active\",type", active, "")
	isHung.Store(true)
	units.timeout, sessions.timeout = 200*time.Millisecond, 200*time.Millisecond
	units.want("node_systemd_version", "node_systemd_version{version=\"252.39\"} 252.39\n", "systemd1.Manager.ListUnits: no reply in time")
	sessions.want("", "", "org.freedesktop.login1: no reply in time")
	s.set(func(string, string) (any, *godbus.Error) { <-hung; return "", nil })
	s.count()
	for range 3 {
		units.want("", "", "org.freedesktop.systemd1: no reply in time")
	}
	if n := s.count(); n > 9 {
		t.Errorf("%d calls of a hung service", n)
	}
	isHung.Store(false)
	s.set(systemdProperties)
	units.timeout = 5 * time.Second
	units.want("state=\"active\",type", active, "")
}

func TestRealBusOtherTypes(t *testing.T) {
	b := startBus(t, "")
	s := b.serveSystemd("a.service", "b.service", "c.socket")
	s.set(func(path, property string) (any, *godbus.Error) {
		switch path + " " + property {
		case "a_2eservice Service.Type":
			return []string{"simple"}, nil
		case "a_2eservice Service.NRestarts":
			return "none", nil
		case "b_2eservice Service.NRestarts":
			return nil, godbus.NewError("org.freedesktop.DBus.Error.Failed", []any{uint32(7)})
		case "c_2esocket Socket.NAccepted":
			return map[string]godbus.Variant{"x": godbus.MakeVariant([]any{struct{ A, B string }{"a", "b"}})}, nil
		case "systemd1 Manager.Version":
			return uint64(252), nil
		}
		return systemdProperties(path, property)
	})
	r := b.reader(systemd, map[string][]string{"enable-restarts-metrics": {"true"}})
	for _, want := range []string{
		"Manager.Version: want a value of type \"s\", have \"t\"", "a.service: org.freedesktop.systemd1.Service.Type: want a value of type \"s\", have \"as\"",
		"Service.NRestarts: want a value of type \"u\", have \"s\"", "b.service: org.freedesktop.systemd1.Service.NRestarts: org.freedesktop.DBus.Error.Failed",
		"NAccepted: want a value of type \"u\", have \"a{sv}\"",
	} {
		r.want("c.socket\",state=\"active", "node_systemd_unit_state{name=\"c.socket\",state=\"active\",type=\"\"} 1\n", want)
	}
}

// TestRealBusServiceGone has the service leave the bus while it is asked.
func TestRealBusServiceGone(t *testing.T) {
	b := startBus(t, "")
	s := b.serveSystemd("a.service", "b.service")
	r := b.reader(systemd, nil)
	const active = "node_systemd_unit_state{name=\"a.service\",state=\"active\",type=\"simple\"} 1\n"
	s.set(func(path, property string) (any, *godbus.Error) {
		if path == "b_2eservice" {
			_ = s.conn.Close()
		}
		return systemdProperties(path, property)
	})
	if samples, errs := r.read("a.service\",state=\"active"); !strings.HasPrefix(samples, "node_systemd_unit_state{") ||
		!strings.Contains(errs, "org.freedesktop.DBus.Error.NoReply") {
		t.Errorf("samples %q, errors %q", samples, errs)
	}
	r.want("unit_state", "", "no data: org.freedesktop.systemd1.Manager.Version: org.freedesktop.DBus.Error.NameHasNoOwner")
	b.serveSystemd("a.service")
	r.want("a.service\",state=\"active", active, "")
	if n := b.dials.Load(); n != 1 {
		t.Errorf("%d connections", n)
	}
}

// TestRealBusRestart kills the bus and starts it again.
func TestRealBusRestart(t *testing.T) {
	b := startBus(t, "")
	b.serveSystemd("a.service")
	r := b.reader(systemd, nil)
	const active = "node_systemd_unit_state{name=\"a.service\",state=\"active\",type=\"simple\"} 1\n"
	r.want("state=\"active\",type", active, "")
	b.kill()
	time.Sleep(50 * time.Millisecond) // for the end of the connection to arrive
	for range 3 {
		r.want("", "", "connection refused")
	}
	if n := b.dials.Load(); n != 4 {
		t.Errorf("%d connections, want one for each reading", n)
	}
	b.start()
	b.serveSystemd("a.service")
	r.want("state=\"active\",type", active, "")
}

// TestRealBusKilledDuringReading kills the bus while a reply is waited for.
func TestRealBusKilledDuringReading(t *testing.T) {
	b := startBus(t, "")
	s := b.serveSystemd("a.service", "b.service")
	r := b.reader(systemd, nil)
	var once sync.Once
	s.set(func(path, property string) (any, *godbus.Error) {
		if path == "b_2eservice" {
			once.Do(b.kill)
		}
		return systemdProperties(path, property)
	})
	start := time.Now()
	if samples, errs := r.read("node_systemd_units"); !strings.Contains(samples, "{state=\"active\"} 2\n") || !strings.Contains(errs, "connection lost: ") {
		t.Errorf("samples %q, errors %q", samples, errs)
	}
	if d := time.Since(start); d > 2*slowMachine {
		t.Errorf("the end of the connection was noticed after %v", d)
	}
}

// TestRealBusHangs stops the bus, as in a debugger.
func TestRealBusHangs(t *testing.T) {
	b := startBus(t, "")
	b.serveSystemd("a.service")
	r := b.reader(systemd, nil)
	const active = "node_systemd_unit_state{name=\"a.service\",state=\"active\",type=\"simple\"} 1\n"
	r.want("state=\"active\",type", active, "")
	r.timeout = 500 * time.Millisecond
	b.signal(syscall.SIGSTOP)
	r.want("", "", "org.freedesktop.systemd1: no reply in time")
	for range 3 {
		r.want("", "", "i/o timeout") // of the authentication
	}
	b.signal(syscall.SIGCONT)
	r.timeout = 5 * time.Second
	r.want("state=\"active\",type", active, "")
	if n := b.dials.Load(); n != 5 {
		t.Errorf("%d connections, want one for each reading since the hang", n)
	}
}

// TestRealBusPolicy has the bus deny calls.
func TestRealBusPolicy(t *testing.T) {
	b := startBus(t, `<deny send_destination="org.freedesktop.systemd1" send_interface="org.freedesktop.systemd1.Manager" send_member="Subscribe"/>`+
		`<deny send_destination="org.freedesktop.login1"/>`)
	s := b.serveSystemd("a.service")
	r := b.reader(systemd, nil)
	const active = "node_systemd_unit_state{name=\"a.service\",state=\"active\",type=\"simple\"} 1\n"
	for range 3 { // without signals, everything is read each time
		s.count()
		r.want("state=\"active\",type", active, "")
		if n := s.count(); n != 4 {
			t.Errorf("%d properties were read, want 4", n)
		}
	}
	if _, err := s.conn.RequestName(logindName, 0); err != nil {
		t.Fatal(err)
	}
	b.reader(logind, nil).want("", "", "org.freedesktop.login1.Manager.ListSeats: org.freedesktop.DBus.Error.AccessDenied")
}

func TestRealBusLogind(t *testing.T) {
	type seat struct {
		Name string
		Path godbus.ObjectPath
	}
	type session struct {
		ID   string
		UID  uint32
		User string
		Seat string
		Path godbus.ObjectPath
	}
	b := startBus(t, "")
	r := b.reader(logind, nil)
	r.want("", "", "no data: ")
	values := map[string][3]any{
		"_31": {false, "tty", "user"}, "_32": {true, "tty", "user"}, "_33": {true, "tty", "user"},
		"_34": {false, "wayland", "user-early"}, "_35": {false, "x11", uint32(5)},
	}
	list := []session{{"6", 0, "root", "", "/org/freedesktop/login1/session/_36"}} // has ended
	for i, seat := range []string{"seat0", "", "", "seat1", "seat0"} {
		list = append(list, session{fmt.Sprint(i + 1), 1000, "user", seat, godbus.ObjectPath(fmt.Sprintf("/org/freedesktop/login1/session/_3%d", i+1))})
	}
	b.serve(logindName, logindPath, map[string]any{
		"ListSeats":    func() ([]seat, *godbus.Error) { return []seat{{"seat0", "/org/freedesktop/login1/seat/seat0"}}, nil },
		"ListSessions": func() ([]session, *godbus.Error) { return list, nil },
	}, func(path, property string) (any, *godbus.Error) {
		v, ok := values[path]
		if !ok {
			return nil, godbus.NewError("org.freedesktop.DBus.Error.UnknownObject", []any{"Unknown object"})
		}
		return v[map[string]int{"Session.Remote": 0, "Session.Type": 1, "Session.Class": 2}[property]], nil
	})
	samples, errs := r.read("")
	if n := strings.Count(samples, "\n"); n != 3*2*7*5 { // with the seat that only a session has
		t.Errorf("%d samples", n)
	}
	var some string
	for line := range strings.Lines(samples) {
		if !strings.HasSuffix(line, "} 0\n") {
			some += line
		}
	}
	const want = `node_logind_sessions{seat="",remote="true",type="tty",class="user"} 2
node_logind_sessions{seat="seat0",remote="false",type="tty",class="user"} 1
node_logind_sessions{seat="seat1",remote="false",type="wayland",class="other"} 1
`
	if some != want {
		t.Errorf("have\n%swant\n%s", some, want)
	}
	if errs != `/org/freedesktop/login1/session/_35: org.freedesktop.login1.Session.Class: want a value of type "s", have "u"` {
		t.Error(errs)
	}
}
