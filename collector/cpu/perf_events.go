package cpu

import (
	"fmt"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
)

// A perfProfiler is an event that a flag can select by name.
type perfProfiler struct {
	name   string
	config uint64
	family string
	help   string
}

// perfHardwareProfilers are the events of type PERF_TYPE_HARDWARE.
var perfHardwareProfilers = []perfProfiler{
	{"CpuCycles", unix.PERF_COUNT_HW_CPU_CYCLES, "node_perf_cpucycles_total", "CPU cycles, at the frequency of the moment, from perf_event_open."},
	{"CpuInstr", unix.PERF_COUNT_HW_INSTRUCTIONS, "node_perf_instructions_total", "Retired instructions, from perf_event_open."},
	{"CacheRef", unix.PERF_COUNT_HW_CACHE_REFERENCES, "node_perf_cache_refs_total", "Accesses to the last level of the cache, from perf_event_open."},
	{"CacheMisses", unix.PERF_COUNT_HW_CACHE_MISSES, "node_perf_cache_misses_total", "Misses of the last level of the cache, from perf_event_open."},
	{"BranchInstr", unix.PERF_COUNT_HW_BRANCH_INSTRUCTIONS, "node_perf_branch_instructions_total", "Retired branch instructions, from perf_event_open."},
	{"BranchMisses", unix.PERF_COUNT_HW_BRANCH_MISSES, "node_perf_branch_misses_total", "Mispredicted branch instructions, from perf_event_open."},
	{"StalledCyclesBackend", unix.PERF_COUNT_HW_STALLED_CYCLES_BACKEND, "node_perf_stalled_cycles_backend_total", "Cycles in which execution waited for resources, from perf_event_open."},
	{"StalledCyclesFrontend", unix.PERF_COUNT_HW_STALLED_CYCLES_FRONTEND, "node_perf_stalled_cycles_frontend_total", "Cycles in which execution waited for instructions, from perf_event_open."},
	{"RefCpuCycles", unix.PERF_COUNT_HW_REF_CPU_CYCLES, "node_perf_ref_cpucycles_total", "CPU cycles at a constant reference frequency, from perf_event_open."},
}

// perfSoftwareProfilers are the events of type PERF_TYPE_SOFTWARE.
var perfSoftwareProfilers = []perfProfiler{
	{"PageFault", unix.PERF_COUNT_SW_PAGE_FAULTS, "node_perf_page_faults_total", "Page faults, from perf_event_open."},
	{"ContextSwitch", unix.PERF_COUNT_SW_CONTEXT_SWITCHES, "node_perf_context_switches_total", "Context switches, from perf_event_open."},
	{"CpuMigration", unix.PERF_COUNT_SW_CPU_MIGRATIONS, "node_perf_cpu_migrations_total", "Tasks that came from another CPU, from perf_event_open."},
	{"MinorFault", unix.PERF_COUNT_SW_PAGE_FAULTS_MIN, "node_perf_minor_faults_total", "Page faults without a read from disk, from perf_event_open."},
	{"MajorFault", unix.PERF_COUNT_SW_PAGE_FAULTS_MAJ, "node_perf_major_faults_total", "Page faults with a read from disk, from perf_event_open."},
}

// The config of an event of type PERF_TYPE_HW_CACHE is a cache, and one of
// these. An inherited name with Hit counts all accesses: hits and misses.
const (
	cacheRead      = unix.PERF_COUNT_HW_CACHE_OP_READ<<8 | unix.PERF_COUNT_HW_CACHE_RESULT_ACCESS<<16
	cacheReadMiss  = unix.PERF_COUNT_HW_CACHE_OP_READ<<8 | unix.PERF_COUNT_HW_CACHE_RESULT_MISS<<16
	cacheWrite     = unix.PERF_COUNT_HW_CACHE_OP_WRITE<<8 | unix.PERF_COUNT_HW_CACHE_RESULT_ACCESS<<16
	cacheWriteMiss = unix.PERF_COUNT_HW_CACHE_OP_WRITE<<8 | unix.PERF_COUNT_HW_CACHE_RESULT_MISS<<16
)

// perfCacheProfilers are the events of type PERF_TYPE_HW_CACHE.
var perfCacheProfilers = []perfProfiler{
	{"L1DataReadHit", unix.PERF_COUNT_HW_CACHE_L1D | cacheRead, "node_perf_cache_l1d_read_hits_total", "Reads of the L1 data cache, hits and misses, from perf_event_open."},
	{"L1DataReadMiss", unix.PERF_COUNT_HW_CACHE_L1D | cacheReadMiss, "node_perf_cache_l1d_read_misses_total", "Reads that missed the L1 data cache, from perf_event_open."},
	{"L1DataWriteHit", unix.PERF_COUNT_HW_CACHE_L1D | cacheWrite, "node_perf_cache_l1d_write_hits_total", "Writes to the L1 data cache, hits and misses, from perf_event_open."},
	{"L1InstrReadMiss", unix.PERF_COUNT_HW_CACHE_L1I | cacheReadMiss, "node_perf_cache_l1_instr_read_misses_total", "Reads that missed the L1 instruction cache, from perf_event_open."},
	{"LLReadHit", unix.PERF_COUNT_HW_CACHE_LL | cacheRead, "node_perf_cache_ll_read_hits_total", "Reads of the last level of the cache, hits and misses, from perf_event_open."},
	{"LLReadMiss", unix.PERF_COUNT_HW_CACHE_LL | cacheReadMiss, "node_perf_cache_ll_read_misses_total", "Reads that missed the last level of the cache, from perf_event_open."},
	{"LLWriteHit", unix.PERF_COUNT_HW_CACHE_LL | cacheWrite, "node_perf_cache_ll_write_hits_total", "Writes to the last level of the cache, hits and misses, from perf_event_open."},
	{"LLWriteMiss", unix.PERF_COUNT_HW_CACHE_LL | cacheWriteMiss, "node_perf_cache_ll_write_misses_total", "Writes that missed the last level of the cache, from perf_event_open."},
	{"InstrTLBReadHit", unix.PERF_COUNT_HW_CACHE_ITLB | cacheRead, "node_perf_cache_tlb_instr_read_hits_total", "Lookups in the instruction TLB, hits and misses, from perf_event_open."},
	{"InstrTLBReadMiss", unix.PERF_COUNT_HW_CACHE_ITLB | cacheReadMiss, "node_perf_cache_tlb_instr_read_misses_total", "Lookups that missed the instruction TLB, from perf_event_open."},
	{"BPUReadHit", unix.PERF_COUNT_HW_CACHE_BPU | cacheRead, "node_perf_cache_bpu_read_hits_total", "Lookups in the branch prediction unit, hits and misses, from perf_event_open."},
	{"BPUReadMiss", unix.PERF_COUNT_HW_CACHE_BPU | cacheReadMiss, "node_perf_cache_bpu_read_misses_total", "Lookups that missed the branch prediction unit, from perf_event_open."},
	{"DataTLBReadHit", unix.PERF_COUNT_HW_CACHE_DTLB | cacheRead, "node_perf_cache_tlb_data_read_hits_total", "Lookups for reads in the data TLB, hits and misses, from perf_event_open."},
	{"DataTLBReadMiss", unix.PERF_COUNT_HW_CACHE_DTLB | cacheReadMiss, "node_perf_cache_tlb_data_read_misses_total", "Lookups for reads that missed the data TLB, from perf_event_open."},
	{"DataTLBWriteHit", unix.PERF_COUNT_HW_CACHE_DTLB | cacheWrite, "node_perf_cache_tlb_data_write_hits_total", "Lookups for writes in the data TLB, hits and misses, from perf_event_open."},
	{"DataTLBWriteMiss", unix.PERF_COUNT_HW_CACHE_DTLB | cacheWriteMiss, "node_perf_cache_tlb_data_write_misses_total", "Lookups for writes that missed the data TLB, from perf_event_open."},
}

// perfOptions are the options of the perf collector.
type perfOptions struct {
	cpus                            collect.String
	tracepoints                     collect.Strings
	noHardware, noSoftware, noCache collect.Bool
	hardware, software, cache       collect.Strings
}

// Fields returns the options of the collector.
func (o *perfOptions) Fields() []collect.Field {
	return []collect.Field{
		{Name: "cpus", Help: "CPUs to count on, such as 0-3,8 or 0-10:5 (every fifth); empty: all online CPUs.", Value: &o.cpus, Placeholder: "CPUS"},
		{Name: "tracepoint", Help: "Tracepoint to count, as SUBSYSTEM:EVENT; repeatable.", Value: &o.tracepoints, Placeholder: "SUBSYSTEM:EVENT"},
		{Name: "disable-hardware-profilers", Help: "Do not count hardware events.", Value: &o.noHardware},
		{Name: "hardware-profilers", Help: "Hardware events to count; repeatable. Default: all.", Value: &o.hardware, Placeholder: "NAME"},
		{Name: "disable-software-profilers", Help: "Do not count software events.", Value: &o.noSoftware},
		{Name: "software-profilers", Help: "Software events to count; repeatable. Default: all.", Value: &o.software, Placeholder: "NAME"},
		{Name: "disable-cache-profilers", Help: "Do not count cache events.", Value: &o.noCache},
		{Name: "cache-profilers", Help: "Cache events to count; repeatable. Default: all.", Value: &o.cache, Placeholder: "NAME"},
	}
}

// A perfEvent is an event to count on each CPU.
type perfEvent struct {
	name       string // as in a flag
	family     *metric.Family
	event      host.PerfEvent
	tracepoint *tracepoint // nil: none
}

// A tracepoint is a tracepoint of the kernel. The config of its event is a
// number that the kernel assigns at boot, or when a module is loaded.
type tracepoint struct {
	subsystem, name string
	hasID           bool // whether the number is known
}

// newPerfEvents returns the selected events, and declares their families. If
// there are too many for the descriptors, the last ones are left out.
func newPerfEvents(m *metric.Set, o perfOptions) ([]perfEvent, error) {
	var events []perfEvent
	for _, spec := range o.tracepoints.All() {
		subsystem, name, ok := strings.Cut(spec, ":")
		if !ok || !isTracepointName(subsystem) || !isTracepointName(name) {
			return nil, fmt.Errorf("tracepoint: want SUBSYSTEM:EVENT, have %q", spec)
		}
		if slices.ContainsFunc(events, func(e perfEvent) bool { return e.name == spec }) {
			continue
		}
		family := "node_perf_" + strings.ReplaceAll(subsystem+"_"+name, "-", "_")
		if m.Has(family) {
			return nil, fmt.Errorf("tracepoint: %s has the family of another one, %s", spec, family)
		}
		events = append(events, perfEvent{
			name:       spec,
			family:     m.Counter(family, "Hits of the tracepoint "+spec+", from perf_event_open.", "cpu"),
			event:      host.PerfEvent{Type: unix.PERF_TYPE_TRACEPOINT},
			tracepoint: &tracepoint{subsystem: subsystem, name: name},
		})
	}
	for _, group := range []struct {
		flag     string
		disabled collect.Bool
		names    collect.Strings
		typ      uint32
		all      []perfProfiler
	}{
		{"hardware-profilers", o.noHardware, o.hardware, unix.PERF_TYPE_HARDWARE, perfHardwareProfilers},
		{"software-profilers", o.noSoftware, o.software, unix.PERF_TYPE_SOFTWARE, perfSoftwareProfilers},
		{"cache-profilers", o.noCache, o.cache, unix.PERF_TYPE_HW_CACHE, perfCacheProfilers},
	} {
		selected, err := selectProfilers(group.all, group.names.All())
		if err != nil {
			return nil, fmt.Errorf("%s: %w", group.flag, err)
		}
		if group.disabled {
			continue
		}
		for _, p := range selected {
			if m.Has(p.family) {
				return nil, fmt.Errorf("tracepoint: another event has the family %s", p.family)
			}
			events = append(events, perfEvent{
				name:   p.name,
				family: m.Counter(p.family, p.help, "cpu"),
				event:  host.PerfEvent{Type: group.typ, Config: p.config},
			})
		}
	}
	return events, nil
}

// isTracepointName reports whether s can be a name below
// /sys/kernel/tracing/events: in the kernel, an identifier.
func isTracepointName(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(c rune) bool {
		return (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') && c != '_' && c != '-'
	})
}

// selectProfilers returns the profilers with the given names, in the order of
// all, or all without names. A value may have several names with commas.
func selectProfilers(all []perfProfiler, values []string) ([]perfProfiler, error) {
	names := strings.Split(strings.Join(values, ","), ",")
	names = slices.DeleteFunc(names, func(name string) bool { return name == "" })
	if len(names) == 0 {
		return all, nil
	}
	for _, name := range names {
		if !slices.ContainsFunc(all, func(p perfProfiler) bool { return p.name == name }) {
			var known []string
			for _, p := range all {
				known = append(known, p.name)
			}
			return nil, fmt.Errorf("want one of %s, have %q", strings.Join(known, ", "), name)
		}
	}
	return slices.DeleteFunc(slices.Clone(all), func(p perfProfiler) bool { return !slices.Contains(names, p.name) }), nil
}
