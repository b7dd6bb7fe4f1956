// Package multipath reads the multipath maps of device-mapper: their paths, how
// well each is, and how much can fail before a map does. The maps come from
// sysfs, the health of a path from whatever kind of device it is, and what
// multipath itself does with it from the kernel or from multipathd. The package
// knows no kind of device: each is a Kind.
package multipath

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/hostexporter/host_exporter/collector/hba/internal/attr"
	"github.com/hostexporter/host_exporter/collector/hba/internal/multipath/multipathd"
	"github.com/hostexporter/host_exporter/collector/hba/internal/san"
	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/dm"
	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
)

// Needs says which privileges the sources take.
const Needs = "CAP_SYS_ADMIN and access to /dev/mapper/control, to read from the kernel which paths multipath failed; without them, multipathd is queried on its socket, which takes no privilege."

// Options say what is exported of paths, and which source is queried.
type Options struct {
	paths  collect.Bool
	source collect.String
}

// DefaultOptions returns the default options.
func DefaultOptions() Options { return Options{paths: true, source: "auto"} }

// Fields returns the options as flags.
func (o *Options) Fields() []collect.Field {
	return []collect.Field{
		{Name: "multipath-paths", Value: &o.paths,
			Help: "Export each path of multipath maps, and not only their number."},
		{Name: "multipath-source", Value: &o.source,
			Help: "Source of which paths multipath failed: dm (the kernel), multipathd, sysfs (none), or auto for the first of these that is available."},
	}
}

// Check returns an error about an option with a value that it cannot have.
func (o *Options) Check() error {
	if !slices.Contains([]string{"auto", "sysfs", "dm", "multipathd"}, string(o.source)) {
		return fmt.Errorf("multipath-source: want auto, sysfs, dm or multipathd, have %q", string(o.source))
	}
	return nil
}

// Maps are the families of multipath maps.
type Maps struct {
	options  Options
	kinds    []Kind
	disks    []Disks
	topology *dm.Topology

	path      *metric.Family
	holder    *metric.Family
	health    *metric.Family
	paths     *metric.Family
	usable    *metric.Family
	agreement agreementFamilies

	sources sources
	now     func() time.Time
	numbers numbers
	luns    luns

	block       []host.DirEntry // of the host
	found       []*dm.Multipath
	states      map[*dm.Multipath]*mapState
	mapsChanged bool // whether maps, or paths of theirs, changed since the last reading
	round       uint64

	// These are of the map that is being read.
	state       *mapState
	table       []tablePath
	pathsOf     []mapPath
	seen        []pathWWID
	usableParts [san.NumComponents][]string
}

// New declares the families.
func New(env *collect.Env, o Options) *Maps {
	m := env.Metrics
	return &Maps{
		options:  o,
		topology: dm.NewTopology(),
		path: m.Gauge("node_hba_multipath_path_info", "A path of a multipath map, as 1, with the ports that it leads over.",
			"device", "fc_host", "hctl", "path", "rport", "scsi_host", "sysfs_name", "target_port"),
		holder: m.Gauge("node_hba_multipath_holder_info", "A device on top of a multipath map, as 1: a partition or a volume.", "device", "holder", "sysfs_name"),
		health: m.Gauge("node_hba_multipath_path_health", "Health of a path of a multipath map, as 1.", "device", "health", "path"),
		paths:  m.Gauge("node_hba_multipath_paths", "Paths of a multipath map, by health.", "device", "health", "sysfs_name"),
		usable: m.Gauge("node_hba_multipath_usable_components", "Distinct ports, fabrics and adapters that the usable paths of a multipath map depend on.",
			"component", "device", "sysfs_name"),
		agreement: newAgreementFamilies(m),
		sources:   newSources(env, string(o.source)),
		now:       env.Host.Now,
		numbers:   numbers{known: map[string]pathNumber{}},
		states:    map[*dm.Multipath]*mapState{},
	}
}

// AddKinds adds kinds of paths. A block device is a path of the first kind that it
// is of; of one of no kind only the name is known. Those that implement Disks also
// have the disks of the host.
func (f *Maps) AddKinds(kinds ...Kind) {
	f.kinds = append(f.kinds, kinds...)
	for _, k := range kinds {
		if d, ok := k.(Disks); ok {
			f.disks = append(f.disks, d)
			f.luns.generations = append(f.luns.generations, 0)
		}
	}
}

// Reads returns the files that Find and Update read.
func Reads() []string {
	return []string{
		"/dev/mapper/control",
		multipathd.PIDFile,
		multipathd.SocketFile,
		"/sys/block/dm-*/dm/name",
		"/sys/block/dm-*/dm/uuid",
		"/sys/block/dm-*/holders/*-*",
		"/sys/block/dm-*/size",
		"/sys/block/dm-*/slaves/*",
		"/sys/block/dm-*/slaves/*/dev",
		"/sys/block/dm-*/slaves/*/size",
		"/sys/dev/block/*:*",
	}
}

// Find returns the multipath maps among the block devices of the host.
func (f *Maps) Find(a attr.Reader, block []host.DirEntry) []*dm.Multipath {
	f.block = block
	f.found = f.topology.Maps(a.Sys, block, a.Out.Error)
	f.updateStates()
	return f.found
}

// updateStates keeps the states of the maps that are still there.
func (f *Maps) updateStates() {
	f.round++
	f.mapsChanged = false
	for _, m := range f.found {
		s := f.states[m]
		if s == nil {
			s = &mapState{Multipath: m, turn: uint64(len(f.states)), due: true, wwid: parseWWID(m.WWID())}
			f.states[m] = s
		}
		s.round = f.round
		if m.PathsChanged {
			s.changed, f.mapsChanged = f.now(), true
		}
	}
	for m, s := range f.states {
		if s.round != f.round {
			delete(f.states, m)
			f.mapsChanged = true
		}
	}
}

// Update emits the maps that Find found.
func (f *Maps) Update(ctx context.Context, a attr.Reader) {
	f.sources.query(ctx, a, f.found)
	f.countLUNs()
	if f.luns.known {
		a.Out.Emit(f.agreement.unmapped, float64(f.luns.unmapped))
	}
	for _, m := range f.found {
		f.state = f.states[m]
		f.compare(a, f.state)
		f.findPaths(a, m)
		f.updateMap(a, m)
		f.agreement.emit(a, f.state, bool(f.options.paths))
		if f.options.paths {
			f.sources.emit(a, m, f.pathsOf, f.table)
		} else {
			f.sources.emit(a, m, nil, nil)
		}
	}
	f.numbers.forget()
}

func (f *Maps) updateMap(a attr.Reader, m *dm.Multipath) {
	for _, h := range m.Holders {
		a.Out.Emit(f.holder, 1, m.Name, h.Name, m.SysfsName)
	}
	for i := range f.usableParts {
		f.usableParts[i] = f.usableParts[i][:0]
	}
	var counts [san.NumHealths]int
	var applies [san.NumComponents]bool
	anyKnown := false
	for i := range f.pathsOf {
		p := &f.pathsOf[i]
		for i, part := range p.Components {
			applies[i] = applies[i] || part != ""
		}
		if f.options.paths {
			a.Out.Emit(f.path, 1, m.Name, p.FCHost, p.HCTL, p.name, p.Rport, p.SCSIHost, m.SysfsName, p.TargetPort)
		}
		if !p.known {
			continue
		}
		anyKnown = true
		counts[p.Health]++
		if p.Health.Usable() {
			f.use(&p.Path)
		}
		if f.options.paths {
			a.Out.Emit(f.health, 1, m.Name, p.Health.String(), p.name)
		}
	}
	if !anyKnown && len(f.pathsOf) > 0 {
		return
	}
	for health, n := range counts {
		a.Out.Emit(f.paths, float64(n), m.Name, san.Health(health).String(), m.SysfsName)
	}
	for i := range applies {
		if applies[i] {
			a.Out.Emit(f.usable, float64(len(f.usableParts[i])), san.Component(i).String(), m.Name, m.SysfsName)
		}
	}
}

// use notes the components of a usable path.
func (f *Maps) use(p *san.Path) {
	for i, parts := range p.Components {
		for part := ""; parts != ""; {
			if part, parts, _ = strings.Cut(parts, " "); !slices.Contains(f.usableParts[i], part) {
				f.usableParts[i] = append(f.usableParts[i], part)
			}
		}
	}
}
