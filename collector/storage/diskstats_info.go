package storage

import "github.com/hostexporter/host_exporter/collector/internal/metric"

// diskInfo holds the families that tell the facts of a disk.
type diskInfo struct {
	info       *metric.Family
	fileSystem *metric.Family
	mapper     *metric.Family
	ata        [3]*metric.Family
}

func newDiskInfo(m *metric.Set) diskInfo {
	return diskInfo{
		info: m.Gauge("node_disk_info", "What the block device is: always 1. Where udev's database cannot be seen, only the numbers and whether it turns are known.",
			"device", "major", "minor", "model", "path", "revision", "rotational", "serial", "wwn"),
		fileSystem: m.Gauge("node_disk_filesystem_info", "What is stored directly on the block device, by its signature: always 1.",
			"device", "type", "usage", "uuid", "version"),
		mapper: m.Gauge("node_disk_device_mapper_info", "What the device mapper's device is: always 1.",
			"device", "lv_layer", "lv_name", "name", "uuid", "vg_name"),
		ata: [3]*metric.Family{
			m.Gauge("node_disk_ata_write_cache", "Whether the ATA disk has a write cache.", "device"),
			m.Gauge("node_disk_ata_write_cache_enabled", "Whether the ATA disk's write cache is in use.", "device"),
			m.Gauge("node_disk_ata_rotation_rate_rpm", "Turns a minute of the ATA disk; 0 when it does not turn.", "device"),
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
