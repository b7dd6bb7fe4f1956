package cpu

import (
	"bytes"
	"math"

	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
	"github.com/hostexporter/host_exporter/collector/internal/scan"
)

// cpuInfo reads the models of the CPUs from /proc/cpuinfo.
type cpuInfo struct {
	proc         *host.Reader
	keys         []cpuinfoKey
	includeFlags collect.Regexp
	includeBugs  collect.Regexp

	info      *metric.Family
	frequency *metric.Family
	flag      *metric.Family
	bug       *metric.Family

	table  cpuinfoTable
	labels [cpuinfoValues]string // of the previous CPU: most have the same
}

func newCPUInfo(env *collect.Env, o cpuOptions) *cpuInfo {
	m := env.Metrics
	return &cpuInfo{
		proc:         env.Host.Proc.Reader(),
		keys:         cpuinfoKeys(env.Host.Arch),
		includeFlags: o.IncludeFlags,
		includeBugs:  o.IncludeBugs,
		info: m.Gauge("node_cpu_info", "CPU model in the words of /proc/cpuinfo; always 1.",
			"cachesize", "core", "cpu", "family", "microcode", "model", "model_name", "package", "stepping", "vendor"),
		frequency: m.Gauge("node_cpu_frequency_hertz", "Current frequency of the CPU, from /proc/cpuinfo.", "core", "cpu", "package"),
		flag:      m.Gauge("node_cpu_flag_info", "Feature flag of the first CPU, from /proc/cpuinfo; always 1.", "flag"),
		bug:       m.Gauge("node_cpu_bug_info", "Known bug of the first CPU, from /proc/cpuinfo; always 1.", "bug"),
	}
}

func (c *cpuInfo) update(out *metric.Sink) {
	b, err := c.proc.Read("cpuinfo")
	if err != nil {
		out.Error(err)
		return
	}
	if err := c.table.parse(b, c.keys); err != nil {
		out.Error(c.proc.At(err))
	}
	if len(c.table.cpus) == 0 {
		return
	}
	for i := range c.table.cpus {
		if err := c.emit(&c.table.cpus[i], out); err != nil {
			out.Error(c.proc.At(err))
		}
	}
	first := &c.table.cpus[0]
	emitWords(out, c.flag, &c.includeFlags, first.values[cpuinfoFlags])
	emitWords(out, c.bug, &c.includeBugs, first.values[cpuinfoBugs])
}

func (c *cpuInfo) emit(cpu *cpuinfoCPU, out *metric.Sink) error {
	l := &c.labels
	for i := range cpuinfoFlags {
		if v := cpu.values[i]; string(v) != l[i] {
			l[i] = string(v)
		}
	}
	number := string(cpu.number)
	out.Emit(c.info, 1, l[cpuinfoCacheSize], l[cpuinfoCore], number, l[cpuinfoFamily], l[cpuinfoMicrocode],
		l[cpuinfoModel], l[cpuinfoModelName], l[cpuinfoPackage], l[cpuinfoStepping], l[cpuinfoVendor])

	text := cpu.values[cpuinfoMHz]
	if len(text) == 0 || bytes.EqualFold(scan.Trim(text), []byte("unknown")) {
		return nil // arm64 and riscv have none; x86 may not know that of an idle CPU
	}
	mHz, ok := scan.Float(leadingNumber(text))
	if !ok {
		return host.Bad(cpu.line, "a frequency in MHz", text)
	}
	// The kernel prints MHz with three decimals, which a float has not exactly.
	out.Emit(c.frequency, math.Round(mHz*1e6), l[cpuinfoCore], number, l[cpuinfoPackage])
	return nil
}

// emitWords emits a sample for each word that include matches, and none if it is
// not set.
func emitWords(out *metric.Sink, f *metric.Family, include *collect.Regexp, text []byte) {
	if !include.IsSet() {
		return
	}
	for word, rest := scan.Field(text); len(word) > 0; word, rest = scan.Field(rest) {
		if w := string(word); include.Match(w) {
			out.Emit(f, 1, w)
		}
	}
}

// leadingNumber cuts the unit off a number such as 3425.000000MHz.
func leadingNumber(b []byte) []byte {
	for i, c := range b {
		if c != '.' && (c < '0' || c > '9') {
			return b[:i]
		}
	}
	return b
}
