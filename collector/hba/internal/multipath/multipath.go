// Package multipath reads the multipath maps of device-mapper: their paths, how
// well each is, and how much can fail before a map does. The maps come from
// sysfs, the health of a path from whatever kind of device it is, and what
// multipath itself does with it from the kernel or from multipathd. The package
// knows no kind of device: each is a function that New takes.
package multipath

import (
	"context"
	"fmt"
	"slices"

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

// A Kind is a kind of devices that can be paths. It returns a block device as a
// path, and whether it is of this kind.
type Kind func(a attr.Reader, block string) (san.Path, bool)

// Maps are the families of multipath maps.
type Maps struct {
	options  Options
	kinds    []Kind
	topology *dm.Topology
	maps     []*dm.Multipath

	path   *metric.Family
	holder *metric.Family
	health *metric.Family
	paths  *metric.Family
	usable *metric.Family

	sources sources

	usableParts [san.NumComponents][]string // of one map
}

// New declares the families. A block device is a path of the first kind that it
// is of; of one of no kind only the name is known.
func New(env *collect.Env, o Options, kinds ...Kind) *Maps {
	m := env.Metrics
	return &Maps{
		options:  o,
		kinds:    kinds,
		topology: dm.NewTopology(env.Host.Sys),
		path: m.Gauge("node_hba_multipath_path_info", "A path of a multipath map, as 1, with the ports that it leads over.",
			"device", "fc_host", "hctl", "path", "rport", "scsi_host", "sysfs_name", "target_port"),
		holder: m.Gauge("node_hba_multipath_holder_info", "A device on top of a multipath map, as 1: a partition or a volume.", "device", "holder", "sysfs_name"),
		health: m.Gauge("node_hba_multipath_path_health", "Health of a path of a multipath map, as 1.", "device", "health", "path"),
		paths:  m.Gauge("node_hba_multipath_paths", "Paths of a multipath map, by health.", "device", "health", "sysfs_name"),
		usable: m.Gauge("node_hba_multipath_usable_components", "Distinct ports, fabrics and adapters that the usable paths of a multipath map depend on.",
			"component", "device", "sysfs_name"),
		sources: newSources(env, string(o.source)),
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
		"/sys/block/dm-*/slaves/nvme*",
		"/sys/block/dm-*/slaves/sd*",
		"/sys/block/dm-*/slaves/*/dev",
	}
}

// Find returns the multipath maps among the block devices of the host.
func (f *Maps) Find(a attr.Reader, block []host.DirEntry) []*dm.Multipath {
	f.maps = f.topology.Maps(block, a.Out.Error)
	return f.maps
}

// Update emits the maps that Find found.
func (f *Maps) Update(ctx context.Context, a attr.Reader) {
	f.sources.query(ctx, a, f.maps)
	for _, m := range f.maps {
		f.updateMap(a, m)
		f.sources.emit(a, m, bool(f.options.paths))
	}
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
	for _, p := range m.Paths {
		path, known := f.pathOf(a, m, p)
		for i, part := range path.Components {
			applies[i] = applies[i] || part != ""
		}
		if f.options.paths {
			a.Out.Emit(f.path, 1, m.Name, path.FCHost, path.HCTL, p.Name, path.Rport, path.SCSIHost, m.SysfsName, path.TargetPort)
		}
		if !known {
			continue
		}
		anyKnown = true
		counts[path.Health]++
		if path.Health.Usable() {
			f.use(&path)
		}
		if f.options.paths {
			a.Out.Emit(f.health, 1, m.Name, path.Health.String(), p.Name)
		}
	}
	if !anyKnown && len(m.Paths) > 0 {
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

// pathOf returns a path with its health, and whether the health is known.
func (f *Maps) pathOf(a attr.Reader, m *dm.Multipath, p host.DirEntry) (path san.Path, known bool) {
	path = san.Path{Health: san.PathOptimized}
	for _, kind := range f.kinds {
		if of, ok := kind(a, p.Name); ok {
			path = of
			break
		}
	}
	status := f.sources.path(a, m, p)
	switch {
	case status.failed:
		path.Health = san.PathFailed
	case status.marginal:
		path.Health = min(path.Health, san.PathMarginal)
	}
	return path, path.StateKnown || status.known
}

// use notes the components of a usable path.
func (f *Maps) use(p *san.Path) {
	for i, part := range p.Components {
		if part != "" && !slices.Contains(f.usableParts[i], part) {
			f.usableParts[i] = append(f.usableParts[i], part)
		}
	}
}
