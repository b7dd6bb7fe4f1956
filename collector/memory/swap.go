package memory

import (
	"bytes"
	"context"

	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
	"github.com/hostexporter/host_exporter/collector/internal/scan"
)

var swap = collect.Spec{
	Name:              "swap",
	Help:              "Size, use and priority of each swap area.",
	Reads:             []string{"/proc/swaps"},
	DisabledByDefault: true,
	Build:             collect.Plain(newSwap),
}

// swapCollector reads /proc/swaps, a heading and a line for each swap area, with
// sizes in KiB:
//
//	Filename				Type		Size		Used		Priority
//	/dev/zram0                              partition	65532		0		5
//
// Blanks and backslashes of a name are octal escapes. LXCFS, which prints the swap
// of a container, subtracts two sizes of different times: a use below zero is an
// unsigned number. See proc_swaps(5).
type swapCollector struct {
	proc     *host.Reader
	size     *metric.Family
	used     *metric.Family
	priority *metric.Family

	names []swapName // by line, to decode a name once
}

// A swapName is a name as it stands in the file, and as a label.
type swapName struct {
	escaped []byte
	label   string
}

func newSwap(env *collect.Env) *swapCollector {
	m := env.Metrics
	return &swapCollector{
		proc:     env.Host.Proc.Reader(),
		size:     m.Gauge("node_swap_size_bytes", "Size of the swap area, from /proc/swaps.", "device", "swap_type"),
		used:     m.Gauge("node_swap_used_bytes", "Used part of the swap area, from /proc/swaps.", "device", "swap_type"),
		priority: m.Gauge("node_swap_priority", "Priority of the swap area, higher first, from /proc/swaps.", "device", "swap_type"),
	}
}

func (c *swapCollector) Update(_ context.Context, out *metric.Sink) error {
	b, err := c.proc.Read("swaps")
	if err != nil {
		return collect.OrNoData(err)
	}
	line, b := scan.Line(b)
	if !bytes.HasPrefix(line, []byte("Filename")) {
		return c.proc.At(host.Bad(1, "a heading that starts with Filename", line))
	}
	for n := 2; len(b) > 0; n++ {
		line, b = scan.Line(b)
		area, ok := parseSwapLine(line)
		if !ok {
			out.Error(c.proc.At(host.Bad(n, "a name, a type, two sizes and a priority", line)))
			continue
		}
		name, typ := c.label(n-2, area.name), string(area.typ)
		out.Emit(c.size, float64(area.size)*1024, name, typ)
		out.Emit(c.used, float64(area.used)*1024, name, typ)
		out.Emit(c.priority, float64(area.priority), name, typ)
	}
	return nil
}

// label returns the name of the area in a line as a label.
func (c *swapCollector) label(line int, escaped []byte) string {
	for line >= len(c.names) {
		c.names = append(c.names, swapName{})
	}
	n := &c.names[line]
	if !bytes.Equal(n.escaped, escaped) {
		n.escaped = append(n.escaped[:0], escaped...)
		_, n.label = scan.UnescapeOctal(escaped)
	}
	return n.label
}

// A swapArea is a line of /proc/swaps.
type swapArea struct {
	name, typ  []byte
	size, used uint64 // KiB
	priority   int64
}

func parseSwapLine(line []byte) (a swapArea, ok bool) {
	var f [5][]byte
	if scan.Fields(f[:], line) != len(f) {
		return a, false
	}
	a.name, a.typ = f[0], f[1]
	var sizeOK, usedOK, priorityOK bool
	a.size, sizeOK = parseSwapSize(f[2])
	a.used, usedOK = parseSwapSize(f[3])
	a.priority, priorityOK = scan.Int(f[4])
	return a, sizeOK && usedOK && priorityOK
}

// parseSwapSize parses a size in KiB, which is 0 if it is below zero.
func parseSwapSize(b []byte) (uint64, bool) {
	v, ok := scan.Amount64(b)
	if v > maxMeminfoSize {
		v = 0
	}
	return v, ok
}
