package hba

import (
	"slices"

	"github.com/hostexporter/host_exporter/collector/hba/internal/attr"
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

// verdict returns how well a path is, by its controller and its ANA state,
// which is empty where there is no such thing.
func verdict(controller nvmeState, ana string) nvmeHealth {
	switch {
	case controller == nvmeDown:
		return nvmeOffline
	case ana == "inaccessible", ana == "persistent_loss", ana == "change":
		return nvmeStandby
	case controller == nvmeMarginal:
		return nvmePathMarginal
	case ana == "non_optimized":
		return nvmeNonOptimized
	}
	return nvmeOptimized
}

// add takes up a path over a controller.
func (h *nvmeHead) add(c *nvmeController, health nvmeHealth) {
	h.total++
	h.paths[health]++
	initiator := c.address.HostTarget
	if initiator == "" {
		initiator = c.address.HostInterface
	}
	if initiator == "" {
		initiator = c.address.Source
	}
	for i, component := range [...]string{c.name, initiator, c.address.Target, c.port.fabric} {
		if component == "" {
			continue
		}
		h.has[i] = true
		if health >= nvmePathMarginal && !slices.Contains(h.usable[i], component) {
			h.usable[i] = append(h.usable[i], component)
		}
	}
}

// emit emits what the paths to each namespace are together. A namespace without
// any is told, too, unless all that leads to it is left out.
func (f *hbaNVMePaths) emit(a attr.Reader) {
	for _, s := range f.subsystems {
		for _, h := range s.heads {
			if s.wanted > 0 || s.controllers == 0 {
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

func (f *hbaNVMePaths) emitHead(a attr.Reader, subsystem string, h *nvmeHead) {
	for i, n := range h.paths {
		a.Out.Emit(f.health, float64(n), h.name, nvmeHealths[i])
	}
	for i, used := range h.usable {
		if h.has[i] {
			a.Out.Emit(f.usable, float64(len(used)), nvmeComponents[i], h.name)
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
