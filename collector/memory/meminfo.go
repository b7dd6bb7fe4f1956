package memory

import (
	"bytes"
	"context"

	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
	"github.com/hostexporter/host_exporter/collector/internal/scan"
)

var meminfo = collect.Spec{
	Name:  "meminfo",
	Help:  "Memory by use, one family for each line of /proc/meminfo.",
	Reads: []string{"/proc/meminfo"},
	Build: collect.Plain(newMeminfo),
}

// meminfoCollector reads /proc/meminfo, whose lines are sizes and a few counts
// of huge pages:
//
//	MemTotal:       16318504 kB
//	Active(anon):    2068016 kB
//	HugePages_Total:       0
//
// Kernels and vendors add lines; the collector exports all of them. Linux before
// 2.6, and vendors that keep its format, print a table of the same sizes above the
// lines, which it skips:
//
//	        total:    used:    free:  shared: buffers:  cached:
//	Mem:  260579328 136073216 124506112        0  4915200 94064640
//
// A size may have fallen below zero, which the kernel prints as an unsigned number.
//
// See https://docs.kernel.org/filesystems/proc.html#meminfo.
type meminfoCollector struct {
	proc   *host.Reader
	sizes  *metric.Keyed
	counts *metric.Keyed
}

func newMeminfo(env *collect.Env) *meminfoCollector {
	m := env.Metrics
	return &meminfoCollector{
		proc: env.Host.Proc.Reader().KeepOpen().WholeReads(),
		sizes: m.Keyed(func(key string) *metric.Family {
			return m.Gauge("node_memory_"+meminfoName(key)+"_bytes", "Field "+key+" of /proc/meminfo, in bytes.")
		}),
		counts: m.Keyed(func(key string) *metric.Family {
			return m.Gauge("node_memory_"+meminfoName(key), "Field "+key+" of /proc/meminfo, a count.")
		}),
	}
}

func (c *meminfoCollector) Update(_ context.Context, out *metric.Sink) error {
	b, err := c.proc.Read("meminfo")
	if err != nil {
		return collect.OrNoData(err)
	}
	if len(scan.Trim(b)) == 0 {
		return c.proc.At(host.Bad(1, "lines such as \"MemFree: 1 kB\"", b))
	}
	var line []byte
	inTable, has32Bits := false, false
	for n := 1; len(b) > 0; n++ {
		line, b = scan.Line(b)
		inTable = inTable && isMeminfoRow(line) || n == 1 && isMeminfoHeading(line)
		if inTable {
			continue
		}
		key, value, size, ok := parseMeminfoLine(line)
		if string(key) == "LowTotal" { // only a kernel of 32 bits distinguishes high and low memory
			has32Bits = true
		}
		if has32Bits {
			value = scan.ClampAmount32(value)
		}
		switch {
		case !ok:
			out.Error(c.proc.At(host.Bad(n, "a name, a number, and kB or no unit", line)))
		case size:
			out.Emit(c.sizes.Family(key), float64(value)*1024)
		default:
			out.Emit(c.counts.Family(key), float64(value))
		}
	}
	return nil
}

// isMeminfoHeading reports whether a line is the heading of the table of sizes.
func isMeminfoHeading(line []byte) bool {
	columns := 0
	for field, rest := scan.Field(line); len(field) > 0; field, rest = scan.Field(rest) {
		if field[len(field)-1] != ':' {
			return false
		}
		columns++
	}
	return columns > 1
}

// isMeminfoRow reports whether a line is one of the table of sizes: Mem or Swap,
// and its sizes in bytes.
func isMeminfoRow(line []byte) bool {
	key, sizes := scan.Field(line)
	if string(key) != "Mem:" && string(key) != "Swap:" {
		return false
	}
	for field, rest := scan.Field(sizes); len(field) > 0; field, rest = scan.Field(rest) {
		if _, ok := scan.Uint(field); !ok {
			return false
		}
	}
	return true
}

// maxMeminfoSize is the largest size in kB of which the bytes fit a signed number.
// Kernels and LXCFS subtract pages and bytes, and convert the result to kB, so that
// a larger one is below zero.
const maxMeminfoSize = 1<<53 - 1

// parseMeminfoLine parses a line. The unit of a size is kB, which is 1024 bytes
// in this file. The value of an amount below zero is 0.
func parseMeminfoLine(line []byte) (key []byte, value uint64, size, ok bool) {
	i := bytes.IndexByte(line, ':')
	if i <= 0 {
		return nil, 0, false, false
	}
	number, rest := scan.Field(line[i+1:])
	value, ok = scan.Amount64(number)
	unit, rest := scan.Field(rest)
	size = string(unit) == "kB"
	if !size && len(unit) > 0 || len(scan.Trim(rest)) > 0 {
		ok = false
	}
	if size && value > maxMeminfoSize {
		value = 0
	}
	return line[:i], value, size, ok
}

// meminfoName returns Active_anon for Active(anon).
func meminfoName(key string) string {
	b := make([]byte, 0, len(key))
	for i := range len(key) {
		switch key[i] {
		case '(':
			b = append(b, '_')
		case ')':
		default:
			b = append(b, key[i])
		}
	}
	return string(b)
}
