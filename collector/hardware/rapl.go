package hardware

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"strings"

	"github.com/hostexporter/host_exporter/collector/internal/capability"
	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
)

var rapl = collect.Spec{
	Name:  "rapl",
	Help:  "Energy used by the power domains of the CPUs (RAPL).",
	Reads: []string{"/sys/class/powercap/*/name", "/sys/class/powercap/*/energy_uj"},
	Needs: "root or CAP_DAC_READ_SEARCH since kernel 5.10 (mode 0400)",
	Caps:  []capability.Capability{capability.DACReadSearch},
	Build: collect.With(raplOptions{}, newRapl),
}

type raplOptions struct{ ZoneLabel collect.Bool }

func (o *raplOptions) Fields() []collect.Field {
	return []collect.Field{
		{Name: "enable-zone-label", Help: "Export one family with the zone as a label instead of one family for each zone.", Value: &o.ZoneLabel},
	}
}

// raplCollector reads /sys/class/powercap, a directory for each zone with its
// name (package-0) and the energy it used in millionths of a joule (energy_uj:
// 71620339018). Since Linux 5.10 only root may read the energy, because it is a
// side channel to the processor's data. See
// https://docs.kernel.org/power/powercap/powercap.html.
type raplCollector struct {
	tree   host.Tree
	sys    *host.Reader
	byZone *metric.Family // with the zone as a label; nil without the option
	joules *metric.Keyed  // by zone
}

const raplDir = "class/powercap"

func newRapl(env *collect.Env, o raplOptions) (*raplCollector, error) {
	m := env.Metrics
	c := &raplCollector{tree: env.Host.Sys, sys: env.Host.Sys.Reader()}
	if o.ZoneLabel {
		c.byZone = m.Counter("node_rapl_joules_total", "Energy used by the RAPL zone, in joules.", "index", "path", "rapl_zone")
		return c, nil
	}
	c.joules = m.Keyed(func(zone string) *metric.Family {
		return m.Counter("node_rapl_"+zone+"_joules_total", "Energy used by RAPL zone "+zone+", in joules.", "index", "path")
	})
	return c, nil
}

func (c *raplCollector) Update(_ context.Context, out *metric.Sink) error {
	dirs, err := c.sys.Names(raplDir)
	if err != nil {
		return collect.OrNoData(err)
	}
	// Zones of one name are numbered in lexical order of their directories, to
	// keep the inherited indexes: 1 is intel-rapl:10:0 if it exists, and not
	// intel-rapl:1:0.
	slices.Sort(dirs)
	seen := map[string]int{}
	emitted := false
	var denied []error
	for _, dir := range dirs {
		name, err := c.sys.Text(raplDir, dir, "name")
		if !host.ReportUnlessGone(err, out.Error) {
			continue // absent in the parent of the zones
		}
		if len(name) == 0 {
			out.Error(c.sys.At(host.Bad(1, "the name of a zone", name)))
			continue
		}
		zone, index := raplZone(string(name), seen)
		microjoules, err := c.sys.Uint(raplDir, dir, "energy_uj")
		switch {
		case err == nil:
			emitted = true
			c.emit(out, float64(microjoules)/1e6, zone, strconv.Itoa(index), c.tree.Path(raplDir, dir))
		case errors.Is(err, fs.ErrPermission):
			denied = append(denied, err)
		default:
			reportUnlessNoReading(err, out.Error)
		}
	}
	if denied != nil && !emitted {
		// The exporter is not root, which is not an error.
		return fmt.Errorf("%w: %w", collect.ErrNoData, denied[0])
	}
	for _, err := range denied {
		out.Error(err)
	}
	return nil
}

func (c *raplCollector) emit(out *metric.Sink, joules float64, zone, index, path string) {
	if c.byZone != nil {
		out.Emit(c.byZone, joules, index, path, zone)
		return
	}
	out.Emit(c.joules.Family([]byte(zone)), joules, index, path)
}

// raplZone parses the name of a zone: package-1 is package with index 1. Zones
// of other names are counted in seen.
func raplZone(name string, seen map[string]int) (zone string, index int) {
	zone, number, ok := strings.Cut(name, "-")
	if n, err := strconv.ParseUint(number, 10, 31); ok && err == nil {
		index = int(n)
	} else {
		zone, index = name, seen[name]
	}
	seen[zone] = index + 1
	return zone, index
}
