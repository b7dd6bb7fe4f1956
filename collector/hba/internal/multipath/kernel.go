package multipath

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"syscall"
	"time"

	"github.com/hostexporter/host_exporter/collector/hba/internal/attr"
	"github.com/hostexporter/host_exporter/collector/hba/internal/multipath/dmtable"
	"github.com/hostexporter/host_exporter/collector/internal/dm"
	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
)

// A kernel is the source device-mapper. It is queried map by map, by name. It
// answers at once, but for a lock that it takes: while a map is suspended or
// resumed, that may take as long as I/O does.
type kernel struct {
	targets func(name string, table bool) ([]host.Target, error)
	cached  cachedQuery[*kernelAnswer]
	current *kernelAnswer // the one in use

	families sharedFamilies
	failures *metric.Family
	queueing *metric.Family
}

// A kernelAnswer is the state of all maps. It does not change.
type kernelAnswer struct {
	maps map[string]*kernelMap // by name
	errs []error
}

type kernelMap struct {
	dmtable.Status
	queues bool // when no path is left
}

func newKernel(h *host.Host, m *metric.Set, families sharedFamilies) *kernel {
	return &kernel{
		targets:  h.DeviceMapper,
		cached:   newCachedQuery[*kernelAnswer](h),
		families: families,
		failures: m.Counter("node_hba_multipath_path_failures_total", "Times that the kernel failed the path since the table of its map was loaded.", "device", "path"),
		queueing: m.Gauge("node_hba_multipath_queueing_io", "Whether I/O to the map waits for a path, or for a group of paths to get ready.", "device"),
	}
}

var errNoDeviceMapper = fmt.Errorf("/dev/mapper/control: %w", fs.ErrPermission)

// isRefusal reports whether an error says that this process has no access to
// device-mapper. A map that is not there is ENXIO.
func isRefusal(err error) bool {
	return errors.Is(err, fs.ErrPermission) || errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENODEV)
}

// query reads the states of maps. What is wrong with one of them is among the
// errors of the answer, and costs that one.
func (k *kernel) query(ctx context.Context, now time.Time, maps []*dm.Multipath) error {
	if k.targets == nil {
		return errNoDeviceMapper
	}
	names := make([]string, len(maps))
	for i, m := range maps {
		names[i] = m.Name
	}
	targets := k.targets
	return k.cached.run(ctx, now, func() (*kernelAnswer, error) { return readMaps(targets, names) })
}

func readMaps(targets func(string, bool) ([]host.Target, error), names []string) (*kernelAnswer, error) {
	answer := &kernelAnswer{maps: make(map[string]*kernelMap, len(names))}
	for _, name := range names {
		m, err := readMap(targets, name)
		switch {
		case err == nil:
			if m != nil {
				answer.maps[name] = m
			}
		case isRefusal(err): // the same for all maps
			var path *fs.PathError
			if errors.As(err, &path) {
				err = &fs.PathError{Op: "query", Path: path.Path, Err: path.Err}
			}
			return nil, err
		case !host.Gone(err):
			answer.errs = append(answer.errs, err)
		}
	}
	return answer, nil
}

// readMap returns nil for a map without a table, which is being created.
func readMap(targets func(string, bool) ([]host.Target, error), name string) (*kernelMap, error) {
	text, ok, err := readTarget(targets, name, false)
	if !ok {
		return nil, err
	}
	var m kernelMap
	if m.Status, err = dmtable.ParseStatus(text); err != nil {
		return nil, fmt.Errorf("/dev/mapper/control: status of %s: %w", name, err)
	}
	text, ok, err = readTarget(targets, name, true)
	if !ok {
		return nil, err
	}
	if m.queues, err = dmtable.QueuesIfNoPath(text); err != nil {
		return nil, fmt.Errorf("/dev/mapper/control: table of %s: %w", name, err)
	}
	return &m, nil
}

// readTarget returns the text of a map's one target.
func readTarget(targets func(string, bool) ([]host.Target, error), name string, table bool) (string, bool, error) {
	all, err := targets(name, table)
	switch {
	case err != nil || len(all) == 0:
		return "", false, err
	case len(all) > 1 || all[0].Type != "multipath":
		return "", false, fmt.Errorf("/dev/mapper/control: %s: want one target of type multipath, have %d, of type %q", name, len(all), all[0].Type)
	}
	return all[0].Text, true, nil
}

func (k *kernel) useLast(now time.Time) (age time.Duration, ok bool) {
	k.current, age, ok = k.cached.answer(now)
	return age, ok
}

func (k *kernel) errors() []error { return k.current.errs }

func (k *kernel) paths(dst []tablePath, m *dm.Multipath) []tablePath {
	status := k.current.maps[m.Name]
	if status == nil {
		return dst
	}
	for i := range status.Groups {
		for j, p := range status.Groups[i].Paths {
			dst = append(dst, tablePath{number: p.Dev, status: pathStatus{known: true, failed: p.Failed}, group: i, index: j})
		}
	}
	return dst
}

func (k *kernel) emitPath(a attr.Reader, device, name string, t *tablePath) {
	p := &k.current.maps[device].Groups[t.group].Paths[t.index]
	a.Out.Bool(k.families.failed, p.Failed, device, name)
	a.Out.Emit(k.failures, float64(p.Failures), device, name)
}

func (k *kernel) emit(a attr.Reader, m *dm.Multipath) {
	status := k.current.maps[m.Name]
	if status == nil {
		return
	}
	a.Out.Bool(k.queueing, status.QueueingIO, m.Name)
	a.Out.Bool(k.families.queues, status.queues, m.Name)
	for i, g := range status.Groups {
		k.families.emitGroup(a, m.Name, i+1, g.State)
	}
}

func (f *sharedFamilies) emitGroup(a attr.Reader, device string, group int, state dmtable.GroupState) {
	number := strconv.Itoa(group) // does not allocate below 100
	for s := range dmtable.NumGroupStates {
		a.Out.Bool(f.group, s == state, device, number, s.String())
	}
}
