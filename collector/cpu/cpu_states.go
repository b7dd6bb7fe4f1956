package cpu

import (
	"context"
	"strconv"

	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
)

// cpuStates reads the states of the CPUs from /sys/devices/system/cpu: which of
// them are online and isolated, from lists such as 0-3,8, and how often the
// cores and packages of Intel CPUs were throttled, from thermal_throttle. It
// looks for the counters only when the lists change, so that a host without
// them costs three small files a scrape.
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

	devices       cpuDevices
	countersValid bool // whether the counters are those of the devices
	counters      []throttleCounter
}

// A throttleFile pairs a file of thermal_throttle with its family. Every CPU has
// the file; of those that share a core or a package, the first one is read.
type throttleFile struct {
	name    string
	perCore bool
	family  *metric.Family
}

// A throttleCounter is a throttleFile of one CPU.
type throttleCounter struct {
	*throttleFile
	dir       string // cpu17
	core, pkg string
}

func newCPUStates(env *collect.Env) *cpuStates {
	m := env.Metrics
	return &cpuStates{
		sys:      env.Host.Sys.Reader().Share(cpuPaths()...),
		online:   m.Gauge("node_cpu_online", "Whether the CPU is online, from /sys/devices/system/cpu/online.", "cpu"),
		isolated: m.Gauge("node_cpu_isolated", "CPU isolated from the scheduler, from /sys/devices/system/cpu/isolated; always 1.", "cpu"),
		throttles: [2]throttleFile{
			{"core_throttle_count", true, m.Counter("node_cpu_core_throttles_total", "Times that the core was throttled because of its temperature, from core_throttle_count.", "core", "package")},
			{"package_throttle_count", false, m.Counter("node_cpu_package_throttles_total", "Times that the package was throttled because of its temperature, from package_throttle_count.", "package")},
		},
		onlineList:   cpuListFile{name: "online"},
		devices:      cpuDevices{present: cpuListFile{name: "present"}},
		isolatedList: cpuListFile{name: "isolated"},
	}
}

func (s *cpuStates) update(ctx context.Context, out *metric.Sink) {
	s.sys.BeginRun(ctx)
	changed := s.onlineList.read(s.sys, out)
	listed, err := s.devices.refresh(s.sys, out)
	host.ReportUnlessGone(err, out.Error)
	if changed || listed || !s.countersValid {
		s.countersValid = s.findCounters(out)
	}
	if s.onlineList.valid {
		for _, cpu := range s.devices.list {
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
		case !host.ReportUnlessGone(err, out.Error):
		case c.perCore:
			out.Emit(c.family, float64(v), c.core, c.pkg)
		default:
			out.Emit(c.family, float64(v), c.pkg)
		}
	}
}

// findCounters sets the counters. It reports whether it could read the topology
// of all CPUs.
func (s *cpuStates) findCounters(out *metric.Sink) (ok bool) {
	s.counters = s.counters[:0]
	ok = true
	seen := map[throttleCounter]bool{} // without dir
	for _, cpu := range s.devices.list {
		if !s.sys.Exists(cpuDir, cpu.dir, "thermal_throttle") {
			continue
		}
		core, pkg, known, err := s.topology(cpu.dir)
		if !host.ReportUnlessGone(err, out.Error) {
			ok = false
			continue
		}
		if !known {
			continue
		}
		for i := range s.throttles {
			c := throttleCounter{throttleFile: &s.throttles[i], pkg: pkg}
			if c.perCore {
				c.core = core
			}
			if !seen[c] && s.sys.Exists(cpuDir, cpu.dir, "thermal_throttle", c.name) {
				seen[c] = true
				c.dir = cpu.dir
				s.counters = append(s.counters, c)
			}
		}
	}
	return ok
}

// topology returns the core and package of a CPU, and whether the kernel knows
// them: an unknown one is -1.
func (s *cpuStates) topology(dir string) (core, pkg string, known bool, err error) {
	p, err := s.sys.Int(cpuDir, dir, "topology", "physical_package_id")
	if err != nil {
		return "", "", false, err
	}
	c, err := s.sys.Int(cpuDir, dir, "topology", "core_id")
	return strconv.FormatInt(c, 10), strconv.FormatInt(p, 10), p >= 0 && c >= 0, err
}
