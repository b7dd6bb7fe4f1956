package multipath

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/hostexporter/host_exporter/collector/hba/internal/attr"
	"github.com/hostexporter/host_exporter/collector/hba/internal/multipath/dmtable"
	"github.com/hostexporter/host_exporter/collector/hba/internal/multipath/multipathd"
	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/dm"
	"github.com/hostexporter/host_exporter/collector/internal/flight"
	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
)

// A daemon is the source multipathd. Only it knows the states of the checkers,
// the priorities of paths, and how often it acted.
type daemon struct {
	root    *host.Reader
	client  *multipathd.Client // nil where there is no network
	maps    cachedQuery[*daemonAnswer]
	running cachedQuery[struct{}]
	current *daemonAnswer // the one in use

	families sharedFamilies
	up       *metric.Family
	checker  *metric.Family
	marginal *metric.Family
	priority *metric.Family
	counters [5]*metric.Family
}

// A daemonAnswer is the state of all maps. It does not change.
type daemonAnswer struct {
	maps map[string]*multipathd.Map // by name
	errs []error
}

func newDaemon(env *collect.Env, families sharedFamilies) *daemon {
	m := env.Metrics
	counter := func(name, help string) *metric.Family {
		return m.Counter("node_hba_multipathd_"+name, help+", since multipathd started.", "device")
	}
	d := &daemon{
		root:     env.Host.Root.Reader(),
		maps:     newCachedQuery[*daemonAnswer](env.Host),
		running:  newCachedQuery[struct{}](env.Host),
		families: families,
		up:       m.Gauge("node_hba_multipathd_up", "Whether multipathd answers; without it, paths that recover stay unused."),
		checker:  m.Gauge("node_hba_multipathd_checker_state", "State of the path that its checker in multipathd last found, as 1.", "device", "path", "state"),
		marginal: m.Gauge("node_hba_multipathd_path_marginal", "Whether multipathd avoids the path because of intermittent errors.", "device", "path"),
		priority: m.Gauge("node_hba_multipathd_path_priority", "Priority of the path in multipathd; the group with the highest is used.", "device", "path"),
		counters: [...]*metric.Family{
			counter("path_faults_total", "Paths of the map that a checker found faulty"),
			counter("switch_group_total", "Switches of the map to another group of paths"),
			counter("map_loads_total", "Tables of the map that were loaded"),
			counter("queueing_seconds_total", "Time that the map queued I/O without a path"),
			counter("queue_timeouts_total", "Times that the map queued I/O for too long and failed it"),
		},
	}
	if env.Host.Dial != nil {
		d.client = newDaemonClient(env.Host)
	}
	return d
}

func newDaemonClient(h *host.Host) *multipathd.Client {
	return &multipathd.Client{Dial: h.Dial, Sockets: []string{h.Root.Path(multipathd.SocketFile), multipathd.AbstractSocket}}
}

// query reads the maps of the daemon. It reports false where none is running,
// which is an error if the daemon is required.
func (d *daemon) query(ctx context.Context, a attr.Reader, now time.Time, required bool) bool {
	if !d.isRunning(a, required) {
		return false
	}
	client := d.client
	d.emitUp(a, d.maps.run(ctx, now, func() (*daemonAnswer, error) { return queryMaps(client) }))
	return true
}

// ping checks whether the daemon answers.
func (d *daemon) ping(ctx context.Context, a attr.Reader, now time.Time) {
	if !d.isRunning(a, false) {
		return
	}
	client := d.client
	d.emitUp(a, d.running.run(ctx, now, func() (struct{}, error) {
		ctx, cancel := context.WithTimeout(context.Background(), queryTimeout)
		defer cancel()
		return struct{}{}, client.Running(ctx)
	}))
}

// emitUp emits whether the daemon answered, even if the answer is malformed.
func (d *daemon) emitUp(a attr.Reader, err error) {
	var malformed *multipathd.MalformedAnswer
	a.Out.Bool(d.up, err == nil || errors.As(err, &malformed))
	if errors.Is(err, errNoAnswerYet) || errors.Is(err, flight.ErrQueued) {
		err = fmt.Errorf("%s: %w", d.client.Sockets[0], err)
	}
	if err != nil {
		a.Out.Error(err)
	}
}

// isRunning reports whether the daemon runs. Where it could run and does not, it
// is down: connecting to a socket that systemd listens on would start it.
func (d *daemon) isRunning(a attr.Reader, required bool) bool {
	running := d.client != nil && d.root.Exists(multipathd.PIDFile)
	if running {
		return true
	}
	if required || d.client != nil && d.root.Exists(multipathd.SocketFile) {
		a.Out.Bool(d.up, false)
	}
	if required {
		a.Out.Error(&fs.PathError{Op: "query multipathd", Path: multipathd.PIDFile, Err: fs.ErrNotExist})
	}
	return false
}

// queryMaps has the whole timeout, although the scrape that started it may leave
// earlier.
func queryMaps(client *multipathd.Client) (*daemonAnswer, error) {
	ctx, cancel := context.WithTimeout(context.Background(), queryTimeout)
	defer cancel()
	maps, err := client.Maps(ctx)
	if err != nil {
		return nil, err
	}
	answer := &daemonAnswer{maps: make(map[string]*multipathd.Map, len(maps))}
	for i := range maps {
		answer.maps[maps[i].Name] = &maps[i]
		if err := maps[i].Check(); err != nil {
			answer.errs = append(answer.errs, fmt.Errorf("%s: %w", client.Sockets[0], err))
		}
	}
	return answer, nil
}

func (d *daemon) useLast(now time.Time) (age time.Duration, ok bool) {
	d.current, age, ok = d.maps.answer(now)
	return age, ok
}

func (d *daemon) errors() []error { return d.current.errs }

func (d *daemon) paths(dst []tablePath, m *dm.Multipath) []tablePath {
	status := d.current.maps[m.Name]
	if status == nil {
		return dst
	}
	for i := range status.Groups {
		paths := status.Groups[i].Paths
		for j := range paths {
			p := &paths[j]
			failed, known := p.Failed()
			marginal, _ := p.IsMarginal()
			dst = append(dst, tablePath{
				number: p.Number(), name: p.Name(), status: pathStatus{known, failed, marginal}, group: i, index: j,
			})
		}
	}
	return dst
}

func (d *daemon) emit(a attr.Reader, m *dm.Multipath) {
	status := d.current.maps[m.Name]
	if status == nil {
		return
	}
	if queues, known := status.Queues(); known {
		a.Out.Bool(d.families.queues, queues, m.Name)
	}
	for i, g := range status.Groups {
		if state, ok := groupState(g.State); ok {
			d.families.emitGroup(a, m.Name, i+1, state)
		}
	}
	for i, n := range [len(d.counters)]multipathd.Number{
		status.PathFaults, status.SwitchGroup, status.MapLoads, status.QueueingSeconds, status.QueueTimeouts,
	} {
		if n.Known && n.Value >= 0 {
			a.Out.Emit(d.counters[i], float64(n.Value), m.Name)
		}
	}
}

func (d *daemon) emitPath(a attr.Reader, device, name string, t *tablePath) {
	p := &d.current.maps[device].Groups[t.group].Paths[t.index]
	if failed, known := p.Failed(); known {
		a.Out.Bool(d.families.failed, failed, device, name)
	}
	if state, ok := p.CheckerState(); ok {
		a.Out.Emit(d.checker, 1, device, name, state)
	}
	if marginal, known := p.IsMarginal(); known {
		a.Out.Bool(d.marginal, marginal, device, name)
	}
	if p.Priority.Known && p.Priority.Value >= 0 {
		a.Out.Emit(d.priority, float64(p.Priority.Value), device, name)
	}
}

// groupState returns the state of a group; false for undef.
func groupState(word string) (dmtable.GroupState, bool) {
	for s := range dmtable.NumGroupStates {
		if s.String() == word {
			return s, true
		}
	}
	return 0, false
}
