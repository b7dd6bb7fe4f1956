package cpu

import (
	"strconv"

	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
)

// cpuStates reads what state the CPUs are in from /sys/devices/system/cpu:
// which of them are online and isolated, from lists such as 0-3,8, and how
// often the cores and packages of Intel ones got too hot, from thermal_throttle.
//
// Which of those counters there are, and of which core and package, depends on
// nothing but which CPUs there are. It is found out when the lists change, so
// that a host without thermal_throttle costs three small files a scrape.
//
// See https://docs.kernel.org/admin-guide/cputopology.html and
// https://docs.kernel.org/admin-guide/abi-testing.html#abi-sys-devices-system-cpu.
type cpuStates struct {
	sys       *host.Reader
	online    *metric.Family
	isolated  *metric.Family
	throttles [2]throttleFile

	onlineList   cpuListFile
	isolatedList cpuListFile

	folders  cpuFolders
	known    bool // whether the counters are those of these folders
	counters []throttleCounter
}

// A throttleFile pairs a file of thermal_throttle with its family. The kernel
// counts for every CPU; of those that share a core or a package, the first
// speaks for all.
type throttleFile struct {
	name    string
	perCore bool
	family  *metric.Family
}

// A throttleCounter is such a file of one CPU.
type throttleCounter struct {
	*throttleFile
	dir       string // cpu17
	core, pkg string
}

func newCPUStates(env *collect.Env) *cpuStates {
	m := env.Metrics
	return &cpuStates{
		sys:      env.Host.Sys.Reader(),
		online:   m.Gauge("node_cpu_online", "Whether the CPU is online.", "cpu"),
		isolated: m.Gauge("node_cpu_isolated", "1 for each CPU that is kept free of ordinary tasks.", "cpu"),
		throttles: [2]throttleFile{
			{"core_throttle_count", true, m.Counter("node_cpu_core_throttles_total", "Times that the core was slowed down because it was too hot.", "core", "package")},
			{"package_throttle_count", false, m.Counter("node_cpu_package_throttles_total", "Times that the package was slowed down because it was too hot.", "package")},
		},
		onlineList:   cpuListFile{name: "online"},
		folders:      cpuFolders{present: cpuListFile{name: "present"}},
		isolatedList: cpuListFile{name: "isolated"},
	}
}

func (s *cpuStates) update(out *metric.Sink) {
	changed := s.onlineList.read(s.sys, out)
	listed, err := s.folders.read(s.sys, out)
	if err != nil {
		skip(out, err)
	}
	if changed || listed || !s.known {
		s.known = s.look(out)
	}
	if s.onlineList.ok {
		for _, cpu := range s.folders.all {
			out.Bool(s.online, s.onlineList.list.has(cpu.id), cpu.number)
		}
	}
	s.isolatedList.read(s.sys, out)
	for _, r := range s.isolatedList.list {
		for cpu := r.first; cpu <= r.last; cpu++ {
			var digits [20]byte
			out.Emit(s.isolated, 1, string(strconv.AppendUint(digits[:0], cpu, 10)))
		}
	}
	for _, c := range s.counters {
		v, err := s.sys.Uint(cpuDir, c.dir, "thermal_throttle", c.name)
		switch {
		case err != nil:
			skip(out, err)
		case c.perCore:
			out.Emit(c.family, float64(v), c.core, c.pkg)
		default:
			out.Emit(c.family, float64(v), c.pkg)
		}
	}
}

// look finds out which counters there are. It reports whether everything could
// be read, so that it need not be read again.
func (s *cpuStates) look(out *metric.Sink) (complete bool) {
	s.counters = s.counters[:0]
	complete = true
	taken := map[throttleCounter]bool{} // but for dir
	for _, cpu := range s.folders.all {
		if !s.sys.Exists(cpuDir, cpu.dir, "thermal_throttle") {
			continue
		}
		core, pkg, err := s.place(cpu.dir)
		if err != nil {
			skip(out, err)
			complete = false
			continue
		}
		for i := range s.throttles {
			c := throttleCounter{throttleFile: &s.throttles[i], pkg: pkg}
			if c.perCore {
				c.core = core
			}
			if !taken[c] && s.sys.Exists(cpuDir, cpu.dir, "thermal_throttle", c.name) {
				taken[c] = true
				c.dir = cpu.dir
				s.counters = append(s.counters, c)
			}
		}
	}
	return complete
}

// place returns which core of which package a CPU is.
func (s *cpuStates) place(dir string) (core, pkg string, err error) {
	p, err := s.sys.Uint(cpuDir, dir, "topology", "physical_package_id")
	if err != nil {
		return "", "", err
	}
	c, err := s.sys.Uint(cpuDir, dir, "topology", "core_id")
	return strconv.FormatUint(c, 10), strconv.FormatUint(p, 10), err
}
