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

// health returns how well a path over a controller is, by its ANA state, which is
// empty where there is none. A namespace that is lost for good through a
// controller is as unusable as one whose controller is not live.
func (c *controller) health(ana string) san.Health {
	switch {
	case c.state == down, ana == "persistent_loss":
		return san.PathOffline
	case c.way == san.Blocked:
		return san.PathBlocked
	case ana == "inaccessible", ana == "change":
		return san.PathStandby
	case c.state == marginal, c.way == san.Marginal:
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
	for i, component := range [...]string{c.name, c.initiator(), c.address.Target, c.fabric} {
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
				a.Out.Emit(f.agreement.missing, float64(max(s.io-h.total, 0)), h.name)
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
	h.sizes.compare(a, subsystem, h.name)
	f.agreement.emit(a, h)
	if h.diag {
		for _, d := range f.head {
			if v, ok := a.Uint(nvmefs.SubsystemDir, subsystem, h.name, "diag", d.Name); ok {
				a.Out.Emit(d.Family, float64(v), h.name)
			}
		}
	}
}
