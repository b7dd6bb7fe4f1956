package hardware

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"strings"

	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
)

var rapl = collect.Spec{
	Name:  "rapl",
	Help:  "Energy that the processor's power domains used (RAPL).",
	Reads: []string{"/sys/class/powercap/*/name", "/sys/class/powercap/*/energy_uj"},
	Needs: "root or CAP_DAC_READ_SEARCH since kernel 5.10 (mode 0400)",
	Build: collect.With(raplOptions{}, newRapl),
}

type raplOptions struct{ ZoneLabel collect.Bool }

func (o *raplOptions) Fields() []collect.Field {
	return []collect.Field{
		{Name: "enable-zone-label", Help: "Export one family with the zone as a label, and not one for each zone.", Value: &o.ZoneLabel},
	}
}

// raplCollector reads /sys/class/powercap, a folder for each zone with its
// name (package-0) and the energy it used in millionths of a joule
// (energy_uj: 71620339018). Only root may read the latter since kernel 5.10,
// because it tells what the processor is at. See
// https://docs.kernel.org/power/powercap/powercap.html.
type raplCollector struct {
	tree   host.Tree
	sys    *host.Reader
	zoned  *metric.Family // with the zone as a label; nil without the option
	joules *metric.Keyed  // by zone
}

const raplDir = "class/powercap"

func newRapl(env *collect.Env, o raplOptions) (*raplCollector, error) {
	m := env.Metrics
	c := &raplCollector{tree: env.Host.Sys, sys: env.Host.Sys.Reader()}
	if o.ZoneLabel {
		c.zoned = m.Counter("node_rapl_joules_total", "Energy that the RAPL zone used, in joules.", "index", "path", "rapl_zone")
		return c, nil
	}
	c.joules = m.Keyed(func(zone string) *metric.Family {
		return m.Counter("node_rapl_"+zone+"_joules_total", "Energy that RAPL zone "+zone+" used, in joules.", "index", "path")
	})
	return c, nil
}

func (c *raplCollector) Update(_ context.Context, out *metric.Sink) error {
	dirs, err := c.sys.Names(raplDir)
	if err != nil {
		return collect.OrNoData(err)
	}
	// Zones of one name are numbered in the order of their folders' names,
	// letter by letter: index 1 has always been that of intel-rapl:10:0 where
	// there is one, and not that of intel-rapl:1:0.
	slices.Sort(dirs)
	seen := map[string]int{}
	emitted := false
	var denied []error
	for _, dir := range dirs {
		name, err := c.sys.Text(raplDir, dir, "name")
		if err != nil {
			if !host.Gone(err) { // gone: not a zone but what holds them
				out.Error(err)
			}
			continue
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
		case !noReading(err):
			out.Error(err)
		}
	}
	if denied != nil && !emitted {
		// An exporter that is not root is as it should be.
		return fmt.Errorf("%w: %w", collect.ErrNoData, denied[0])
	}
	for _, err := range denied {
		out.Error(err)
	}
	return nil
}

func (c *raplCollector) emit(out *metric.Sink, joules float64, zone, index, path string) {
	if c.zoned != nil {
		out.Emit(c.zoned, joules, index, path, zone)
		return
	}
	out.Emit(c.joules.Family([]byte(zone)), joules, index, path)
}

// raplZone takes a zone's name apart: package-1 is package, of index 1. Other
// names are what they are, and their zones are counted in seen.
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
