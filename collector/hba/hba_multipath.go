package hba

import (
	"errors"
	"syscall"

	"github.com/hostexporter/host_exporter/collector/hba/internal/attr"
	"github.com/hostexporter/host_exporter/collector/hba/internal/lun"
	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/dm"
	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
)

// hbaMultipath are the families of multipath maps: what their paths are, how
// they are, and how much can fail before the map does.
//
// Nearly all of it is from sysfs, which knows whether a device answers, but not
// whether multipath has given a path up: for that see hbaPathSources.
type hbaMultipath struct {
	path   *metric.Family
	holder *metric.Family
	health *metric.Family
	paths  *metric.Family
	usable *metric.Family

	sources hbaPathSources

	parts [numComponents][]string // of the usable paths of a map
}

// A pathHealth is the verdict on a path.
type pathHealth int

// The verdicts, in the order in which they are considered.
const (
	pathFailed pathHealth = iota
	pathOffline
	pathBlocked
	pathStandby
	pathMarginal
	pathNonOptimized
	pathOptimized
	numHealths
)

var pathHealths = [numHealths]string{"failed", "offline", "blocked", "standby", "marginal", "non_optimized", "optimized"}

// usable reports whether a path takes I/O.
func (h pathHealth) usable() bool { return h >= pathMarginal }

// The components of which a map has as many as there are different ones on its
// usable paths.
const (
	initiatorPort = iota
	targetPort
	fabric
	adapter
	numComponents
)

var components = [numComponents]string{"initiator_port", "target_port", "fabric", "adapter"}

// pathFacts are what a verdict is made from.
type pathFacts struct {
	failed   bool // multipath has given it up
	running  bool // the state of the device
	way      wayState
	access   lun.Access
	marginal bool // multipath avoids it
}

func (p pathFacts) verdict() pathHealth {
	switch {
	case p.failed:
		return pathFailed
	case !p.running:
		return pathOffline
	case p.way == wayBlocked:
		return pathBlocked
	case p.access == lun.Standby, p.access == lun.Unavailable, p.access == lun.AccessOffline, p.access == lun.Transitioning:
		return pathStandby
	case p.marginal, p.way == wayMarginal:
		return pathMarginal
	case p.access == lun.NonOptimized:
		return pathNonOptimized
	}
	return pathOptimized
}

func newHBAMultipath(env *collect.Env, o lunOptions) hbaMultipath {
	m := env.Metrics
	return hbaMultipath{
		path: m.Gauge("node_hba_multipath_path_info", "A path of a multipath map, as 1, with the way that it takes.",
			"device", "fc_host", "hctl", "path", "rport", "scsi_host", "sysfs_name", "target_port"),
		holder: m.Gauge("node_hba_multipath_holder_info", "A device on top of a multipath map, as 1: a partition or a volume.", "device", "holder", "sysfs_name"),
		health: m.Gauge("node_hba_multipath_path_health", "What is to be thought of a path of a multipath map, as 1.", "device", "health", "path"),
		paths:  m.Gauge("node_hba_multipath_paths", "Paths of a multipath map, by what is to be thought of them.", "device", "health", "sysfs_name"),
		usable: m.Gauge("node_hba_multipath_usable_components", "Different ports, fabrics and adapters with a usable path of a multipath map: where it is one, all hangs on it.",
			"component", "device", "sysfs_name"),
		sources: newHBAPathSources(env, string(o.source)),
	}
}

func (f *hbaMultipath) update(a attr.Reader, s *hbaSAN, maps []*dm.Multipath) {
	for _, m := range maps {
		f.updateMap(a, s, m)
		f.sources.emit(a, m, bool(s.options.paths))
	}
}

func (f *hbaMultipath) updateMap(a attr.Reader, s *hbaSAN, m *dm.Multipath) {
	for _, h := range m.Holders {
		a.Out.Emit(f.holder, 1, m.Name, h.Name, m.SysfsName)
	}
	for i := range f.parts {
		f.parts[i] = f.parts[i][:0]
	}
	var count [numHealths]int
	var applies [numComponents]bool
	judged := 0
	for _, p := range m.Paths {
		facts, known, parts := f.updatePath(a, s, m, p)
		for i, part := range parts {
			applies[i] = applies[i] || part != ""
		}
		if !known {
			continue
		}
		health := facts.verdict()
		judged++
		count[health]++
		if health.usable() {
			f.use(parts)
		}
		if s.options.paths {
			a.Out.Emit(f.health, 1, m.Name, pathHealths[health], p.Name)
		}
	}
	if judged == 0 && len(m.Paths) > 0 {
		return
	}
	for health, n := range count {
		a.Out.Emit(f.paths, float64(n), m.Name, pathHealths[health], m.SysfsName)
	}
	for i, name := range components {
		if applies[i] {
			a.Out.Emit(f.usable, float64(len(f.parts[i])), name, m.Name, m.SysfsName)
		}
	}
}

// updatePath returns what is known of a path, and where it leads over.
func (f *hbaMultipath) updatePath(a attr.Reader, s *hbaSAN, m *dm.Multipath, p host.DirEntry) (facts pathFacts, known bool, parts [numComponents]string) {
	if l, h := s.pathDevice(a, p.Name); l != nil {
		way := s.way(a, l)
		facts, known = pathFacts{running: l.State == lun.Running, way: way.state, access: l.Access}, l.State != lun.NoState
		parts = [numComponents]string{initiatorPort: h.portName, targetPort: way.name, fabric: h.fabric, adapter: h.adapter}
		if s.options.paths {
			a.Out.Emit(f.path, 1, m.Name, h.fcName, l.HCTL, p.Name, l.Rport, l.Host, m.SysfsName, way.name)
		}
	} else {
		facts, known = f.otherPath(a, m, p.Name)
		if s.options.paths {
			a.Out.Emit(f.path, 1, m.Name, "", "", p.Name, "", "", m.SysfsName, "")
		}
	}
	truth := f.sources.path(a, m, p)
	if truth.known && !known { // of a kind that says nothing in sysfs, and it works
		facts.running, known = true, true
	}
	facts.failed, facts.marginal = truth.failed, truth.marginal
	return facts, known, parts
}

// use notes the components of a usable path.
func (f *hbaMultipath) use(parts [numComponents]string) {
next:
	for i, part := range parts {
		if part == "" {
			continue
		}
		for _, have := range f.parts[i] {
			if have == part {
				continue next
			}
		}
		f.parts[i] = append(f.parts[i], part)
	}
}

// otherPath returns what is known of a path that is no SCSI device: NVMe,
// mostly.
func (f *hbaMultipath) otherPath(a attr.Reader, m *dm.Multipath, name string) (facts pathFacts, known bool) {
	state, err := a.Sys.Text("block", m.SysfsName, "slaves", name, "device/state")
	if err != nil {
		if !host.Gone(err) && !errors.Is(err, syscall.EINVAL) {
			a.Out.Error(err)
		}
		return facts, false
	}
	facts.running = string(state) == "live" || string(state) == "running"
	return facts, len(state) > 0
}
