package hba

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/hostexporter/host_exporter/collector/hba/internal/attr"
	"github.com/hostexporter/host_exporter/collector/hba/internal/dmtable"
	"github.com/hostexporter/host_exporter/collector/hba/internal/multipathd"
	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/dm"
	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
)

// daemonPaths are the states of paths as multipathd tells them, with what only
// it knows: what its checkers find, how it ranks paths, and how often it had to
// do something.
type daemonPaths struct {
	root    *host.Reader
	client  *multipathd.Client // nil where nobody can be connected to
	maps    asker[*daemonAnswer]
	running asker[struct{}]
	current *daemonAnswer // the last good one; nil when there is none

	families pathFamilies
	up       *metric.Family
	checker  *metric.Family
	marginal *metric.Family
	priority *metric.Family
	counters [5]*metric.Family
}

// A daemonAnswer is what was told of all maps. It does not change.
type daemonAnswer struct {
	maps map[string]*multipathd.Map // by name
	errs []error
}

func newDaemonPaths(env *collect.Env, families pathFamilies) *daemonPaths {
	m := env.Metrics
	counter := func(name, help string) *metric.Family {
		return m.Counter("node_hba_multipathd_"+name, help+", since multipathd was started.", "device")
	}
	d := &daemonPaths{
		root:     env.Host.Root.Reader(),
		families: families,
		up:       m.Gauge("node_hba_multipathd_up", "Whether multipathd answers: without it, paths that come back stay unused."),
		checker:  m.Gauge("node_hba_multipathd_checker_state", "What multipathd's checker last found of a path, as 1.", "device", "path", "state"),
		marginal: m.Gauge("node_hba_multipathd_path_marginal", "Whether multipathd avoids a path because it fails now and again.", "device", "path"),
		priority: m.Gauge("node_hba_multipathd_path_priority", "How multipathd ranks a path: the group with the highest is used.", "device", "path"),
		counters: [...]*metric.Family{
			counter("path_faults_total", "Paths of the map that a checker found faulty"),
			counter("switch_group_total", "Switches of the map to another group of paths"),
			counter("map_loads_total", "Tables of the map that were loaded"),
			counter("queueing_seconds_total", "Time that the map was without a path, and queued"),
			counter("queue_timeouts_total", "How often the map was without a path for so long that it was made to fail I/O"),
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

// ask asks the daemon for its maps. It reports false for a host that has no
// daemon, unless that is wanted.
func (d *daemonPaths) ask(ctx context.Context, a attr.Reader, now time.Time, wanted bool) bool {
	if !d.reachable(a, wanted) {
		return false
	}
	client := d.client
	d.judge(a, d.maps.ask(ctx, now, func() (*daemonAnswer, error) { return askDaemon(client) }))
	return true
}

// ping asks the daemon whether it is there.
func (d *daemonPaths) ping(ctx context.Context, a attr.Reader, now time.Time) {
	if !d.reachable(a, false) {
		return
	}
	client := d.client
	d.judge(a, d.running.ask(ctx, now, func() (struct{}, error) {
		ctx, cancel := context.WithTimeout(context.Background(), askBudget)
		defer cancel()
		return struct{}{}, client.Running(ctx)
	}))
}

// judge emits whether the daemon gave an answer, if only an odd one.
func (d *daemonPaths) judge(a attr.Reader, err error) {
	var odd *multipathd.OddAnswer
	a.Out.Bool(d.up, err == nil || errors.As(err, &odd))
	if errors.Is(err, errNoAnswerYet) {
		err = fmt.Errorf("%s: %w", d.client.Sockets[0], err)
	}
	if err != nil {
		a.Out.Error(err)
	}
}

// reachable reports whether to connect to the daemon. Where it could run and
// does not, it is down: then nobody connects, because a socket that systemd
// listens on would have it started.
func (d *daemonPaths) reachable(a attr.Reader, wanted bool) bool {
	running := d.client != nil && d.root.Exists(multipathd.PIDFile)
	if running {
		return true
	}
	if wanted || d.client != nil && d.root.Exists(multipathd.SocketFile) {
		a.Out.Bool(d.up, false)
	}
	if wanted {
		a.Out.Error(&fs.PathError{Op: "ask multipathd", Path: multipathd.PIDFile, Err: fs.ErrNotExist})
	}
	return false
}

// askDaemon has the whole of the budget for itself: who waits for it may have
// to go earlier.
func askDaemon(client *multipathd.Client) (*daemonAnswer, error) {
	ctx, cancel := context.WithTimeout(context.Background(), askBudget)
	defer cancel()
	maps, err := client.Maps(ctx)
	if err != nil {
		return nil, err
	}
	answer := &daemonAnswer{maps: make(map[string]*multipathd.Map, len(maps))}
	for i := range maps {
		answer.maps[maps[i].Name] = &maps[i]
		if err := maps[i].Odd(); err != nil {
			answer.errs = append(answer.errs, fmt.Errorf("%s: %w", client.Sockets[0], err))
		}
	}
	return answer, nil
}

func (d *daemonPaths) latest(now time.Time) (age time.Duration, ok bool) {
	d.current, age, ok = d.maps.answer(now)
	return age, ok
}

func (d *daemonPaths) errors() []error { return d.current.errs }

func (d *daemonPaths) path(_ attr.Reader, m *dm.Multipath, p host.DirEntry) pathTruth {
	path := d.find(m, p)
	if path == nil {
		return pathTruth{}
	}
	failed, known := path.Failed()
	marginal, _ := path.IsMarginal()
	return pathTruth{known, failed, marginal}
}

func (d *daemonPaths) find(m *dm.Multipath, p host.DirEntry) *multipathd.Path {
	told := d.current.maps[m.Name]
	if told == nil {
		return nil
	}
	for i := range told.Groups {
		paths := told.Groups[i].Paths
		for j := range paths {
			if paths[j].Device == p.Name {
				return &paths[j]
			}
		}
	}
	return nil
}

func (d *daemonPaths) emit(a attr.Reader, m *dm.Multipath, paths bool) {
	told := d.current.maps[m.Name]
	if told == nil {
		return
	}
	if queues, known := told.Queues(); known {
		a.Out.Bool(d.families.queues, queues, m.Name)
	}
	for i, g := range told.Groups {
		if state, ok := groupState(g.State); ok {
			d.families.emitGroup(a, m.Name, i+1, state)
		}
	}
	for i, n := range [len(d.counters)]multipathd.Number{
		told.PathFaults, told.SwitchGroup, told.MapLoads, told.QueueingSeconds, told.QueueTimeouts,
	} {
		if n.Known && n.Value >= 0 {
			a.Out.Emit(d.counters[i], float64(n.Value), m.Name)
		}
	}
	if !paths {
		return
	}
	for _, p := range m.Paths {
		if path := d.find(m, p); path != nil {
			d.emitPath(a, m.Name, p.Name, path)
		}
	}
}

func (d *daemonPaths) emitPath(a attr.Reader, device, name string, p *multipathd.Path) {
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
