package kernel

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-kit/log"
	godbus "github.com/godbus/dbus/v5"

	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
	"github.com/hostexporter/host_exporter/collector/internal/test/golden"
	"github.com/hostexporter/host_exporter/collector/internal/test/testfile"
)

// A standIn is a bus and the systemd behind it. It replies with bytes that it
// prepared at the first call of a kind, so that it allocates nothing later.
type standIn struct {
	t        testing.TB
	services func(path, name string) string // a value in the words of busctl
	sysfs    string                         // with control groups
	listener net.Listener

	mu      sync.Mutex
	replies map[string]*standInReply // by the call, without its serial number
	calls   map[string]int           // by method or property
	conn    net.Conn                 // the last one
}

type standInReply struct {
	message []byte
	name    string
}

func newStandIn(t testing.TB, services func(path, name string) string, cgroups ...string) *standIn {
	t.Helper()
	sysfs := t.TempDir()
	write := func(name, content string) {
		if err := os.WriteFile(filepath.Join(sysfs, "fs/cgroup", name), []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, group := range append(cgroups, "") {
		testfile.Dir(t, filepath.Join(sysfs, "fs/cgroup", group))
		write(group+"/pids.current", "3\n")
		write(group+"/pids.max", "4915\n")
	}
	write("cgroup.controllers", "cpu pids\n")
	listener, err := net.Listen("unix", filepath.Join(t.TempDir(), "bus"))
	if err != nil {
		t.Fatal(err)
	}
	s := &standIn{t: t, services: services, sysfs: sysfs, listener: listener, replies: map[string]*standInReply{}, calls: map[string]int{}}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			s.mu.Lock()
			s.conn = conn
			s.mu.Unlock()
			go s.serve(conn)
		}
	}()
	return s
}

func (s *standIn) dial(ctx context.Context, _ bool) (net.Conn, error) {
	return new(net.Dialer).DialContext(ctx, "unix", s.listener.Addr().String())
}

// count returns how many calls there were since the last count.
func (s *standIn) count() (calls map[string]int, sum int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	calls = s.calls
	s.calls = map[string]int{}
	for _, n := range calls {
		sum += n
	}
	return calls, sum
}

func (s *standIn) serve(conn net.Conn) {
	defer func() { _ = conn.Close() }()
	if err := golden.ServeAuthentication(conn); err != nil {
		s.t.Error(err)
		return
	}
	in, out, n := make([]byte, 1<<20), []byte(nil), 0
	for {
		k, err := conn.Read(in[n:])
		if err != nil {
			return
		}
		n += k
		rest := in[:n]
		out = out[:0]
		for size := callSize(rest); size > 0; size = callSize(rest) {
			out = s.appendReply(out, rest[:size])
			rest = rest[size:]
		}
		n = copy(in, rest)
		if _, err := conn.Write(out); err != nil {
			return
		}
	}
}

// callSize returns the size of the first call in b, or 0 if it is not complete.
func callSize(b []byte) int {
	if len(b) < 16 {
		return 0
	}
	size := 16 + int(binary.LittleEndian.Uint32(b[12:])+7)&^7 + int(binary.LittleEndian.Uint32(b[4:]))
	if size > len(b) {
		return 0
	}
	return size
}

func (s *standIn) appendReply(out, call []byte) []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.replies[string(call[12:])]
	if r == nil {
		r = s.prepare(call)
		s.replies[string(call[12:])] = r
	}
	s.calls[r.name]++
	copy(r.message[20:24], call[8:12])
	return append(out, r.message...)
}

func (s *standIn) prepare(call []byte) *standInReply {
	m, err := godbus.DecodeMessage(bytes.NewReader(call))
	if err != nil {
		s.t.Error(err)
		return &standInReply{}
	}
	name := m.Headers[godbus.FieldInterface].Value().(string) + "." + m.Headers[godbus.FieldMember].Value().(string)
	value := ""
	switch path := string(m.Headers[godbus.FieldPath].Value().(godbus.ObjectPath)); {
	case name == "org.freedesktop.DBus.Properties.Get":
		name = m.Body[0].(string) + "." + m.Body[1].(string)
		value = "v " + s.services(path, name)
	case !strings.HasPrefix(name, "org.freedesktop.DBus.") && !strings.HasSuffix(name, ".Subscribe"):
		value = s.services(path, name)
	}
	return &standInReply{encodeMessage(s.t, 2, []string{"5", "u", "0"}, value), name}
}

// encodeMessage returns a message with header fields and a value in the words of
// busctl.
func encodeMessage(t testing.TB, kind byte, fields []string, value string) []byte {
	var body golden.DBusEncoder
	if words := strings.Fields(value); len(words) > 0 {
		fields = append(fields, "8", "g", words[0])
		if err := body.Encode(words[0], words[1:]); err != nil {
			t.Error(err)
		}
	}
	m := golden.DBusEncoder{'l', kind, 0, 1}
	m = binary.LittleEndian.AppendUint32(m, uint32(len(body)))
	m = binary.LittleEndian.AppendUint32(m, 1)
	if err := m.Encode("a(yv)", append([]string{strconv.Itoa(len(fields) / 3)}, fields...)); err != nil {
		t.Error(err)
	}
	for len(m)%8 != 0 {
		m = append(m, 0)
	}
	return append(m, body...)
}

// signal sends a signal.
func (s *standIn) signal(path, iface, member, value string) {
	s.t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, err := s.conn.Write(encodeMessage(s.t, 4, []string{"1", "o", path, "2", "s", iface, "3", "s", member}, value)); err != nil {
		s.t.Error(err)
	}
}

// A fleet is a large host: of a hundred units, 50 are services, 20 mounts, 10
// devices, 10 scopes, 6 targets, 2 sockets, 2 timers. Every tenth service is not
// active, and one in a hundred was restarted.
type fleet struct {
	list    string
	counts  map[string]int
	cgroups []string
}

func newFleet(units int) *fleet {
	f := &fleet{counts: map[string]int{}}
	var b strings.Builder
	fmt.Fprintf(&b, "a(ssssssouso) %d", units)
	for i := range units {
		kind, state := "target", "active"
		switch k := i % 100; {
		case k < 50:
			kind = "service"
			if k%10 == 0 {
				state = "inactive"
			}
		case k < 70:
			kind = "mount"
		case k < 80:
			kind = "device"
		case k < 90:
			kind = "scope"
		case k < 92:
			kind = "socket"
		case k < 94:
			kind = "timer"
		}
		f.counts[kind]++
		if kind == "service" && state == "active" {
			f.cgroups = append(f.cgroups, fmt.Sprintf("system.slice/some-unit-%d.service", i))
		}
		fmt.Fprintf(&b, ` "some-unit-%d.%s" "Description" "loaded" "%s" "-" "" %s 0 "" "/"`, i, kind, state, fleetPath(i, kind))
	}
	f.list = b.String()
	return f
}

func fleetPath(i int, kind string) string {
	return fmt.Sprintf("/org/freedesktop/systemd1/unit/some_2dunit_2d%d_2e%s", i, kind)
}

func (f *fleet) reply(path, name string) string {
	switch _, property, _ := strings.Cut(strings.TrimPrefix(name, "org.freedesktop.systemd1."), "."); property {
	case "Version":
		return `s "252.39"`
	case "Virtualization":
		return `s ""`
	case "SystemState":
		return `s "running"`
	case "ListUnits":
		return f.list
	case "Type":
		return `s "simple"`
	case "NRestarts":
		if strings.HasSuffix(path, "01_2eservice") {
			return "u 7"
		}
		return "u 0"
	case "ControlGroup":
		if strings.HasSuffix(path, "0_2eservice") { // not active
			return `s ""`
		}
		return `s "/system.slice/` + strings.ReplaceAll(strings.ReplaceAll(path[strings.LastIndexByte(path, '/')+1:], "_2d", "-"), "_2e", ".") + `"`
	case "NAccepted", "NConnections", "NRefused":
		return "u 3"
	}
	return "t 1790000000000000"
}

// inAMinute is a deadline for a slow machine.
type inAMinute struct{ context.Context }

func (inAMinute) Deadline() (time.Time, bool) { return time.Now().Add(time.Minute), true }

// newSystemdOn builds the collector on a stand-in.
func newSystemdOn(t testing.TB, s *standIn, options map[string][]string) (update func() *metric.Sink) {
	t.Helper()
	set := metric.NewSet()
	h := &host.Host{Sys: host.NewTree(s.sysfs).Attributes(), Now: time.Now, DialBus: s.dial}
	c, err := systemd.Build.New(&collect.Env{Host: h, Metrics: set, Log: log.NewNopLogger()}, options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.(*systemdCollector).client.Close)
	out := metric.NewSink(set)
	return func() *metric.Sink {
		out.Reset(metric.Text)
		if err := c.Update(inAMinute{context.Background()}, out); err != nil {
			t.Error(err)
		}
		if errs, _ := out.Errors(); len(errs) > 0 {
			t.Error(errs)
		}
		return out
	}
}

var allSystemdOptions = map[string][]string{
	"enable-restarts-metrics": {"true"}, "enable-start-time-metrics": {"true"}, "enable-task-metrics": {"true"},
}

// TestSystemdCalls counts the calls for 5,000 units: at the first scrape one for
// each property, then less than a fifth.
func TestSystemdCalls(t *testing.T) {
	f := newFleet(5000)
	s := newStandIn(t, f.reply)
	services, sockets, timers, targets := f.counts["service"], f.counts["socket"], f.counts["timer"], f.counts["target"]
	active := services*9/10 + sockets + timers + targets
	const manager = 4 // ListUnits and properties of the manager
	for name, c := range map[string]struct {
		options    map[string][]string
		properties int // with a call for each, as in node_exporter
	}{
		"defaults":    {nil, manager + services + 3*sockets + timers},
		"all options": {allSystemdOptions, manager + 4*services + 3*sockets + timers + active},
	} {
		update := newSystemdOn(t, s, c.options)
		s.count()
		samples := update().SampleCount()
		calls, cold := s.count()
		t.Logf("%s: %d properties, %d calls at the first scrape: %v", name, c.properties, cold, calls)
		if cold > c.properties+10 {
			t.Errorf("%s: %d calls at the first scrape, want %d", name, cold, c.properties)
		}
		most, sum := 0, 0
		for range refreshInterval {
			if n := update().SampleCount(); n != samples {
				t.Errorf("%s: %d samples, want %d", name, n, samples)
			}
			calls, warm := s.count()
			most, sum = max(most, warm), sum+warm
			if calls["org.freedesktop.systemd1.Manager.ListUnits"] != 1 {
				t.Errorf("%s: want one call of ListUnits, have %v", name, calls)
			}
		}
		t.Logf("%s: %d calls at later scrapes, %d at most", name, sum/refreshInterval, most)
		if 5*most > c.properties {
			t.Errorf("%s: %d calls, want a fifth of %d", name, most, c.properties)
		}
	}
}

// TestSystemdReadsOnlyWhatChanged has one unit change, and counts what is read.
func TestSystemdReadsOnlyWhatChanged(t *testing.T) {
	s := newStandIn(t, newFleet(100).reply)
	update := newSystemdOn(t, s, allSystemdOptions)
	update()
	before := func() map[string]int { s.count(); update(); calls, _ := s.count(); return calls }
	const typ, restarts = "org.freedesktop.systemd1.Service.Type", "org.freedesktop.systemd1.Service.NRestarts"
	path := fleetPath(40, "service") // not refreshed in the next scrapes
	if n := before()[typ]; n > 3 {
		t.Errorf("%d types were read, want at most those of a refresh", n)
	}
	s.signal(path, "org.freedesktop.DBus.Properties", "PropertiesChanged", `s "org.freedesktop.systemd1.Service"`)
	if calls := before(); calls[typ] < 1 || calls[typ] > 4 || calls[restarts] < 1 {
		t.Errorf("after a change of one service: %v", calls)
	}
	s.signal(systemdPath, systemdManager, "UnitRemoved", `so "some-unit-40.service" `+path)
	if calls := before(); calls[typ] < 1 || calls[typ] > 4 {
		t.Errorf("after one service was removed: %v", calls)
	}
	s.signal(systemdPath, systemdManager, "Reloading", "b true")
	if calls := before(); calls[typ] != 50 {
		t.Errorf("after a reload: %v", calls)
	}
}

// TestSystemdAllocations bounds the allocations of a scrape, whatever the number
// of units.
func TestSystemdAllocations(t *testing.T) {
	for _, units := range []int{100, 5000} {
		f := newFleet(units)
		s := newStandIn(t, f.reply, f.cgroups...)
		update := newSystemdOn(t, s, allSystemdOptions)
		for range 2 * refreshInterval { // the stand-in prepares its replies
			update()
		}
		if n := testing.AllocsPerRun(20, func() { update() }); n > 5 {
			t.Errorf("%d units: %v allocations in a scrape, want 5 at most", units, n)
		}
	}
}

func BenchmarkSystemd(b *testing.B) {
	for _, c := range []struct {
		name    string
		options map[string][]string
	}{{"defaults", nil}, {"all", allSystemdOptions}} {
		for _, units := range []int{500, 5000} {
			b.Run(fmt.Sprintf("%s/units=%d", c.name, units), func(b *testing.B) {
				f := newFleet(units)
				s := newStandIn(b, f.reply, f.cgroups...)
				update := newSystemdOn(b, s, c.options)
				for range 2 * refreshInterval {
					update()
				}
				b.ReportAllocs()
				for b.Loop() {
					update()
				}
			})
		}
	}
}
