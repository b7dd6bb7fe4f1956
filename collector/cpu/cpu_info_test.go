package cpu

import (
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/hostexporter/host_exporter/collector/internal/test/golden"
)

// TestCPUInfoMatchesProcfsOnX86 compares the CPUs of recorded hosts with procfs,
// which parses the format of the architecture that it is built for only.
func TestCPUInfoMatchesProcfsOnX86(t *testing.T) {
	for _, name := range []string{"cpu.offline.host", "cpu.host"} {
		text := golden.Content(t, filepath.Join(testdata, name), "proc/cpuinfo")
		want, err := golden.Procfs(t, "cpuinfo", text).CPUInfo()
		if err != nil || len(want) == 0 || want[0].VendorID == "" {
			t.Skipf("procfs does not parse the format on this architecture: %v", err)
		}
		var table cpuinfoTable
		if err := table.parse([]byte(text), cpuinfoKeys("amd64")); err != nil {
			t.Fatal(err)
		}
		if len(table.cpus) != len(want) {
			t.Fatalf("%s: %d CPUs, procfs has %d", name, len(table.cpus), len(want))
		}
		for i, w := range want {
			have := table.cpus[i]
			for v, text := range map[cpuinfoValue]string{
				cpuinfoCacheSize: w.CacheSize, cpuinfoCore: w.CoreID, cpuinfoFamily: w.CPUFamily,
				cpuinfoMicrocode: w.Microcode, cpuinfoModel: w.Model, cpuinfoModelName: w.ModelName,
				cpuinfoPackage: w.PhysicalID, cpuinfoStepping: w.Stepping, cpuinfoVendor: w.VendorID,
			} {
				if got := string(have.values[v]); got != text {
					t.Errorf("%s: value %d of CPU %d is %q, procfs has %q", name, v, i, got, text)
				}
			}
			if string(have.number) != strconv.Itoa(int(w.Processor)) {
				t.Errorf("%s: CPU %d is %q, procfs has %d", name, i, have.number, w.Processor)
			}
			for v, words := range map[cpuinfoValue][]string{cpuinfoFlags: w.Flags, cpuinfoBugs: w.Bugs} {
				if got := strings.Fields(string(have.values[v])); !slices.Equal(got, words) {
					t.Errorf("%s: words %d of CPU %d are %q, procfs has %q", name, v, i, got, words)
				}
			}
		}
	}
}

func TestParseCPUInfo(t *testing.T) {
	var table cpuinfoTable
	parse := func(arch, text string) []cpuinfoCPU {
		t.Helper()
		if err := table.parse([]byte(text), cpuinfoKeys(arch)); err != nil {
			t.Fatal(err)
		}
		return table.cpus
	}
	if cpus := parse("amd64", "processor\t: 0\nbugs\t\t:\nmodel name\t:   Wide  Name \n"); string(cpus[0].values[cpuinfoModelName]) != "  Wide  Name " {
		t.Errorf("a name without its blanks: %q", cpus[0].values[cpuinfoModelName])
	}
	if cpus := parse("arm", "Processor\t: ARM926EJ-S rev 5 (v5l)\nBogoMIPS\t: 1187.84\n"); len(cpus) != 1 || string(cpus[0].number) != "0" {
		t.Errorf("one CPU without a number: %v", cpus)
	}
	if cpus := parse("s390x", "vendor_id : IBM/S390\nprocessor 0: version = FF\ncpu number : 7\ncore id : 1\n"); len(cpus) != 1 || cpus[0].values[cpuinfoCore] != nil {
		t.Errorf("a block of a CPU without a line at the top: %v", cpus)
	}
	if err := table.parse([]byte("processor : 0\nprocessor : x\nstepping : 1\nprocessor : 2\n"), cpuinfoKeys("amd64")); err == nil || len(table.cpus) != 2 || table.cpus[0].values[cpuinfoStepping] != nil {
		t.Errorf("a CPU without a number: %v, %v", table.cpus, err)
	}
	for _, text := range []string{"", "\n\n", "garbage", "processor : x\n", "processor x: version = FF\n", "cpu number : 1\n"} {
		if err := table.parse([]byte(text), cpuinfoKeys("amd64")); err == nil {
			t.Errorf("%q is parsed as %d CPUs", text, len(table.cpus))
		}
	}
}

func TestARMStepping(t *testing.T) {
	for _, c := range []struct{ variant, revision, want string }{
		{"0x2", "10", "r2p10"},
		{"0xf", "0", "r15p0"},
		{"", "1", "p1"},
		{"0x1", "", "r1"},
		{"x", "y", ""},
	} {
		if got := string(armStepping([]byte(c.variant), []byte(c.revision))); got != c.want {
			t.Errorf("variant %q, revision %q: %q, want %q", c.variant, c.revision, got, c.want)
		}
	}
}

func FuzzCPUInfo(f *testing.F) {
	for _, name := range []string{"cpu.host", "cpu.arm64.host", "cpu.armv7.host", "cpu.ppc64le.host", "cpu.s390x.host", "cpu.riscv64.host"} {
		f.Add(golden.Content(f, filepath.Join(testdata, name), "proc/cpuinfo"))
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, arch := range []string{"amd64", "arm64", "ppc64le", "s390x", "riscv64", "loong64", "mips64le"} {
			var table cpuinfoTable
			if err := table.parse([]byte(text), cpuinfoKeys(arch)); err == nil && len(table.cpus) == 0 {
				t.Errorf("%s: neither CPUs nor an error", arch)
			}
		}
	})
}
