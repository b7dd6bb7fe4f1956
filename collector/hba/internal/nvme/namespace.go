package nvme

import (
	"slices"

	"github.com/hostexporter/host_exporter/collector/hba/internal/attr"
	"github.com/hostexporter/host_exporter/collector/hba/internal/san"
	"github.com/hostexporter/host_exporter/collector/internal/nvmefs"
)

// anaState returns a state of asymmetric access as a label value.
func anaState(b []byte) (state string, ok bool) {
	switch string(b) {
	case "optimized":
		return "optimized", true
	case "non-optimized":
		return "non_optimized", true
	case "inaccessible":
		return "inaccessible", true
	case "persistent-loss":
		return "persistent_loss", true
	case "change":
		return "change", true
	case "invalid state":
		return "unknown", true
	}
	return "unknown", false
}

// health returns how well a path is, by its controller and its ANA state, which
// is empty where there is none.
func health(controller state, ana string) san.Health {
	switch {
	case controller == down:
		return san.PathOffline
	case ana == "inaccessible", ana == "persistent_loss", ana == "change":
		return san.PathStandby
	case controller == marginal:
		return san.PathMarginal
	case ana == "non_optimized":
		return san.PathNonOptimized
	}
	return san.PathOptimized
}

// add adds a path over a controller.
func (h *head) add(c *controller, health san.Health) {
	h.total++
	h.paths[health]++
	initiator := c.address.HostTarget
	if initiator == "" {
		initiator = c.address.HostInterface
	}
	if initiator == "" {
		initiator = c.address.Source
	}
	for i, component := range [...]string{c.name, initiator, c.address.Target, c.fabric} {
		if component == "" {
			continue
		}
		h.has[i] = true
		if health.Usable() && !slices.Contains(h.usable[i], component) {
			h.usable[i] = append(h.usable[i], component)
		}
	}
}

// emit emits what the paths to each namespace are together, also of a namespace
// without any, unless all of its controllers are excluded.
func (f *pathFamilies) emit(a attr.Reader) {
	for _, s := range f.subsystems {
		for _, h := range s.heads {
			if s.included > 0 || s.controllers == 0 {
				f.emitHead(a, s.name, h)
			}
		}
	}
	for _, h := range f.stray {
		if h.total > 0 {
			f.emitHead(a, "", h)
		}
	}
}

func (f *pathFamilies) emitHead(a attr.Reader, subsystem string, h *head) {
	for i, n := range h.paths {
		a.Out.Emit(f.health, float64(n), h.name, san.Health(i).String())
	}
	for i, used := range h.usable {
		if h.has[i] {
			a.Out.Emit(f.usable, float64(len(used)), components[i], h.name)
		}
	}
	if h.diag {
		for _, d := range f.head {
			if v, ok := a.Uint(nvmefs.SubsystemDir, subsystem, h.name, "diag", d.Name); ok {
				a.Out.Emit(d.Family, float64(v), h.name)
			}
		}
	}
}

// Path returns a block device as a path of a multipath map, and whether it is an
// NVMe namespace. Those are paths of such maps where the multipathing of NVMe
// itself is switched off.
func Path(a attr.Reader, block string) (p san.Path, ok bool) {
	if !nvmefs.IsHead(block) {
		return p, false
	}
	state, known := a.Text("block", block, "device/state")
	p = san.Path{StateKnown: known, Health: san.PathOptimized}
	if known && string(state) != nvmefs.StateLive {
		p.Health = san.PathOffline
	}
	return p, true
}
