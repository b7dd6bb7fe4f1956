package kernel

import (
	"bytes"

	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
	"github.com/hostexporter/host_exporter/collector/internal/scan"
)

// maxCgroupFiles is more than the number of files of a group that are read.
const maxCgroupFiles = 16

// newCgroupFiles declares the families of a group, and returns the files that
// they are read from.
func newCgroupFiles(m *metric.Set, devices *cgroupDevices) []cgroupFile {
	gauge := func(name, help string) cgroupValue {
		return cgroupValue{family: m.Gauge("node_cgroup_"+name, help, "cgroup"), divisor: 1}
	}
	counter := func(name, help string) cgroupValue {
		return cgroupValue{family: m.Counter("node_cgroup_"+name, help, "cgroup"), divisor: 1}
	}
	seconds := func(name, help string) cgroupValue {
		return cgroupValue{family: m.Counter("node_cgroup_"+name, help, "cgroup"), divisor: 1e6}
	}
	event := func(name string) cgroupValue {
		return cgroupValue{
			family:  m.Counter("node_cgroup_memory_events_total", "Memory events of the group: limits that it met, shortages and kills, from memory.events.", "cgroup", "event"),
			divisor: 1, label: name,
		}
	}
	pressure := func(resource, what string) cgroupFile {
		name := resource + ".pressure"
		return cgroupPressure{
			some: m.Counter("node_cgroup_pressure_"+resource+"_waiting_seconds_total", "Time in which at least one task of the group waited for "+what+", from "+name+".", "cgroup"),
			full: m.Counter("node_cgroup_pressure_"+resource+"_stalled_seconds_total", "Time in which all non-idle tasks of the group waited for "+what+", from "+name+".", "cgroup"),
		}.file(name)
	}
	return []cgroupFile{
		cgroupValues{
			"usage_usec":     seconds("cpu_usage_seconds_total", "CPU time of the group, from cpu.stat."),
			"user_usec":      seconds("cpu_user_seconds_total", "CPU time of the group in user space, from cpu.stat."),
			"system_usec":    seconds("cpu_system_seconds_total", "CPU time of the group in the kernel, from cpu.stat."),
			"nr_periods":     counter("cpu_periods_total", "Periods of the CPU limit in which the group ran, from cpu.stat."),
			"nr_throttled":   counter("cpu_throttled_periods_total", "Periods in which the group was throttled at its CPU limit, from cpu.stat."),
			"throttled_usec": seconds("cpu_throttled_seconds_total", "Time for which the group was throttled at its CPU limit, from cpu.stat."),
		}.file("cpu.stat"),
		pressure("cpu", "a CPU"),
		gauge("memory_current_bytes", "Memory that the group uses, from memory.current.").file("memory.current"),
		gauge("memory_max_bytes", "Memory limit of the group, from memory.max; absent when none.").file("memory.max"),
		gauge("memory_peak_bytes", "Largest memory use of the group since it exists, from memory.peak.").file("memory.peak"),
		gauge("memory_swap_current_bytes", "Swap space that the group uses, from memory.swap.current.").file("memory.swap.current"),
		cgroupValues{
			"anon":                    gauge("memory_anon_bytes", "Anonymous memory of the group, from memory.stat."),
			"file":                    gauge("memory_file_bytes", "Page cache of the group with shared memory, from memory.stat."),
			"shmem":                   gauge("memory_shmem_bytes", "Shared memory and tmpfs of the group, from memory.stat."),
			"file_mapped":             gauge("memory_file_mapped_bytes", "Page cache that the group has mapped, from memory.stat."),
			"file_dirty":              gauge("memory_file_dirty_bytes", "Page cache that waits for being written, from memory.stat."),
			"file_writeback":          gauge("memory_file_writeback_bytes", "Page cache that is being written, from memory.stat."),
			"inactive_file":           gauge("memory_inactive_file_bytes", "Page cache that is reclaimed first, from memory.stat."),
			"kernel":                  gauge("memory_kernel_bytes", "Memory of the kernel for the group, from memory.stat."),
			"kernel_stack":            gauge("memory_kernel_stack_bytes", "Kernel stacks of the group, from memory.stat."),
			"pagetables":              gauge("memory_pagetables_bytes", "Page tables of the group, from memory.stat."),
			"slab":                    gauge("memory_slab_bytes", "Slab memory of the kernel for the group, from memory.stat."),
			"slab_reclaimable":        gauge("memory_slab_reclaimable_bytes", "Slab memory that can be reclaimed, such as dentries, from memory.stat."),
			"sock":                    gauge("memory_sock_bytes", "Buffers of sockets of the group, from memory.stat."),
			"pgfault":                 counter("memory_pgfault_total", "Page faults of the group, from memory.stat."),
			"pgmajfault":              counter("memory_pgmajfault_total", "Page faults of the group with a read from disk, from memory.stat."),
			"pgscan":                  counter("memory_pgscan_total", "Pages that were scanned to reclaim memory, from memory.stat."),
			"pgsteal":                 counter("memory_pgsteal_total", "Pages that were reclaimed, from memory.stat."),
			"workingset_refault_anon": counter("memory_workingset_refault_anon_total", "Anonymous pages that were needed soon after their eviction, from memory.stat."),
			"workingset_refault_file": counter("memory_workingset_refault_file_total", "Pages of files that were needed soon after their eviction, from memory.stat."),
		}.file("memory.stat"),
		cgroupValues{
			"high":           event("high"),
			"max":            event("max"),
			"oom":            event("oom"),
			"oom_kill":       event("oom_kill"),
			"oom_group_kill": event("oom_group_kill"),
		}.file("memory.events"),
		pressure("memory", "memory"),
		newCgroupIO(m, devices).file(),
		pressure("io", "I/O"),
		gauge("pids_current", "Tasks of the group, from pids.current.").file("pids.current"),
		gauge("pids_max", "Limit of tasks of the group, from pids.max; absent when none.").file("pids.max"),
	}
}

// A cgroupValue is where the number of a file or a key goes.
type cgroupValue struct {
	family  *metric.Family
	divisor float64
	label   string // second label; empty: there is none
}

func (v cgroupValue) emit(out *metric.Sink, group string, number uint64) {
	if v.label == "" {
		out.Emit(v.family, float64(number)/v.divisor, group)
	} else {
		out.Emit(v.family, float64(number)/v.divisor, group, v.label)
	}
}

// file returns a file with one number, or the word max, which is no limit.
func (v cgroupValue) file(name string) cgroupFile {
	return cgroupFile{name, func(out *metric.Sink, group string, b []byte) error {
		text := scan.Trim(b)
		if string(text) == "max" {
			return nil
		}
		n, ok := scan.Amount64(text)
		if !ok {
			return host.Bad(1, "a number or max", b)
		}
		v.emit(out, group, n)
		return nil
	}}
}

// cgroupValues are the values of a file with a key and a number in each line, by
// key. Keys that are not there are not exported.
type cgroupValues map[string]cgroupValue

func (k cgroupValues) file(name string) cgroupFile {
	return cgroupFile{name, func(out *metric.Sink, group string, b []byte) (err error) {
		input, hasKnown := b, false
		for n := 1; len(b) > 0; n++ {
			var line []byte
			line, b = scan.Line(b)
			key, text := scan.Field(line)
			v, ok := k[string(key)]
			if !ok {
				continue
			}
			hasKnown = true
			if number, ok := scan.Uint(scan.Trim(text)); ok {
				v.emit(out, group, number)
			} else if err == nil {
				err = host.Bad(n, "a key and a number", line)
			}
		}
		if !hasKnown {
			return host.Bad(1, "lines of a key and a number", input)
		}
		return err
	}}
}

// cgroupPressure has the families of a pressure file, whose format is that of
// /proc/pressure.
type cgroupPressure struct{ some, full *metric.Family }

func (p cgroupPressure) file(name string) cgroupFile {
	return cgroupFile{name, func(out *metric.Sink, group string, b []byte) error {
		s, err := parsePressure(b)
		if s.some.known {
			out.Emit(p.some, s.some.seconds(), group)
		}
		if s.full.known {
			out.Emit(p.full, s.full.seconds(), group)
		}
		return err
	}}
}

// cgroupIO has the families of io.stat, a line for each device:
//
//	8:16 rbytes=1459200 wbytes=314773504 rios=192 wios=353 dbytes=0 dios=0
//
// Controllers may add more pairs. Linux 5.13 to 5.19 do not end the line of a
// device without I/O, so that several devices stand before the numbers of the
// last one. A device that was removed is (unknown).
type cgroupIO struct {
	devices                                *cgroupDevices
	readBytes, writtenBytes, reads, writes *metric.Family
}

func newCgroupIO(m *metric.Set, devices *cgroupDevices) *cgroupIO {
	counter := func(name, help string) *metric.Family {
		return m.Counter("node_cgroup_io_"+name, help, "cgroup", "device")
	}
	return &cgroupIO{
		devices:      devices,
		readBytes:    counter("read_bytes_total", "Bytes that the group read from the device, from io.stat."),
		writtenBytes: counter("written_bytes_total", "Bytes that the group wrote to the device, from io.stat."),
		reads:        counter("reads_total", "Reads of the group from the device, from io.stat."),
		writes:       counter("writes_total", "Writes of the group to the device, from io.stat."),
	}
}

func (c *cgroupIO) file() cgroupFile {
	return cgroupFile{"io.stat", func(out *metric.Sink, group string, b []byte) (err error) {
		for n := 1; len(b) > 0; n++ {
			var line []byte
			line, b = scan.Line(b)
			if !c.emitLine(out, group, line) && err == nil {
				err = host.Bad(n, "a device and numbers such as 8:0 rbytes=1", line)
			}
		}
		return err
	}}
}

// emitLine emits the samples of a line, and reports whether it is well-formed.
func (c *cgroupIO) emitLine(out *metric.Sink, group string, line []byte) (ok bool) {
	var device []byte
	ok = true
	for field, rest := scan.Field(line); len(field) > 0; field, rest = scan.Field(rest) {
		key, value, isPair := scan.Cut(field, '=')
		if !isPair {
			device = field
			if !isDeviceNumber(device) {
				return string(device) == "(unknown)"
			}
			continue
		}
		f := c.family(key)
		if f == nil {
			continue
		}
		v, isNumber := scan.Uint(value)
		if !isNumber || device == nil {
			ok = false
			continue
		}
		out.Emit(f, float64(v), group, c.devices.name(device))
	}
	return ok
}

func (c *cgroupIO) family(key []byte) *metric.Family {
	switch string(key) {
	case "rbytes":
		return c.readBytes
	case "wbytes":
		return c.writtenBytes
	case "rios":
		return c.reads
	case "wios":
		return c.writes
	}
	return nil
}

// isDeviceNumber reports whether b is a major and a minor number, such as 8:16.
func isDeviceNumber(b []byte) bool {
	major, minor, _ := bytes.Cut(b, []byte(":"))
	_, ok1 := scan.Uint(major)
	_, ok2 := scan.Uint(minor)
	return ok1 && ok2
}
