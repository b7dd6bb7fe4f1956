package storage

import (
	"context"
	"strings"

	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
)

var ext4 = collect.Spec{
	Name: "ext4",
	Help: "Errors, warnings and written bytes of each mounted ext4 file system.",
	Reads: []string{
		"/sys/fs/ext4/*/errors_count",
		"/sys/fs/ext4/*/first_error_time",
		"/sys/fs/ext4/*/last_error_time",
		"/sys/fs/ext4/*/lifetime_write_kbytes",
		"/sys/fs/ext4/*/msg_count",
		"/sys/fs/ext4/*/warning_count",
	},
	DisabledByDefault: true,
	Native:            true,
	Build:             collect.Plain(newExt4),
}

// ext4Collector reads /sys/fs/ext4, a directory for each mounted file system
// (ext2 and ext3 included, where the ext4 driver mounts them) with a number in
// each file. Errors and their times are those of the superblock: they outlive
// the mount, until e2fsck clears them. See
// https://www.kernel.org/doc/Documentation/ABI/testing/sysfs-fs-ext4.
type ext4Collector struct {
	sys      *host.Reader
	dir      host.Listing
	counters []ext4File
	times    []ext4File
	labels   map[string]string // devices, by directory, where both differ
}

// An ext4File is a file with the family of its value.
type ext4File struct {
	name   string
	unit   float64
	family *metric.Family
}

const (
	ext4Dir      = "fs/ext4"
	ext4Features = "features" // the directory that is not a file system
)

func newExt4(env *collect.Env) *ext4Collector {
	m := env.Metrics
	return &ext4Collector{
		sys: env.Host.Sys.Reader(),
		counters: []ext4File{
			{"errors_count", 1, m.Counter("node_ext4_errors_total", "Errors of the file system since e2fsck last cleared them, from errors_count.", "device")},
			{"warning_count", 1, m.Counter("node_ext4_warnings_total", "Warnings that the kernel logged since the mount, from warning_count.", "device")},
			{"msg_count", 1, m.Counter("node_ext4_messages_total", "Messages that the kernel logged since the mount, from msg_count.", "device")},
			{"lifetime_write_kbytes", 1024, m.Counter("node_ext4_lifetime_written_bytes_total", "Bytes written since the file system was made, from lifetime_write_kbytes.", "device")},
		},
		times: []ext4File{
			{"first_error_time", 1, m.Gauge("node_ext4_first_error_timestamp_seconds", "Time of the first error as Unix time, absent without errors.", "device")},
			{"last_error_time", 1, m.Gauge("node_ext4_last_error_timestamp_seconds", "Time of the last error as Unix time, absent without errors.", "device")},
		},
		labels: map[string]string{},
	}
}

func (c *ext4Collector) Update(_ context.Context, out *metric.Sink) error {
	if _, err := c.sys.List(&c.dir, ext4Dir); err != nil {
		return collect.OrNoData(err)
	}
	for _, fs := range c.dir.Entries {
		if fs.Name != ext4Features {
			c.emit(fs.Name, out)
		}
	}
	return nil
}

func (c *ext4Collector) emit(dir string, out *metric.Sink) {
	device := c.label(dir)
	for _, f := range c.counters {
		v, err := c.sys.Counter(ext4Dir, dir, f.name)
		if host.ReportUnlessGone(err, out.Error) {
			out.Emit(f.family, float64(v)*f.unit, device)
		}
	}
	for _, f := range c.times {
		v, err := c.sys.Uint(ext4Dir, dir, f.name)
		if host.ReportUnlessGone(err, out.Error) && v > 0 {
			out.Emit(f.family, float64(v), device)
		}
	}
}

// label returns the name of a device as in /proc/diskstats. Sysfs has an
// exclamation mark in place of a slash, as in cciss!c0d0p1.
func (c *ext4Collector) label(dir string) string {
	if !strings.Contains(dir, "!") {
		return dir
	}
	device, ok := c.labels[dir]
	if !ok {
		device = strings.ReplaceAll(dir, "!", "/")
		c.labels[dir] = device
	}
	return device
}
