package kernel

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/go-kit/log"

	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
	"github.com/hostexporter/host_exporter/collector/internal/test/golden"
	"github.com/hostexporter/host_exporter/collector/internal/test/growth"
)

// A unitsHost has a number of systemd units, and their control groups.
type unitsHost struct {
	*growth.Units
	*golden.Bus
	sysfs string
}

func newUnitsHost(t testing.TB, units int) unitsHost {
	t.Helper()
	u := growth.NewUnits(units)
	bus, err := golden.NewBus(t.TempDir(), u.Reply)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := bus.Close(); err != nil {
			t.Error(err)
		}
	})
	sysfs := t.TempDir()
	if err := u.WriteGroups(sysfs); err != nil {
		t.Fatal(err)
	}
	return unitsHost{u, bus, sysfs}
}

// inAMinute is a deadline for a slow machine.
type inAMinute struct{ context.Context }

func (inAMinute) Deadline() (time.Time, bool) { return time.Now().Add(time.Minute), true }

// newSystemdOn builds the collector on a host.
func newSystemdOn(t testing.TB, s unitsHost, options map[string][]string) (update func() *metric.Sink) {
	t.Helper()
	set := metric.NewSet()
	h := &host.Host{Sys: host.NewTree(s.sysfs).Attributes(), Now: time.Now, DialBus: s.Dial}
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
	s := newUnitsHost(t, 5000)
	services, sockets, timers, targets := s.Counts["service"], s.Counts["socket"], s.Counts["timer"], s.Counts["target"]
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
		s.Count()
		samples := update().SampleCount()
		calls, cold := s.Count()
		t.Logf("%s: %d properties, %d calls at the first scrape: %v", name, c.properties, cold, calls)
		if cold > c.properties+10 {
			t.Errorf("%s: %d calls at the first scrape, want %d", name, cold, c.properties)
		}
		most, sum := 0, 0
		for range refreshInterval {
			if n := update().SampleCount(); n != samples {
				t.Errorf("%s: %d samples, want %d", name, n, samples)
			}
			calls, warm := s.Count()
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
	s := newUnitsHost(t, 100)
	signal := func(path, iface, member, value string) {
		t.Helper()
		if err := s.Signal(path, iface, member, value); err != nil {
			t.Error(err)
		}
	}
	update := newSystemdOn(t, s, allSystemdOptions)
	update()
	before := func() map[string]int { s.Count(); update(); calls, _ := s.Count(); return calls }
	const typ, restarts = "org.freedesktop.systemd1.Service.Type", "org.freedesktop.systemd1.Service.NRestarts"
	path := growth.UnitPath(40, "service") // not refreshed in the next scrapes
	if n := before()[typ]; n > 3 {
		t.Errorf("%d types were read, want at most those of a refresh", n)
	}
	signal(path, "org.freedesktop.DBus.Properties", "PropertiesChanged", `s "org.freedesktop.systemd1.Service"`)
	if calls := before(); calls[typ] < 1 || calls[typ] > 4 || calls[restarts] < 1 {
		t.Errorf("after a change of one service: %v", calls)
	}
	signal(systemdPath, systemdManager, "UnitRemoved", `so "some-unit-40.service" `+path)
	if calls := before(); calls[typ] < 1 || calls[typ] > 4 {
		t.Errorf("after one service was removed: %v", calls)
	}
	signal(systemdPath, systemdManager, "Reloading", "b true")
	if calls := before(); calls[typ] != 50 {
		t.Errorf("after a reload: %v", calls)
	}
}

// TestSystemdAllocations bounds the allocations of a scrape, whatever the number
// of units.
func TestSystemdAllocations(t *testing.T) {
	for _, units := range []int{100, 5000} {
		s := newUnitsHost(t, units)
		update := newSystemdOn(t, s, allSystemdOptions)
		for range 2 * refreshInterval { // the bus prepares its replies
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
				s := newUnitsHost(b, units)
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
