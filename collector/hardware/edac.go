package hardware

import (
	"context"
	"strings"

	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
	"github.com/hostexporter/host_exporter/collector/internal/scan"
)

var edac = collect.Spec{
	Name: "edac",
	Help: "Memory errors that were corrected, or could not be, by controller, row and channel.",
	Reads: []string{
		"/sys/devices/system/edac/mc",
		"/sys/devices/system/edac/mc/mc[0-9]*/ce_count",
		"/sys/devices/system/edac/mc/mc[0-9]*/ce_noinfo_count",
		"/sys/devices/system/edac/mc/mc[0-9]*/ue_count",
		"/sys/devices/system/edac/mc/mc[0-9]*/ue_noinfo_count",
		"/sys/devices/system/edac/mc/mc[0-9]*/csrow[0-9]*/ce_count",
		"/sys/devices/system/edac/mc/mc[0-9]*/csrow[0-9]*/ue_count",
		"/sys/devices/system/edac/mc/mc[0-9]*/csrow[0-9]*/ch[0-9]*_ce_count",
		"/sys/devices/system/edac/mc/mc[0-9]*/csrow[0-9]*/ch[0-9]*_ue_count",
		"/sys/devices/system/edac/mc/mc[0-9]*/csrow[0-9]*/ch[0-9]*_dimm_label",
	},
	NoDataIsSuccess: true,
	Build:           collect.Plain(newEdac),
}

// edacCollector reads the memory controllers of /sys/devices/system/edac/mc,
// one number a file:
//
//	mc0/ce_count               errors that were corrected
//	mc0/ce_noinfo_count        of them, those whose place is not known
//	mc0/csrow1/ch0_ce_count    of them, those of one row and channel
//	mc0/csrow1/ch0_dimm_label  the memory module there: CPU_SrcID#0_Ha#0_Chan#0_DIMM#0
//
// The same with ue for errors that could not be corrected; those of a channel
// only some drivers have. See https://docs.kernel.org/admin-guide/ras.html.
type edacCollector struct {
	sys *host.Reader

	controller, noInfo, row, channel [2]edacFile // corrected, and not
}

// An edacFile pairs a file, or what its name ends in, with the family it fills.
type edacFile struct {
	name   string
	family *metric.Family
}

const edacDir = "devices/system/edac/mc"

func newEdac(env *collect.Env) *edacCollector {
	m := env.Metrics
	corrected := m.Counter("node_edac_csrow_correctable_errors_total", "Memory errors of a row that were corrected; csrow is unknown where the hardware did not tell the place.", "controller", "csrow")
	uncorrected := m.Counter("node_edac_csrow_uncorrectable_errors_total", "Memory errors of a row that could not be corrected; csrow is unknown where the hardware did not tell the place.", "controller", "csrow")
	return &edacCollector{
		sys: env.Host.Sys.Reader(),
		controller: [2]edacFile{
			{"ce_count", m.Counter("node_edac_correctable_errors_total", "Memory errors of a controller that were corrected.", "controller")},
			{"ue_count", m.Counter("node_edac_uncorrectable_errors_total", "Memory errors of a controller that could not be corrected.", "controller")},
		},
		noInfo: [2]edacFile{{"ce_noinfo_count", corrected}, {"ue_noinfo_count", uncorrected}},
		row:    [2]edacFile{{"ce_count", corrected}, {"ue_count", uncorrected}},
		channel: [2]edacFile{
			{"_ce_count", m.Counter("node_edac_channel_correctable_errors_total", "Memory errors of a row's channel that were corrected.", "channel", "controller", "csrow", "dimm_label")},
			{"_ue_count", m.Counter("node_edac_channel_uncorrectable_errors_total", "Memory errors of a row's channel that could not be corrected.", "channel", "controller", "csrow", "dimm_label")},
		},
	}
}

func (c *edacCollector) Update(_ context.Context, out *metric.Sink) error {
	names, err := c.sys.Names(edacDir)
	if err != nil {
		return collect.OrNoData(err)
	}
	for _, name := range names {
		if number, ok := edacNumber(name, "mc"); ok {
			c.updateController(name, number, out)
		}
	}
	return nil
}

func (c *edacCollector) updateController(mc, controller string, out *metric.Sink) {
	for i := range c.controller {
		c.count(out, c.controller[i].family, mc, "", c.controller[i].name, controller)
		c.count(out, c.noInfo[i].family, mc, "", c.noInfo[i].name, controller, "unknown")
	}
	for _, csrow := range c.names(out, mc, "") {
		if row, ok := edacNumber(csrow, "csrow"); ok {
			c.updateRow(mc, csrow, controller, row, out)
		}
	}
}

func (c *edacCollector) updateRow(mc, csrow, controller, row string, out *metric.Sink) {
	for _, f := range c.row {
		c.count(out, f.family, mc, csrow, f.name, controller, row)
	}
	for _, name := range c.names(out, mc, csrow) {
		for _, f := range c.channel {
			ch, _ := strings.CutSuffix(name, f.name)
			if channel, ok := edacNumber(ch, "ch"); ok {
				dimm := c.sys.String(edacDir, mc, csrow, ch+"_dimm_label")
				c.count(out, f.family, mc, csrow, name, channel, controller, row, dimm)
			}
		}
	}
}

// names lists a controller, or a row of one.
func (c *edacCollector) names(out *metric.Sink, mc, csrow string) []string {
	names, err := c.sys.Names(edacDir, mc, csrow)
	if err != nil && !host.Gone(err) {
		out.Error(err)
	}
	return names
}

// count emits the number that a file holds.
func (c *edacCollector) count(out *metric.Sink, family *metric.Family, mc, csrow, file string, labels ...string) {
	v, err := c.sys.Uint(edacDir, mc, csrow, file)
	switch {
	case err == nil:
		out.Emit(family, float64(v), labels...)
	case !host.Gone(err): // gone: the driver was unloaded, or does not count this
		out.Error(err)
	}
}

// edacNumber returns the number in a name such as csrow17.
func edacNumber(name, prefix string) (string, bool) {
	number, ok := strings.CutPrefix(name, prefix)
	if ok {
		_, ok = scan.Uint([]byte(number))
	}
	return number, ok
}
