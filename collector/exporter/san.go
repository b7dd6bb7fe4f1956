package exporter

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/santopo"
	"github.com/hostexporter/host_exporter/collector/internal/scrape"
)

// SANOptions are the options of SAN.
type SANOptions struct {
	Format string // tree, svg or json
	Color  bool   // of the tree
	ASCII  bool   // the tree without box-drawing characters
}

// SANCollectors returns the names of the collectors that SAN reads.
func SANCollectors() []string { return santopo.Collectors() }

// SAN collects once and writes the topology of the storage network: ports, fabrics,
// target ports, LUNs with their paths, and file systems. The error lists the
// collectors that failed; the rest is still written.
func (e *Exporter) SAN(ctx context.Context, out io.Writer, o SANOptions) error {
	if err := e.checkRoots(); err != nil {
		return err
	}
	t, err := e.topology(ctx)
	if err != nil {
		return err
	}
	switch o.Format {
	case "json":
		err = t.WriteJSON(out)
	case "svg":
		_, err = out.Write(t.AppendSVG(nil, true))
	default:
		u, _ := e.host.Uname()
		err = t.WriteTree(out, u.Nodename, santopo.TreeOptions{Color: o.Color, ASCII: o.ASCII})
	}
	if err != nil {
		return err
	}
	failed := failures(e.sanUnits())
	if failed == nil {
		return nil
	}
	return fmt.Errorf("the picture is not complete, these collectors failed:\n%s", strings.Join(failed, "\n"))
}

// sanUnits returns the units that the topology is built from.
func (e *Exporter) sanUnits() []*collect.Unit {
	var units []*collect.Unit
	all := e.units()
	for _, name := range santopo.Collectors() {
		u := collect.UnitByName(all, name)
		if u == nil && name == santopo.OnDemand {
			u = cmp.Or(collect.UnitByName(e.onDemand(), name), collect.UnitByName(all, santopo.Substitute))
		}
		if u != nil {
			units = append(units, u)
		}
	}
	return units
}

// topology scrapes and returns the topology of the storage network.
func (e *Exporter) topology(ctx context.Context) (*santopo.Topology, error) {
	samples := santopo.NewSamples()
	e.engine.Observe(ctx, scrape.Request{Units: e.sanUnits(), Filtered: true, Observe: samples.Observe})
	if err := interrupted(ctx); err != nil {
		return nil, err
	}
	return samples.Topology(), nil
}
