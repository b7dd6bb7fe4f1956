package multipath

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/go-kit/log"
	"github.com/go-kit/log/level"

	"github.com/hostexporter/host_exporter/collector/hba/internal/attr"
	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/dm"
	"github.com/hostexporter/host_exporter/collector/internal/flight"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
)

// sources are the two sources of what multipath does with paths: the kernel,
// which answers administrators, and multipathd, which answers everybody. Sysfs
// knows whether a device answers, but not whether multipath failed the path.
//
// In mode auto they query the kernel where that is allowed, or else the daemon
// where it runs, and neither where there is no map. The maps of the daemon are
// queried only in place of the kernel: for them it takes its lock, which checkers
// and path changes need, too. Beside the kernel it is only pinged.
type sources struct {
	mode   string
	log    log.Logger
	now    func() time.Time
	kernel *kernel
	daemon *daemon

	refused bool      // by the kernel, for good
	current source    // that has an answer
	asOf    time.Time // of the answer
	age     *metric.Family
}

// A source is where the state of paths and of their maps is known.
type source interface {
	// useLast makes the last good answer the one that the other methods use. It
	// returns its age, and whether there is one.
	useLast(now time.Time) (age time.Duration, ok bool)
	// errors returns what is wrong with the answer.
	errors() []error
	// paths appends the paths in the table of a map to dst.
	paths(dst []tablePath, m *dm.Multipath) []tablePath
	// emit emits what is known of a map.
	emit(a attr.Reader, m *dm.Multipath)
	// emitPath emits what is known of a path, which has a name, of a map.
	emitPath(a attr.Reader, device, name string, p *tablePath)
}

// A pathStatus is what multipath does with a path.
type pathStatus struct {
	known    bool // whether it failed the path
	failed   bool // it did
	marginal bool // it avoids the path
}

func newSources(env *collect.Env, mode string) sources {
	m := env.Metrics
	families := newSharedFamilies(m)
	return sources{
		mode:   mode,
		log:    env.Log,
		now:    env.Host.Now,
		kernel: newKernel(env.Host, m, families),
		daemon: newDaemon(env, families),
		age:    m.Gauge("node_hba_multipath_source_age_seconds", "Age of the last good answer of a source that the health of paths is from.", "source"),
	}
}

// query queries the sources of the mode.
func (s *sources) query(ctx context.Context, a attr.Reader, maps []*dm.Multipath) {
	s.current = nil
	if len(maps) > 0 {
		a.Out.Emit(s.age, 0, "sysfs")
	}
	if s.mode == "sysfs" || s.mode != "multipathd" && len(maps) == 0 {
		return
	}
	if s.mode != "multipathd" && s.queryKernel(ctx, a, maps) {
		if s.mode == "auto" {
			s.daemon.ping(ctx, a, s.now())
		}
		return
	}
	if s.mode != "dm" && s.daemon.query(ctx, a, s.now(), s.mode == "multipathd") {
		s.use(a, "multipathd", s.daemon)
	}
}

// queryKernel reports whether the kernel is the source, with or without a good
// answer.
func (s *sources) queryKernel(ctx context.Context, a attr.Reader, maps []*dm.Multipath) bool {
	if s.refused {
		return false
	}
	err := s.kernel.query(ctx, s.now(), maps)
	if err != nil && s.mode == "auto" && isRefusal(err) {
		_ = level.Debug(s.log).Log("msg", "No access to the state of multipath paths in the kernel", "err", err)
		s.refused = true
		return false
	}
	if errors.Is(err, errNoAnswerYet) || errors.Is(err, flight.ErrQueued) {
		err = fmt.Errorf("/dev/mapper/control: %w", err)
	}
	if err != nil {
		a.Out.Error(err)
	}
	s.use(a, "dm", s.kernel)
	return true
}

// use makes a source the current one, unless its last good answer is too old.
func (s *sources) use(a attr.Reader, name string, source source) {
	age, ok := source.useLast(s.now())
	if !ok {
		return
	}
	a.Out.Emit(s.age, age.Seconds(), name)
	if age > maxAge {
		return
	}
	s.current, s.asOf = source, s.now().Add(-age)
	for _, err := range source.errors() {
		a.Out.Error(err)
	}
}

// paths appends to dst what the current source has in the table of a map.
func (s *sources) paths(dst []tablePath, m *dm.Multipath) []tablePath {
	if s.current == nil {
		return dst
	}
	return s.current.paths(dst, m)
}

// isAsNewAs reports whether the answer of the current source is not older than t.
func (s *sources) isAsNewAs(t time.Time) bool { return !s.asOf.Before(t) }

// emit emits what the current source knows of a map, and of those paths that are
// in its table.
func (s *sources) emit(a attr.Reader, m *dm.Multipath, paths []mapPath, table []tablePath) {
	if s.current == nil {
		return
	}
	s.current.emit(a, m)
	for i := range paths {
		if p := &paths[i]; p.table >= 0 {
			s.current.emitPath(a, m.Name, p.name, &table[p.table])
		}
	}
}

// sharedFamilies are those that both sources fill.
type sharedFamilies struct {
	failed *metric.Family
	group  *metric.Family
	queues *metric.Family
}

func newSharedFamilies(m *metric.Set) sharedFamilies {
	return sharedFamilies{
		failed: m.Gauge("node_hba_multipath_path_failed", "Whether multipath failed the path, according to the kernel or multipathd.", "device", "path"),
		group:  m.Gauge("node_hba_multipath_group_state", "Whether the group of paths is in this state: active (in use), enabled (usable) or disabled.", "device", "group", "state"),
		queues: m.Gauge("node_hba_multipath_queue_if_no_path", "Whether I/O to the map waits, and does not fail, while no path is left.", "device"),
	}
}
