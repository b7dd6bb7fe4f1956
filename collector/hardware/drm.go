package hardware

import (
	"context"
	"errors"

	"golang.org/x/sys/unix"

	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
	"github.com/hostexporter/host_exporter/collector/internal/scan"
)

var drm = collect.Spec{
	Name: "drm",
	Help: "Load and memory of AMD graphics cards (amdgpu).",
	Reads: []string{
		"/sys/class/drm/card[0-9]*/device/gpu_busy_percent",
		"/sys/class/drm/card[0-9]*/device/mem_info_gtt_total",
		"/sys/class/drm/card[0-9]*/device/mem_info_gtt_used",
		"/sys/class/drm/card[0-9]*/device/mem_info_vis_vram_total",
		"/sys/class/drm/card[0-9]*/device/mem_info_vis_vram_used",
		"/sys/class/drm/card[0-9]*/device/mem_info_vram_total",
		"/sys/class/drm/card[0-9]*/device/mem_info_vram_used",
		"/sys/class/drm/card[0-9]*/device/mem_info_vram_vendor",
		"/sys/class/drm/card[0-9]*/device/power/runtime_status",
		"/sys/class/drm/card[0-9]*/device/power_dpm_force_performance_level",
		"/sys/class/drm/card[0-9]*/device/uevent",
		"/sys/class/drm/card[0-9]*/device/unique_id",
	},
	DisabledByDefault: true,
	NoDataIsSuccess:   true,
	Build:             collect.Plain(newDrm),
}

// drmCollector reads /sys/class/drm/card*/device of the cards whose driver is
// amdgpu: numbers of bytes, a percentage and words, each in a file. Some files
// wake up a card that is suspended, and are not read then. See
// https://docs.kernel.org/gpu/amdgpu/driver-misc.html and
// https://docs.kernel.org/gpu/amdgpu/thermal.html.
type drmCollector struct {
	sys    *host.Reader
	dir    host.Listing
	cards  []*drmCard
	memory []attribute

	info *metric.Family
	busy *metric.Family
}

// A drmCard is a card of amdgpu, for as long as it stays.
type drmCard struct {
	host.DirEntry
	isAMD bool
	known bool   // whether isAMD is known
	level string // performance level when it last was awake
}

const (
	drmDir    = "class/drm"
	drmVendor = "amd"
)

func newDrm(env *collect.Env) *drmCollector {
	m := env.Metrics
	return &drmCollector{
		sys:  env.Host.Sys.Reader(),
		info: m.Gauge("node_drm_card_info", "Identity and performance level of the card, in the labels; always 1.", "card", "memory_vendor", "power_performance_level", "unique_id", "vendor"),
		busy: m.Gauge("node_drm_gpu_busy_percent", "Load of the GPU in percent, from gpu_busy_percent.", "card"),
		memory: []attribute{
			{"mem_info_gtt_total", m.Gauge("node_drm_memory_gtt_size_bytes", "System memory that the GPU can use, by its translation table (GTT), in bytes.", "card")},
			{"mem_info_gtt_used", m.Gauge("node_drm_memory_gtt_used_bytes", "System memory that the GPU uses in bytes.", "card")},
			{"mem_info_vis_vram_total", m.Gauge("node_drm_memory_vis_vram_size_bytes", "Video memory that the CPU can reach in bytes.", "card")},
			{"mem_info_vis_vram_used", m.Gauge("node_drm_memory_vis_vram_used_bytes", "Video memory that the CPU can reach and that is in use in bytes.", "card")},
			{"mem_info_vram_total", m.Gauge("node_drm_memory_vram_size_bytes", "Video memory in bytes.", "card")},
			{"mem_info_vram_used", m.Gauge("node_drm_memory_vram_used_bytes", "Video memory in use in bytes.", "card")},
		},
	}
}

func (c *drmCollector) Update(_ context.Context, out *metric.Sink) error {
	changed, err := c.sys.List(&c.dir, drmDir)
	if err != nil {
		return collect.OrNoData(err)
	}
	if changed {
		c.findCards()
	}
	hasCard := false
	for _, card := range c.cards {
		if c.isAMD(card, out) {
			hasCard = true
			c.emit(card, out)
		}
	}
	if errs, _ := out.Errors(); !hasCard && len(errs) == 0 {
		return collect.ErrNoData
	}
	return nil
}

// findCards keeps the cards that are still the same. Other names are connectors,
// such as card0-DP-1, and render nodes.
func (c *drmCollector) findCards() {
	known := map[host.DirEntry]*drmCard{}
	for _, card := range c.cards {
		known[card.DirEntry] = card
	}
	c.cards = c.cards[:0]
	for _, entry := range c.dir.Entries {
		if _, ok := scan.NumberAfter("card", entry.Name); !ok {
			continue
		}
		card := known[entry]
		if card == nil {
			card = &drmCard{DirEntry: entry}
		}
		c.cards = append(c.cards, card)
	}
}

// isAMD reports whether the driver of a card is amdgpu, which uevent says:
//
//	DRIVER=amdgpu
func (c *drmCollector) isAMD(card *drmCard, out *metric.Sink) bool {
	if card.known {
		return card.isAMD
	}
	b, err := c.sys.Read(drmDir, card.Name, "device/uevent")
	if !host.ReportUnlessGone(err, out.Error) {
		return false
	}
	hasVariable := false
	for rest := b; len(rest) > 0; {
		var line []byte
		line, rest = scan.Line(rest)
		name, value, ok := scan.Cut(line, '=')
		hasVariable = hasVariable || ok
		card.isAMD = card.isAMD || string(name) == "DRIVER" && string(value) == "amdgpu"
	}
	if !hasVariable && len(b) > 0 {
		out.Error(c.sys.At(host.Bad(1, "variables such as DRIVER", b)))
		return false
	}
	card.known = true
	return card.isAMD
}

func (c *drmCollector) emit(card *drmCard, out *metric.Sink) {
	if c.isAwake(card, out) {
		if b, ok := c.text(card, "power_dpm_force_performance_level", out); ok && string(b) != card.level {
			card.level = string(b)
		}
		busy, err := c.sys.Uint(drmDir, card.Name, "device/gpu_busy_percent")
		if reportUnlessGPUHasNone(err, out.Error) {
			out.Emit(c.busy, float64(busy), card.Name)
		}
	}
	for _, m := range c.memory {
		v, err := c.sys.Amount64(drmDir, card.Name, "device", m.name)
		if reportUnlessGPUHasNone(err, out.Error) {
			out.Emit(m.family, float64(v), card.Name)
		}
	}
	b, _ := c.text(card, "mem_info_vram_vendor", out)
	memoryVendor := string(b)
	b, _ = c.text(card, "unique_id", out)
	if id := string(b); c.sys.Exists(drmDir, card.Name, "device") { // it may be removed by now
		out.Emit(c.info, 1, card.Name, memoryVendor, card.level, id, drmVendor)
	}
}

// isAwake reports whether a card is not suspended.
func (c *drmCollector) isAwake(card *drmCard, out *metric.Sink) bool {
	b, ok := c.text(card, "power/runtime_status", out)
	switch string(b) {
	case "suspended", "suspending":
		return false
	case "active", "resuming", "unsupported", "error":
	default:
		if ok {
			out.Error(c.sys.At(host.Bad(1, "a runtime status, such as active", b)))
		}
	}
	return true
}

// text returns a word in a file, which not every card has.
func (c *drmCollector) text(card *drmCard, file string, out *metric.Sink) (b []byte, ok bool) {
	b, err := c.sys.Text(drmDir, card.Name, "device", file)
	return b, reportUnlessGPUHasNone(err, out.Error)
}

// reportUnlessGPUHasNone passes err to report, unless it means that the card has
// no value now or ever: it is also EPERM while the card is reset or suspended,
// and EBUSY while its firmware is busy. It reports whether err is nil.
func reportUnlessGPUHasNone(err error, report func(error)) (ok bool) {
	if errors.Is(err, unix.EPERM) || errors.Is(err, unix.EBUSY) {
		return false
	}
	return reportUnlessNoReading(err, report)
}
