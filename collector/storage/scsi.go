package storage

import (
	"context"
	"errors"
	"io/fs"

	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
	"github.com/hostexporter/host_exporter/collector/internal/scsicount"
)

var scsi = collect.Spec{
	Name: "scsi",
	Help: "Commands to each SCSI disk (SAS, SATA and USB included), their errors and timeouts.",
	Reads: []string{
		"/sys/block/sd*/device/iocounterbits",
		"/sys/block/sd*/device/iodone_cnt",
		"/sys/block/sd*/device/ioerr_cnt",
		"/sys/block/sd*/device/iorequest_cnt",
		"/sys/block/sd*/device/iotmo_cnt",
	},
	DisabledByDefault: true,
	Native:            true,
	Build:             collect.Plain(newScsi),
}

// scsiCollector reads the counters of each SCSI disk, hexadecimal numbers in
// /sys/block/sd*/device, such as 0x2ca. Errors include those of commands that
// the disk does not support, which the kernel tries when it finds the disk.
// Package scsicount has the rules.
type scsiCollector struct {
	sys    *host.Reader
	dir    host.Listing
	disks  []*scsiDisk
	counts [4]scsiCount
}

// A scsiCount is a file with the family of its value.
type scsiCount struct {
	file     string
	isSteady bool // whether steps back are possible
	family   *metric.Family
}

// A scsiDisk is a disk, for as long as it stays.
type scsiDisk struct {
	host.DirEntry
	mask   uint64 // of counters; 0 until it is read
	steady [4]scsicount.Steady
	absent [4]bool // files that the kernel does not have
}

const scsiDir = "block"

func newScsi(env *collect.Env) *scsiCollector {
	counter := func(name, help string) *metric.Family {
		return env.Metrics.Counter("node_scsi_disk_io_"+name+"_total", help, "device")
	}
	return &scsiCollector{
		sys: env.Host.Sys.Reader().Share(scsiDir),
		counts: [4]scsiCount{
			{"iorequest_cnt", true, counter("requests", "Commands sent to the disk, from iorequest_cnt.")},
			{"iodone_cnt", true, counter("completed", "Commands to the disk that completed, with or without an error, from iodone_cnt.")},
			{"ioerr_cnt", false, counter("errors", "Commands to the disk that ended with an error, from ioerr_cnt.")},
			{"iotmo_cnt", false, counter("timeouts", "Commands to the disk that timed out, from iotmo_cnt.")},
		},
	}
}

func (c *scsiCollector) Update(ctx context.Context, out *metric.Sink) error {
	c.sys.BeginRun(ctx)
	changed, err := c.sys.List(&c.dir, scsiDir)
	if err != nil {
		return collect.OrNoData(err)
	}
	if changed {
		c.findDisks()
	}
	if len(c.disks) == 0 {
		return collect.ErrNoData
	}
	for _, disk := range c.disks {
		c.emit(disk, out)
	}
	return nil
}

// findDisks keeps the disks that are still the same.
func (c *scsiCollector) findDisks() {
	known := map[host.DirEntry]*scsiDisk{}
	for _, disk := range c.disks {
		known[disk.DirEntry] = disk
	}
	c.disks = c.disks[:0]
	for _, entry := range c.dir.Entries {
		if !isScsiDisk(entry.Name) {
			continue
		}
		disk := known[entry]
		if disk == nil {
			disk = &scsiDisk{DirEntry: entry}
		}
		c.disks = append(c.disks, disk)
	}
}

// isScsiDisk reports whether a block device is sd and letters.
func isScsiDisk(name string) bool {
	if len(name) < 3 || name[:2] != "sd" {
		return false
	}
	for _, b := range []byte(name[2:]) {
		if b < 'a' || b > 'z' {
			return false
		}
	}
	return true
}

func (c *scsiCollector) emit(disk *scsiDisk, out *metric.Sink) {
	if !c.readMask(disk, out) {
		return
	}
	for i, count := range c.counts {
		if disk.absent[i] {
			continue
		}
		v, err := c.sys.Hex(scsiDir, disk.Name, "device", count.file)
		if !host.ReportUnlessGone(err, out.Error) {
			disk.absent[i] = errors.Is(err, fs.ErrNotExist)
			continue
		}
		now := scsicount.Counter{Value: v & disk.mask, Known: true}
		if count.isSteady {
			now = disk.steady[i].Next(now, disk.mask)
		}
		out.Emit(count.family, float64(now.Value), disk.Name)
	}
}

// readMask reads the width of the counters, once. Without it they cannot be
// read.
func (c *scsiCollector) readMask(disk *scsiDisk, out *metric.Sink) bool {
	if disk.mask != 0 {
		return true
	}
	b, err := c.sys.Text(scsiDir, disk.Name, "device", "iocounterbits")
	switch mask, ok := scsicount.ParseMask(b); {
	case errors.Is(err, fs.ErrNotExist):
		disk.mask = scsicount.DefaultMask
	case err != nil:
		return host.ReportUnlessGone(err, out.Error)
	case !ok:
		out.Error(c.sys.At(host.Bad(1, "a number of bits", b)))
		return false
	default:
		disk.mask = mask
	}
	return true
}
