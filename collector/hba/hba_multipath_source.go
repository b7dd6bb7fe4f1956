package hba

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/go-kit/log"
	"github.com/go-kit/log/level"

	"github.com/hostexporter/host_exporter/collector/hba/internal/attr"
	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/dm"
	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
)

// hbaPathSources are where the state of paths is known: in the kernel, which
// tells those who administer the system, and in multipathd, which tells
// everybody.
//
// Left to themselves they ask the kernel where that is allowed, or else the
// daemon where it runs, and nobody where there is no map. The daemon is asked
// for all that it knows only in place of the kernel: it takes its lock for that,
// which checkers and path changes want, too. Beside the kernel it is only asked
// whether it is there.
type hbaPathSources struct {
	mode   string
	log    log.Logger
	now    func() time.Time
	kernel *kernelPaths
	daemon *daemonPaths

	refused bool         // by the kernel: then that stays so
	source  hbaPathState // of which there is an answer
	age     *metric.Family
}

// A hbaPathState tells what is known of paths and the maps that they are of.
type hbaPathState interface {
	// latest makes the last good answer the one that is told of, and returns
	// its age, and whether there is one.
	latest(now time.Time) (age time.Duration, ok bool)
	// errors returns what is wrong with the answer.
	errors() []error
	// path returns what is known of a path.
	path(a attr.Reader, m *dm.Multipath, p host.DirEntry) pathTruth
	// emit emits what is known of a map, and of its paths if that is wanted.
	emit(a attr.Reader, m *dm.Multipath, paths bool)
}

// A pathTruth is what multipath itself thinks of a path.
type pathTruth struct {
	known    bool // whether it has given the path up
	failed   bool // it has
	marginal bool // it avoids the path
}

var multipathSources = [...]string{"auto", "sysfs", "dm", "multipathd"}

func checkMultipathSource(mode string) error {
	if !slices.Contains(multipathSources[:], mode) {
		return fmt.Errorf("multipath-source: want auto, sysfs, dm or multipathd, have %q", mode)
	}
	return nil
}

func newHBAPathSources(env *collect.Env, mode string) hbaPathSources {
	m := env.Metrics
	families := newPathFamilies(m)
	return hbaPathSources{
		mode:   mode,
		log:    env.Log,
		now:    env.Host.Now,
		kernel: newKernelPaths(env.Host, m, families),
		daemon: newDaemonPaths(env, families),
		age:    m.Gauge("node_hba_multipath_source_age_seconds", "Age of the last good answer of a source that the health of paths is made from; those that are not there are not asked.", "source"),
	}
}

// ask asks the sources that are to be asked.
func (s *hbaPathSources) ask(ctx context.Context, a attr.Reader, maps []*dm.Multipath) {
	s.source = nil
	if len(maps) > 0 {
		a.Out.Emit(s.age, 0, "sysfs")
	}
	if s.mode == "sysfs" || s.mode != "multipathd" && len(maps) == 0 {
		return
	}
	if s.mode != "multipathd" && s.askKernel(ctx, a, maps) {
		if s.mode == "auto" {
			s.daemon.ping(ctx, a, s.now())
		}
		return
	}
	if s.mode != "dm" && s.daemon.ask(ctx, a, s.now(), s.mode == "multipathd") {
		s.use(a, "multipathd", s.daemon)
	}
}

// askKernel reports whether the kernel is the source, good or bad as its
// answers are.
func (s *hbaPathSources) askKernel(ctx context.Context, a attr.Reader, maps []*dm.Multipath) bool {
	if s.refused {
		return false
	}
	err := s.kernel.ask(ctx, s.now(), maps)
	if err != nil && s.mode == "auto" && refuses(err) {
		_ = level.Debug(s.log).Log("msg", "The kernel does not tell the state of paths", "err", err)
		s.refused = true
		return false
	}
	if errors.Is(err, errNoAnswerYet) {
		err = fmt.Errorf("/dev/mapper/control: %w", err)
	}
	if err != nil {
		a.Out.Error(err)
	}
	s.use(a, "dm", s.kernel)
	return true
}

// use has a source tell what it knows, unless its last good answer is too old
// to be worth something.
func (s *hbaPathSources) use(a attr.Reader, name string, source hbaPathState) {
	age, ok := source.latest(s.now())
	if !ok {
		return
	}
	a.Out.Emit(s.age, age.Seconds(), name)
	if age > askMaxAge {
		return
	}
	s.source = source
	for _, err := range source.errors() {
		a.Out.Error(err)
	}
}

// path returns what multipath thinks of a path, where that can be had.
func (s *hbaPathSources) path(a attr.Reader, m *dm.Multipath, p host.DirEntry) pathTruth {
	if s.source == nil {
		return pathTruth{}
	}
	return s.source.path(a, m, p)
}

// emit emits what there is beyond sysfs of a map.
func (s *hbaPathSources) emit(a attr.Reader, m *dm.Multipath, paths bool) {
	if s.source != nil {
		s.source.emit(a, m, paths)
	}
}

// pathFamilies are those that either source can fill.
type pathFamilies struct {
	failed *metric.Family
	group  *metric.Family
	queues *metric.Family
}

func newPathFamilies(m *metric.Set) pathFamilies {
	return pathFamilies{
		failed: m.Gauge("node_hba_multipath_path_failed", "Whether multipath has given a path up, as the kernel or multipathd says.", "device", "path"),
		group:  m.Gauge("node_hba_multipath_group_state", "Whether a group of paths is in this state: active is in use, enabled can be, disabled is set aside.", "device", "group", "state"),
		queues: m.Gauge("node_hba_multipath_queue_if_no_path", "Whether I/O waits when the map has no path left, and does not fail.", "device"),
	}
}
