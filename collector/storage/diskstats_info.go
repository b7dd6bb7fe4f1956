package storage

import "github.com/hostexporter/host_exporter/collector/internal/metric"

// diskInfo has the families of the facts of disks.
type diskInfo struct {
	info       *metric.Family
	fileSystem *metric.Family
	mapper     *metric.Family
	ata        [3]*metric.Family
}

func newDiskInfo(m *metric.Set) diskInfo {
	return diskInfo{
		info: m.Gauge("node_disk_info", "Device numbers and identity of the block device, most of it from udev; always 1.",
			"device", "major", "minor", "model", "path", "revision", "rotational", "serial", "wwn"),
		fileSystem: m.Gauge("node_disk_filesystem_info", "File system or other signature on the block device, from udev; always 1.",
			"device", "type", "usage", "uuid", "version"),
		mapper: m.Gauge("node_disk_device_mapper_info", "Name, UUID and volume of the device-mapper device, from udev; always 1.",
			"device", "lv_layer", "lv_name", "name", "uuid", "vg_name"),
		ata: [3]*metric.Family{
			m.Gauge("node_disk_ata_write_cache", "Whether the ATA disk has a write cache, from udev.", "device"),
			m.Gauge("node_disk_ata_write_cache_enabled", "Whether the write cache of the ATA disk is enabled, from udev.", "device"),
			m.Gauge("node_disk_ata_rotation_rate_rpm", "Rotation rate of the ATA disk per minute, or 0 if it does not rotate, from udev.", "device"),
		},
	}
}

func (i *diskInfo) emit(d *disk, out *metric.Sink) {
	f := &d.facts
	out.Emit(i.info, 1, d.name, f.major, f.minor, f.model, f.path, f.revision, f.rotational, f.serial, f.wwn)
	if fs := &f.fs; fs.typ != "" {
		out.Emit(i.fileSystem, 1, d.name, fs.typ, fs.usage, fs.uuid, fs.version)
	}
	if dm := &f.dm; dm.name != "" {
		out.Emit(i.mapper, 1, d.name, dm.layer, dm.lv, dm.name, dm.uuid, dm.vg)
	}
	for n, fact := range f.ata {
		if fact.ok {
			out.Emit(i.ata[n], fact.value, d.name)
		}
	}
}
