package hba

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"syscall"
	"time"

	"github.com/hostexporter/host_exporter/collector/hba/internal/attr"
	"github.com/hostexporter/host_exporter/collector/hba/internal/dmtable"
	"github.com/hostexporter/host_exporter/collector/internal/dm"
	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
)

// kernelPaths are the states of paths as device-mapper tells them. It is asked
// map by map, by name. It is quick to answer, but for a lock that it takes:
// while some map is suspended or resumed that may take as long as I/O does.
type kernelPaths struct {
	call    func(name string, table bool) ([]host.Target, error)
	asker   asker[*kernelAnswer]
	current *kernelAnswer // the last good one; nil when there is none

	numbers map[string]pathNumber // of paths, by their names
	round   uint64

	families pathFamilies
	failures *metric.Family
	queueing *metric.Family
}

// A kernelAnswer is what was told of all maps. It does not change.
type kernelAnswer struct {
	maps map[string]*kernelMap // by name
	errs []error
}

type kernelMap struct {
	dmtable.Status
	queues bool // when no path is left
}

// A pathNumber is the device number of a path, major:minor, which stays for as
// long as the link to it does.
type pathNumber struct {
	inode  uint64
	number string
	round  uint64
}

func newKernelPaths(h *host.Host, m *metric.Set, families pathFamilies) *kernelPaths {
	return &kernelPaths{
		call:     h.DeviceMapper,
		numbers:  map[string]pathNumber{},
		families: families,
		failures: m.Counter("node_hba_multipath_path_failures_total", "How often the kernel gave a path up since the table of its map was loaded, which multipathd does whenever paths come or go.", "device", "path"),
		queueing: m.Gauge("node_hba_multipath_queueing_io", "Whether I/O to the map waits now: for a group of paths to be made ready, or for a path.", "device"),
	}
}

var errNoDeviceMapper = fmt.Errorf("/dev/mapper/control: %w", fs.ErrPermission)

// refuses reports whether an error says that there is no point in asking: this
// process may not, or not from where it runs. That a map is not there is ENXIO.
func refuses(err error) bool {
	return errors.Is(err, fs.ErrPermission) || errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENODEV)
}

// ask asks for the states of maps. What is wrong with one of them is among the
// errors of the answer, and costs that one.
func (k *kernelPaths) ask(ctx context.Context, now time.Time, maps []*dm.Multipath) error {
	if k.call == nil {
		return errNoDeviceMapper
	}
	names := make([]string, len(maps))
	for i, m := range maps {
		names[i] = m.Name
	}
	k.forget()
	call := k.call
	return k.asker.ask(ctx, now, func() (*kernelAnswer, error) { return askKernel(call, names) })
}

func askKernel(call func(string, bool) ([]host.Target, error), names []string) (*kernelAnswer, error) {
	answer := &kernelAnswer{maps: make(map[string]*kernelMap, len(names))}
	for _, name := range names {
		m, err := askMap(call, name)
		switch {
		case err == nil:
			if m != nil {
				answer.maps[name] = m
			}
		case refuses(err): // for all maps alike
			var path *fs.PathError
			if errors.As(err, &path) {
				err = &fs.PathError{Op: "ask", Path: path.Path, Err: path.Err}
			}
			return nil, err
		case !host.Gone(err):
			answer.errs = append(answer.errs, err)
		}
	}
	return answer, nil
}

// askMap returns nil for a map without a table: one that is being made.
func askMap(call func(string, bool) ([]host.Target, error), name string) (*kernelMap, error) {
	text, ok, err := askTarget(call, name, false)
	if !ok {
		return nil, err
	}
	var m kernelMap
	if m.Status, err = dmtable.ParseStatus(text); err != nil {
		return nil, fmt.Errorf("/dev/mapper/control: status of %s: %w", name, err)
	}
	text, ok, err = askTarget(call, name, true)
	if !ok {
		return nil, err
	}
	if m.queues, err = dmtable.QueuesIfNoPath(text); err != nil {
		return nil, fmt.Errorf("/dev/mapper/control: table of %s: %w", name, err)
	}
	return &m, nil
}

// askTarget returns the text of a map's one target.
func askTarget(call func(string, bool) ([]host.Target, error), name string, table bool) (string, bool, error) {
	targets, err := call(name, table)
	switch {
	case err != nil || len(targets) == 0:
		return "", false, err
	case len(targets) > 1 || targets[0].Type != "multipath":
		return "", false, fmt.Errorf("/dev/mapper/control: %s: want one target of type multipath, have %d, of type %q", name, len(targets), targets[0].Type)
	}
	return targets[0].Text, true, nil
}

// latest makes the last good answer the one that is told of, and returns its
// age.
func (k *kernelPaths) latest(now time.Time) (age time.Duration, ok bool) {
	k.current, age, ok = k.asker.answer(now)
	return age, ok
}

func (k *kernelPaths) errors() []error { return k.current.errs }

func (k *kernelPaths) path(a attr.Reader, m *dm.Multipath, p host.DirEntry) pathTruth {
	if path := k.find(a, m, p); path != nil {
		return pathTruth{known: true, failed: path.Failed}
	}
	return pathTruth{}
}

// find returns what was told of a path, which goes by its number there.
func (k *kernelPaths) find(a attr.Reader, m *dm.Multipath, p host.DirEntry) *dmtable.Path {
	told := k.current.maps[m.Name]
	if told == nil {
		return nil
	}
	number := k.number(a, m, p)
	for i := range told.Groups {
		paths := told.Groups[i].Paths
		for j := range paths {
			if paths[j].Dev == number {
				return &paths[j]
			}
		}
	}
	return nil
}

// number returns the device number of a path, or nothing.
func (k *kernelPaths) number(a attr.Reader, m *dm.Multipath, p host.DirEntry) string {
	n, ok := k.numbers[p.Name]
	if !ok || n.inode != p.Inode {
		text, ok := attr.Parsed(a, "a device number such as 8:16", deviceNumber, "block", m.SysfsName, "slaves", p.Name, "dev")
		if !ok {
			return ""
		}
		n = pathNumber{inode: p.Inode, number: text}
	}
	n.round = k.round
	k.numbers[p.Name] = n
	return n.number
}

// forget forgets the numbers that nobody wanted to know the last time.
func (k *kernelPaths) forget() {
	for name, n := range k.numbers {
		if n.round != k.round {
			delete(k.numbers, name)
		}
	}
	k.round++
}

func deviceNumber(b []byte) (string, bool) {
	number := string(b)
	return number, dmtable.IsDevice(number)
}

func (k *kernelPaths) emit(a attr.Reader, m *dm.Multipath, paths bool) {
	told := k.current.maps[m.Name]
	if told == nil {
		return
	}
	a.Out.Bool(k.queueing, told.QueueingIO, m.Name)
	a.Out.Bool(k.families.queues, told.queues, m.Name)
	for i, g := range told.Groups {
		k.families.emitGroup(a, m.Name, i+1, g.State)
	}
	if !paths {
		return
	}
	for _, p := range m.Paths {
		if path := k.find(a, m, p); path != nil {
			a.Out.Bool(k.families.failed, path.Failed, m.Name, p.Name)
			a.Out.Emit(k.failures, float64(path.Failures), m.Name, p.Name)
		}
	}
}

func (f *pathFamilies) emitGroup(a attr.Reader, device string, group int, state dmtable.GroupState) {
	number := strconv.Itoa(group) // does not allocate below 100
	for s := range dmtable.NumGroupStates {
		a.Out.Bool(f.group, s == state, device, number, s.String())
	}
}
