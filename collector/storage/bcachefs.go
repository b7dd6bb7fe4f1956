package storage

import (
	"context"
	"strings"

	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
)

var bcachefs = collect.Spec{
	Name: "bcachefs",
	Help: "Mounted bcachefs file systems: their event counters, compression and errors, and the I/O of their devices.",
	Reads: []string{
		"/sys/fs/bcachefs/*/btree_cache_size",
		"/sys/fs/bcachefs/*/compression_stats",
		"/sys/fs/bcachefs/*/errors",
		"/sys/fs/bcachefs/*/counters/*",
		"/sys/fs/bcachefs/*/btree_write_stats",
		"/sys/fs/bcachefs/*/dev-*/label",
		"/sys/fs/bcachefs/*/dev-*/state",
		"/sys/fs/bcachefs/*/dev-*/bucket_size",
		"/sys/fs/bcachefs/*/dev-*/nbuckets",
		"/sys/fs/bcachefs/*/dev-*/durability",
		"/sys/fs/bcachefs/*/dev-*/io_done",
		"/sys/fs/bcachefs/*/dev-*/io_errors",
	},
	Build: collect.Plain(newBcachefs),
}

// bcachefsCollector reads /sys/fs/bcachefs/UUID. Numbers are written for
// people, such as 1.5G, and there is a file for each event that is counted:
//
//	since mount:                  12345
//	since filesystem creation:    67890
//
// See https://docs.kernel.org/filesystems/bcachefs/, and
// https://bcachefs.org/bcachefs-principles-of-operation.pdf for the files.
type bcachefsCollector struct {
	sys             *host.Reader
	counterFamilies *metric.Keyed               // by name of the file
	counters        map[string]bcachefsCounters // by UUID

	info, cacheSize                             *metric.Family
	compressed, uncompressed                    *metric.Family
	errors                                      *metric.Family
	writes, writeSize                           *metric.Family
	deviceInfo, bucketSize, buckets, durability *metric.Family
	deviceIO, deviceErrors                      *metric.Family
}

const bcachefsDir = "fs/bcachefs"

func newBcachefs(env *collect.Env) *bcachefsCollector {
	m := env.Metrics
	gauge := func(name, help string, labels ...string) *metric.Family {
		return m.Gauge("node_bcachefs_"+name, help, labels...)
	}
	counter := func(name, help string, labels ...string) *metric.Family {
		return m.Counter("node_bcachefs_"+name, help, labels...)
	}
	c := &bcachefsCollector{
		sys:      env.Host.Sys.Reader(),
		counters: map[string]bcachefsCounters{},

		info:         gauge("info", "A bcachefs file system that is mounted: always 1.", "uuid"),
		cacheSize:    gauge("btree_cache_size_bytes", "Memory that holds nodes of the trees.", "uuid"),
		compressed:   gauge("compression_compressed_bytes", "Space that data compressed in this way takes.", "algorithm", "uuid"),
		uncompressed: gauge("compression_uncompressed_bytes", "Space that data compressed in this way would take without.", "algorithm", "uuid"),
		errors:       counter("errors_total", "Times that a fault was found in the file system's structure, by kind.", "error_type", "uuid"),
		writes:       counter("btree_writes_total", "Nodes of the trees written, by what it was done for.", "type", "uuid"),
		writeSize:    gauge("btree_write_average_size_bytes", "Average size of the nodes of the trees written, by what it was done for.", "type", "uuid"),
		deviceInfo:   gauge("device_info", "A device of the file system, with its label and its state: always 1.", "device", "label", "state", "uuid"),
		bucketSize:   gauge("device_bucket_size_bytes", "Size of a bucket of the device.", "device", "uuid"),
		buckets:      gauge("device_buckets", "Buckets of the device.", "device", "uuid"),
		durability:   gauge("device_durability", "Copies that one copy on this device counts for.", "device", "uuid"),
		deviceIO:     counter("device_io_done_bytes_total", "Bytes read from and written to the device, by what they hold.", "data_type", "device", "operation", "uuid"),
		deviceErrors: counter("device_io_errors_total", "Failed reads and writes of the device and wrong checksums, since the file system was made.", "device", "type", "uuid"),
	}
	c.counterFamilies = m.Keyed(func(key string) *metric.Family {
		name := "node_bcachefs_" + key + "_total"
		if !isNamePart(key) || m.Has(name) {
			return nil
		}
		return m.Counter(name, "Times, or bytes, that bcachefs has counted as "+key+" since the file system was made.", "uuid")
	})
	return c
}

// isNamePart reports whether the name of a file can be part of a name here.
func isNamePart(key string) bool {
	return strings.Trim(key, "abcdefghijklmnopqrstuvwxyz0123456789_") == ""
}

func (c *bcachefsCollector) Update(_ context.Context, out *metric.Sink) error {
	names, err := c.sys.Names(bcachefsDir)
	if err != nil {
		return collect.OrNoData(err)
	}
	found := false
	for _, uuid := range names {
		if !strings.Contains(uuid, "-") {
			continue
		}
		entries, err := c.sys.Names(bcachefsDir, uuid)
		if err != nil {
			if !host.Gone(err) { // gone: unmounted meanwhile
				out.Error(err)
			}
			continue
		}
		found = true
		out.Emit(c.info, 1, uuid)
		c.emitFileSystem(uuid, out)
		c.emitCounters(uuid, out)
		for _, entry := range entries {
			if device, ok := strings.CutPrefix(entry, "dev-"); ok {
				c.emitDevice(uuid, entry, device, out)
			}
		}
	}
	c.dropUnmounted(names)
	if !found {
		return collect.ErrNoData
	}
	return nil
}
