package storage

import (
	"context"

	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/dm"
	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
)

var dmmultipath = collect.Spec{
	Name: "dmmultipath",
	Help: "Device-mapper multipath maps and the states of their paths.",
	Reads: []string{
		"/sys/block/dm-*/dm/uuid",
		"/sys/block/dm-*/dm/name",
		"/sys/block/dm-*/dm/suspended",
		"/sys/block/dm-*/size",
		"/sys/block/dm-*/slaves/*",
		"/sys/block/*/device/state",
	},
	Build: collect.Plain(newDmmultipath),
}

// dmmultipathCollector reads the maps whose dm/uuid starts with mpath-, and the
// state of each device below them.
//
// See https://docs.kernel.org/admin-guide/abi-testing.html (sysfs-block-dm).
type dmmultipathCollector struct {
	sys *host.Reader

	info      *metric.Family
	active    *metric.Family
	size      *metric.Family
	paths     *metric.Family
	usable    *metric.Family
	failed    *metric.Family
	pathState *metric.Family
}

func newDmmultipath(env *collect.Env) *dmmultipathCollector {
	m := env.Metrics
	return &dmmultipathCollector{
		sys:       env.Host.Sys.Reader().Share(dm.SharedPaths()...),
		info:      m.Gauge("node_dmmultipath_device_info", "Kernel device and UUID of the multipath map; always 1.", "device", "sysfs_name", "uuid"),
		active:    m.Gauge("node_dmmultipath_device_active", "Whether the multipath map accepts I/O (1) or is suspended (0).", "device", "sysfs_name"),
		size:      m.Gauge("node_dmmultipath_device_size_bytes", "Size of the multipath map in bytes.", "device", "sysfs_name"),
		paths:     m.Gauge("node_dmmultipath_device_paths", "Paths of the multipath map in any state.", "device", "sysfs_name"),
		usable:    m.Gauge("node_dmmultipath_device_paths_active", "Paths of the multipath map whose device is running (SCSI) or live (NVMe).", "device", "sysfs_name"),
		failed:    m.Gauge("node_dmmultipath_device_paths_failed", "Paths of the multipath map whose device is in any other state.", "device", "sysfs_name"),
		pathState: m.Gauge("node_dmmultipath_path_state", "State of the device of the path, in the words of the kernel; always 1.", "device", "path", "state"),
	}
}

func (c *dmmultipathCollector) Update(ctx context.Context, out *metric.Sink) error {
	c.sys.BeginRun(ctx)
	maps, err := dm.Maps(c.sys, out.Error)
	if err != nil {
		return collect.OrNoData(err)
	}
	for i := range maps {
		c.emit(&maps[i], out)
	}
	return nil
}

func (c *dmmultipathCollector) emit(m *dm.Map, out *metric.Sink) {
	out.Emit(c.info, 1, m.Name, m.SysfsName, m.UUID)
	if m.SuspendedKnown {
		out.Bool(c.active, !m.Suspended, m.Name, m.SysfsName)
	}
	if m.SectorsKnown {
		out.Emit(c.size, float64(m.Sectors)*sectorSize, m.Name, m.SysfsName)
	}
	if !m.PathsKnown {
		return
	}
	usable, failed := 0, 0
	for _, p := range m.Paths {
		switch {
		case p.State == "": // an unknown state is neither usable nor failed
			continue
		case p.Usable():
			usable++
		default:
			failed++
		}
		out.Emit(c.pathState, 1, m.Name, p.Device, p.State)
	}
	out.Emit(c.paths, float64(len(m.Paths)), m.Name, m.SysfsName)
	out.Emit(c.usable, float64(usable), m.Name, m.SysfsName)
	out.Emit(c.failed, float64(failed), m.Name, m.SysfsName)
}
