package exporter

import (
	"strings"

	"github.com/go-kit/log"

	"github.com/hostexporter/host_exporter/collector"
	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/compare"
	"github.com/hostexporter/host_exporter/collector/internal/host"
)

// familyOwners know which flag makes the exporter export a family.
type familyOwners struct {
	specs   []collect.Spec
	owners  map[string]familyOwner // by family
	enabled map[string]bool        // collectors that an exposition shows as enabled
}

// A familyOwner is the collector that declares a family, and the switch without
// which it does not; empty if there is none.
type familyOwner struct{ collector, flag string }

// newFamilyOwners returns the owners of all families that the collectors
// declare, by default or with a switch.
func newFamilyOwners(ours compare.Exposition) familyOwners {
	o := familyOwners{specs: collector.Catalog(), owners: map[string]familyOwner{}, enabled: map[string]bool{}}
	// A collector without data may have no duration.
	for _, name := range []string{"host_exporter_collector_state", "node_scrape_collector_duration_seconds"} {
		for _, m := range ours[name].GetMetric() {
			for _, l := range m.GetLabel() {
				if l.GetName() == "collector" {
					o.enabled[l.GetValue()] = true
				}
			}
		}
	}
	for _, spec := range o.specs {
		o.declare(spec, "", nil)
		for _, f := range spec.Build.Fields() {
			if collect.IsSwitch(f.Value) {
				o.declare(spec, f.FlagName(spec.Name), map[string][]string{f.Name: {"true"}})
			}
		}
	}
	return o
}

// declare records the families that a collector declares with some options, and
// the flag of the option.
func (o familyOwners) declare(spec collect.Spec, flag string, options map[string][]string) {
	u, err := collect.NewUnit(spec, host.Live(host.Paths{}), log.NewNopLogger(), func(string) bool { return false }, options)
	if err != nil {
		return // an option that requires another one
	}
	for _, f := range u.Set().Families() {
		if _, known := o.owners[f.Name()]; !known {
			o.owners[f.Name()] = familyOwner{spec.Name, flag}
		}
	}
}

// remedy returns how to get a metric that an exposition lacks.
func (o familyOwners) remedy(name string) string {
	owner := o.ownerOf(name)
	switch {
	case owner.collector == "":
		return "no collector exports it"
	case !o.enabled[owner.collector]:
		return "enable --collector." + owner.collector
	case owner.flag != "":
		return "enable --" + owner.flag
	}
	return "collector " + owner.collector + " is enabled and has no such data on this host (host_exporter doctor " + owner.collector + ")"
}

// ownerOf returns the owner of a metric. Where the kernel makes up the names of
// families, it is the collector with the longest name that they begin with.
func (o familyOwners) ownerOf(name string) familyOwner {
	if owner, ok := o.owners[name]; ok {
		return owner
	}
	var best familyOwner
	for _, spec := range o.specs {
		if strings.HasPrefix(name, "node_"+spec.Name+"_") && len(spec.Name) > len(best.collector) {
			best.collector = spec.Name
		}
	}
	return best
}
