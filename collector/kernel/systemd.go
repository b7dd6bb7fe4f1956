package kernel

import (
	"context"
	"fmt"
	"net"
	"regexp"
	"strconv"
	"strings"

	"github.com/go-kit/log"

	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/dbus"
	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
)

var systemd = collect.Spec{
	Name:              "systemd",
	Help:              "Units of systemd: states, restarts, start times, tasks, timers and sockets, over D-Bus.",
	Reads:             []string{"/run/dbus/system_bus_socket"},
	OptionalReads:     append(unitCgroups("pids.current", "pids.max"), "/run/systemd/private"),
	Needs:             busNeeds + "; root with --collector.systemd.private",
	DisabledByDefault: true,
	Build: collect.With(systemdOptions{
		include: collect.Pattern(`.+`),
		exclude: collect.Pattern(`.+\.(automount|device|mount|scope|slice)`),
	}, newSystemd),
}

// busNeeds says who may use the system bus.
const busNeeds = "a user that dbus-daemon knows, which a dynamic user of systemd is not (service.md)"

// unitCgroups returns the paths of files in the control groups of services: these
// are in slices, which may be nested, of the unified hierarchy or, before, of
// that of the controller pids.
func unitCgroups(files ...string) (paths []string) {
	for _, root := range []string{"/sys/fs/cgroup", "/sys/fs/cgroup/pids"} {
		for _, file := range files {
			for _, slices := range []string{"*.slice", "*.slice/*.slice", "*.slice/*.slice/*.slice"} {
				paths = append(paths, root+"/"+slices+"/*.service/"+file)
			}
		}
	}
	return append(paths, "/sys/fs/cgroup/cgroup.controllers")
}

type systemdOptions struct {
	include, exclude            collect.Regexp
	restarts, startTimes, tasks collect.Bool
	private                     collect.Bool
}

// Fields implements the options of collect.With.
func (o *systemdOptions) Fields() []collect.Field {
	return []collect.Field{
		{Name: "unit-include", Help: "Regular expression of whole unit names to include.", Value: &o.include,
			Aliases: []string{"collector.systemd.unit-whitelist"}},
		{Name: "unit-exclude", Help: "Regular expression of whole unit names to exclude.", Value: &o.exclude,
			Aliases: []string{"collector.systemd.unit-blacklist"}},
		{Name: "enable-restarts-metrics", Help: "Export how often services were restarted.", Value: &o.restarts},
		{Name: "enable-start-time-metrics", Help: "Export when active units became active.", Value: &o.startTimes},
		{Name: "enable-task-metrics", Help: "Export how many tasks services have, and may have.", Value: &o.tasks},
		{Name: "private", Help: "Connect to /run/systemd/private instead of the system bus; needs root.", Value: &o.private, Hidden: true},
	}
}

const (
	systemdName    = "org.freedesktop.systemd1"
	systemdPath    = "/org/freedesktop/systemd1"
	systemdManager = systemdName + ".Manager"
)

// systemdCollector calls the manager of systemd at each scrape: ListUnits, which
// returns all units with their states, and a few properties of the manager. What
// else it exports of a unit is a property of the unit; systemd has a reply to one
// in less than a tenth of a millisecond, and to GetAll, which reads the files of
// the unit's control group, in several. So it gets single properties, as many as
// it can at a time, and gets them again only when they may have changed; see
// unitProperty. See org.freedesktop.systemd1(5).
type systemdCollector struct {
	log     log.Logger
	sys     *host.Reader
	client  dbus.Client
	include *regexp.Regexp // nil: matches no name
	exclude *regexp.Regexp
	options systemdOptions

	units     unitTable
	changes   unitChanges
	requests  []unitRequest
	late      []unitRequest
	hierarchy string // of control groups, that counts tasks

	owner      string              // of the name of systemd on the bus
	subscribed bool                // systemd sends signals
	watched    [numInterfaces]bool // PropertiesChanged of this interface arrives

	state, count, running, version, virtualization *metric.Family
	startTime, tasksCurrent, tasksMax              *metric.Family
	restarts, lastTrigger                          *metric.Family
	accepted, connections, refused                 *metric.Family
}

func newSystemd(env *collect.Env, o systemdOptions) (*systemdCollector, error) {
	include, err := wholeName(&o.include)
	if err != nil {
		return nil, fmt.Errorf("unit-include: %w", err)
	}
	exclude, err := wholeName(&o.exclude)
	if err != nil {
		return nil, fmt.Errorf("unit-exclude: %w", err)
	}
	m := env.Metrics
	c := &systemdCollector{
		log:     env.Log,
		sys:     env.Host.Sys.Reader(),
		include: include,
		exclude: exclude,
		options: o,
		units:   newUnitTable(),

		count:          m.Gauge("node_systemd_units", "Number of units by active state, before the filters of names.", "state"),
		state:          m.Gauge("node_systemd_unit_state", "Whether the unit is in the state.", "name", "state", "type"),
		startTime:      m.Gauge("node_systemd_unit_start_time_seconds", "Unix time at which the unit became active, 0 if it is not active.", "name"),
		tasksCurrent:   m.Gauge("node_systemd_unit_tasks_current", "Number of tasks in the control group of the service.", "name"),
		tasksMax:       m.Gauge("node_systemd_unit_tasks_max", "Maximum number of tasks of the service, if there is one.", "name"),
		restarts:       m.Counter("node_systemd_service_restart_total", "Number of automatic restarts of the service (NRestarts).", "name"),
		lastTrigger:    m.Gauge("node_systemd_timer_last_trigger_seconds", "Unix time at which the timer last triggered, 0 if it never did.", "name"),
		accepted:       m.Counter("node_systemd_socket_accepted_connections_total", "Number of connections that the socket unit accepted.", "name"),
		connections:    m.Gauge("node_systemd_socket_current_connections", "Number of open connections that the socket unit accepted.", "name"),
		refused:        m.Gauge("node_systemd_socket_refused_connections_total", "Number of connections that the socket unit refused.", "name"),
		running:        m.Gauge("node_systemd_system_running", "Whether the state of the system is running: booted, and no unit failed."),
		version:        m.Gauge("node_systemd_version", "Version of systemd as a number, and whole as a label.", "version"),
		virtualization: m.Gauge("node_systemd_virtualization_info", "Virtualization that systemd detected, always 1.", "virtualization_type"),
	}
	c.client = dbus.Client{
		Dial:     dialBus(env.Host, bool(o.private)),
		Service:  systemdName,
		Direct:   bool(o.private),
		OnSignal: c.changes.take,
	}
	return c, nil
}

// dialBus returns a function that connects to the system bus, or to systemd, and
// nil on a host without them.
func dialBus(h *host.Host, private bool) func(context.Context) (net.Conn, error) {
	if h.DialBus == nil {
		return nil
	}
	return func(ctx context.Context) (net.Conn, error) { return h.DialBus(ctx, private) }
}

// wholeName returns an expression that matches whole names, or nil for an empty
// one, which matches no name.
func wholeName(r *collect.Regexp) (*regexp.Regexp, error) {
	if !r.IsSet() {
		return nil, nil
	}
	return regexp.Compile("^(?:" + r.String() + ")$")
}

func (c *systemdCollector) Update(ctx context.Context, out *metric.Sink) error {
	isNew, err := c.client.Begin(ctx)
	if err != nil {
		return collect.OrNoData(err)
	}
	if err := c.updateManager(out); err != nil {
		return err
	}
	if err := c.listUnits(out, isNew); err != nil {
		return err
	}
	c.request()
	c.fetch(out)
	c.emit(out)
	return nil
}

// updateManager exports properties of the manager. A systemd that hangs is not
// called for more.
func (c *systemdCollector) updateManager(out *metric.Sink) error {
	version := c.client.Get(systemdPath, systemdManager, "Version")
	virtualization := c.client.Get(systemdPath, systemdManager, "Virtualization")
	state := c.client.Get(systemdPath, systemdManager, "SystemState")
	if err := c.client.Do(); err != nil {
		c.client.Close() // calls must not pile up at a service that hangs
		return fmt.Errorf("%s: %w", systemdName, err)
	}
	if v, err := c.managerText(version, "Version"); dbus.IsNoService(err) {
		return fmt.Errorf("%w: %w", collect.ErrNoData, err) // systemd does not run
	} else if err != nil {
		out.Error(err)
	} else if number, ok := versionNumber(v); !ok {
		out.Error(fmt.Errorf("%s.Version: want a number, have %q", systemdManager, v))
	} else {
		out.Emit(c.version, number, v)
	}
	switch v, err := c.managerText(virtualization, "Virtualization"); {
	case err != nil:
		if !dbus.IsUnknown(err) {
			out.Error(err)
		}
		out.Emit(c.virtualization, 1, "unknown")
	case v == "":
		out.Emit(c.virtualization, 1, "none")
	default:
		out.Emit(c.virtualization, 1, v)
	}
	if v, err := c.managerText(state, "SystemState"); err == nil {
		out.Bool(c.running, v == "running")
	} else if !dbus.IsUnknown(err) { // before systemd 212
		out.Error(err)
	}
	return nil
}

func (c *systemdCollector) managerText(call int, property string) (string, error) {
	d, err := c.client.Property(call, "s")
	text := string(d.Text())
	if err == nil {
		err = d.Err()
	}
	if err != nil {
		return "", fmt.Errorf("%s.%s: %w", systemdManager, property, err)
	}
	return text, nil
}

// versionNumber returns the first number in a version such as 252.39-1~deb12u2 or
// v256.
func versionNumber(s string) (float64, bool) {
	const digits = "0123456789"
	s = s[max(strings.IndexAny(s, digits), 0):]
	n := len(s) - len(strings.TrimLeft(s, digits))
	if fraction, ok := strings.CutPrefix(s[n:], "."); ok {
		if k := len(fraction) - len(strings.TrimLeft(fraction, digits)); k > 0 {
			n += 1 + k
		}
	}
	v, err := strconv.ParseFloat(s[:n], 64)
	return v, err == nil
}
