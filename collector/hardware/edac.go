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
	Help: "Corrected and uncorrected memory errors by controller, row and channel.",
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

// edacCollector reads the memory controllers of /sys/devices/system/edac/mc, a
// number in each file:
//
//	mc0/ce_count               corrected errors
//	mc0/ce_noinfo_count        those of unknown location
//	mc0/csrow1/ch0_ce_count    those of a row and channel
//	mc0/csrow1/ch0_dimm_label  the memory module there: CPU_SrcID#0_Ha#0_Chan#0_DIMM#0,
//	                           or mc#0csrow#1channel#0 from drivers that know no better
//
// Files with ue count uncorrected errors; only some drivers have them for
// channels. See https://docs.kernel.org/admin-guide/ras.html.
type edacCollector struct {
	sys *host.Reader

	controller, noInfo, row, channel [2]attribute // corrected and uncorrected errors
}

const edacDir = "devices/system/edac/mc"

func newEdac(env *collect.Env) *edacCollector {
	m := env.Metrics
	corrected := m.Counter("node_edac_csrow_correctable_errors_total", "Corrected memory errors of the row; csrow is unknown for errors without a location.", "controller", "csrow")
	uncorrected := m.Counter("node_edac_csrow_uncorrectable_errors_total", "Uncorrected memory errors of the row; csrow is unknown for errors without a location.", "controller", "csrow")
	return &edacCollector{
		sys: env.Host.Sys.Reader(),
		controller: [2]attribute{
			{"ce_count", m.Counter("node_edac_correctable_errors_total", "Corrected memory errors of the controller, from ce_count.", "controller")},
			{"ue_count", m.Counter("node_edac_uncorrectable_errors_total", "Uncorrected memory errors of the controller, from ue_count.", "controller")},
		},
		noInfo: [2]attribute{{"ce_noinfo_count", corrected}, {"ue_noinfo_count", uncorrected}},
		row:    [2]attribute{{"ce_count", corrected}, {"ue_count", uncorrected}},
		channel: [2]attribute{
			{"_ce_count", m.Counter("node_edac_channel_correctable_errors_total", "Corrected memory errors of the channel, from ch*_ce_count.", "channel", "controller", "csrow", "dimm_label")},
			{"_ue_count", m.Counter("node_edac_channel_uncorrectable_errors_total", "Uncorrected memory errors of the channel, from ch*_ue_count.", "channel", "controller", "csrow", "dimm_label")},
		},
	}
}

func (c *edacCollector) Update(_ context.Context, out *metric.Sink) error {
	names, err := c.sys.Names(edacDir)
	if err != nil {
		return collect.OrNoData(err)
	}
	for _, name := range names {
		if number, ok := scan.NumberAfter("mc", name); ok {
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
		if row, ok := scan.NumberAfter("csrow", csrow); ok {
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
			ch := strings.TrimSuffix(name, f.name)
			if channel, ok := scan.NumberAfter("ch", ch); ok {
				c.count(out, f.family, mc, csrow, name, channel, controller, row, c.dimmLabel(mc, csrow, ch, out))
			}
		}
	}
}

// dimmReplacer makes a label of a module's name: CPU_SrcID0_Ha0_Chan0_DIMM0, or
// mc0_csrow1_channel0.
var dimmReplacer = strings.NewReplacer("#", "", "csrow", "_csrow", "channel", "_channel")

// dimmLabel returns the label of the memory module of a channel. It is unknown
// if there is no file with its name, or it cannot be read.
func (c *edacCollector) dimmLabel(mc, csrow, ch string, out *metric.Sink) string {
	b, err := c.sys.Text(edacDir, mc, csrow, ch+"_dimm_label")
	if !host.ReportUnlessGone(err, out.Error) {
		return "unknown"
	}
	return dimmReplacer.Replace(string(b))
}

// names returns the names in the directory of a controller or row.
func (c *edacCollector) names(out *metric.Sink, mc, csrow string) []string {
	names, err := c.sys.Names(edacDir, mc, csrow)
	host.ReportUnlessGone(err, out.Error)
	return names
}

// count emits the number in a file, unless it is gone: the driver was unloaded,
// or does not count these errors.
func (c *edacCollector) count(out *metric.Sink, family *metric.Family, mc, csrow, file string, labels ...string) {
	v, err := c.sys.Counter(edacDir, mc, csrow, file)
	if host.ReportUnlessGone(err, out.Error) {
		out.Emit(family, float64(v), labels...)
	}
}
