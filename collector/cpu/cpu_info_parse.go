package cpu

import (
	"bytes"
	"fmt"

	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/scan"
)

// A cpuinfoTable is /proc/cpuinfo, a block of lines for each CPU:
//
//	processor	: 0
//	vendor_id	: GenuineIntel
//	cpu family	: 6
//
// Each architecture has its own keys. Lines above the first block (s390, MIPS,
// and ARM before Linux 3.8) and below the last one (ARM again) hold for all
// CPUs. See show_cpuinfo and c_show in the kernel's arch directories.
type cpuinfoTable struct {
	cpus []cpuinfoCPU
}

// A cpuinfoCPU is one CPU. Its fields point into the text of the file.
type cpuinfoCPU struct {
	number []byte
	line   int // at which its block starts
	values [cpuinfoValues][]byte
}

// A cpuinfoValue is the index of a value of a CPU.
type cpuinfoValue int

const (
	cpuinfoCacheSize cpuinfoValue = iota
	cpuinfoCore
	cpuinfoFamily
	cpuinfoMicrocode
	cpuinfoModel
	cpuinfoModelName
	cpuinfoPackage
	cpuinfoStepping
	cpuinfoVendor
	cpuinfoFlags // the labels of node_cpu_info end here
	cpuinfoBugs
	cpuinfoMHz
	cpuinfoVariant  // of ARM: part of the stepping
	cpuinfoRevision // of ARM: part of the stepping
	cpuinfoValues
)

// A cpuinfoKey pairs a key of an architecture with the index of its value.
type cpuinfoKey struct {
	key   string
	value cpuinfoValue
}

func cpuinfoKeys(arch string) []cpuinfoKey {
	switch arch {
	case "arm", "arm64":
		return []cpuinfoKey{
			{"model name", cpuinfoModelName},
			{"Processor", cpuinfoModelName}, // before Linux 3.8
			{"Features", cpuinfoFlags},
			{"CPU implementer", cpuinfoVendor},
			{"CPU architecture", cpuinfoFamily},
			{"CPU variant", cpuinfoVariant},
			{"CPU part", cpuinfoModel},
			{"CPU revision", cpuinfoRevision},
		}
	case "ppc64", "ppc64le":
		return []cpuinfoKey{
			{"cpu", cpuinfoVendor},
			{"clock", cpuinfoMHz},
		}
	case "s390x":
		return []cpuinfoKey{
			{"vendor_id", cpuinfoVendor},
			{"features", cpuinfoFlags},
			{"physical id", cpuinfoPackage},
			{"core id", cpuinfoCore},
			{"cpu MHz dynamic", cpuinfoMHz},
		}
	case "riscv64":
		return []cpuinfoKey{
			{"hart", cpuinfoCore},
			{"isa", cpuinfoModelName},
		}
	case "loong64":
		return []cpuinfoKey{
			{"system type", cpuinfoVendor},
			{"CPU Family", cpuinfoFamily},
			{"Model Name", cpuinfoModelName},
			{"package", cpuinfoPackage},
			{"core", cpuinfoCore},
			{"CPU MHz", cpuinfoMHz},
		}
	case "mips", "mipsle", "mips64", "mips64le":
		return []cpuinfoKey{
			{"system type", cpuinfoVendor},
			{"cpu model", cpuinfoModelName},
			{"package", cpuinfoPackage},
			{"core", cpuinfoCore},
		}
	}
	return []cpuinfoKey{
		{"vendor_id", cpuinfoVendor},
		{"cpu family", cpuinfoFamily},
		{"model", cpuinfoModel},
		{"model name", cpuinfoModelName},
		{"stepping", cpuinfoStepping},
		{"microcode", cpuinfoMicrocode},
		{"cpu MHz", cpuinfoMHz},
		{"cache size", cpuinfoCacheSize},
		{"physical id", cpuinfoPackage},
		{"core id", cpuinfoCore},
		{"flags", cpuinfoFlags},
		{"bugs", cpuinfoBugs},
	}
}

// parse parses the file. The table points into b. With the error of a CPU without
// a number the table has the other CPUs.
func (t *cpuinfoTable) parse(b []byte, keys []cpuinfoKey) (err error) {
	t.cpus = t.cpus[:0]
	shared := cpuinfoCPU{number: []byte("0"), line: 1} // from the lines above the first block
	current := &shared
	known := false // whether any key was known
	var line []byte
	for n, rest := 1, b; len(rest) > 0; n++ {
		line, rest = scan.Line(rest)
		key, value, ok := cpuinfoLine(line)
		switch {
		case !ok:
		case string(key) == "processor" || bytes.HasPrefix(key, []byte("processor ")): // s390 prints processor 0: version = FF
			number := value
			if len(key) > len("processor") {
				number = key[len("processor "):]
			}
			if _, ok := scan.Uint(scan.Trim(number)); !ok {
				err = host.Bad(n, "the number of a processor", line)
				current = &cpuinfoCPU{}
				continue
			}
			cpu := shared
			cpu.number, cpu.line = scan.Trim(number), n
			t.cpus = append(t.cpus, cpu)
			current = &t.cpus[len(t.cpus)-1]
		case string(key) == "cpu number": // s390 prints a second block for each CPU
			current = t.find(scan.Trim(value))
			if current == nil {
				current = &cpuinfoCPU{} // went online meanwhile
			}
		default:
			for _, k := range keys {
				if k.key == string(key) {
					known = true
					current.values[k.value] = value
				}
			}
		}
	}
	switch {
	case len(t.cpus) > 0:
	case err != nil:
		return err
	case !known:
		return host.Bad(1, "the number of a processor", b)
	default:
		t.cpus = append(t.cpus, shared) // one CPU without a number
	}
	t.fillIn()
	return err
}

// cpuinfoLine splits a line. The value keeps its blanks, except the one after
// the colon.
func cpuinfoLine(line []byte) (key, value []byte, ok bool) {
	key, value, ok = bytes.Cut(line, []byte(":"))
	return scan.Trim(key), bytes.TrimPrefix(value, []byte(" ")), ok
}

func (t *cpuinfoTable) find(number []byte) *cpuinfoCPU {
	for i := range t.cpus {
		if bytes.Equal(t.cpus[i].number, number) {
			return &t.cpus[i]
		}
	}
	return nil
}

// fillIn copies the values below the last CPU to all CPUs if the first one lacks
// them, and sets the stepping of ARM.
func (t *cpuinfoTable) fillIn() {
	first, last := t.cpus[0], &t.cpus[len(t.cpus)-1]
	for _, v := range [...]cpuinfoValue{cpuinfoVendor, cpuinfoFamily, cpuinfoModel, cpuinfoVariant, cpuinfoRevision, cpuinfoFlags} {
		for i := range t.cpus {
			if cpu := &t.cpus[i]; first.values[v] == nil && cpu.values[v] == nil {
				cpu.values[v] = last.values[v]
			}
		}
	}
	for i := range t.cpus {
		cpu := &t.cpus[i]
		if variant, revision := cpu.values[cpuinfoVariant], cpu.values[cpuinfoRevision]; variant != nil || revision != nil {
			cpu.values[cpuinfoStepping] = armStepping(variant, revision)
		}
	}
}

// armStepping returns r2p10 for variant 0x2 and revision 10, as ARM writes it.
func armStepping(variant, revision []byte) []byte {
	var b []byte
	if v, ok := scan.Hex(scan.Trim(variant)); ok {
		b = fmt.Appendf(b, "r%d", v)
	}
	if r, ok := scan.Uint(scan.Trim(revision)); ok {
		b = fmt.Appendf(b, "p%d", r)
	}
	return b
}
