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
	Help: "Counters, compression and errors of mounted bcachefs file systems, and I/O of their devices.",
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

// bcachefsCollector reads the directories /sys/fs/bcachefs/UUID. Numbers have
// units, such as 1.5G, and each counter has a file:
//
//	since mount:                  12345
//	since filesystem creation:    67890
//
// See https://docs.kernel.org/filesystems/bcachefs/, and
// https://bcachefs.org/bcachefs-principles-of-operation.pdf for the files.
type bcachefsCollector struct {
	sys             *host.Reader
	counterFamilies *metric.Keyed               // by file name
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

		info:         gauge("info", "Mounted bcachefs file systems; always 1.", "uuid"),
		cacheSize:    gauge("btree_cache_size_bytes", "Memory of cached btree nodes in bytes.", "uuid"),
		compressed:   gauge("compression_compressed_bytes", "Size of the data compressed with the algorithm, in bytes.", "algorithm", "uuid"),
		uncompressed: gauge("compression_uncompressed_bytes", "Size before compression of the data compressed with the algorithm, in bytes.", "algorithm", "uuid"),
		errors:       counter("errors_total", "Errors found in the structure of the file system, by type.", "error_type", "uuid"),
		writes:       counter("btree_writes_total", "Writes of btree nodes, by their cause.", "type", "uuid"),
		writeSize:    gauge("btree_write_average_size_bytes", "Average size of writes of btree nodes in bytes, by their cause.", "type", "uuid"),
		deviceInfo:   gauge("device_info", "Label and state of a device of the file system; always 1.", "device", "label", "state", "uuid"),
		bucketSize:   gauge("device_bucket_size_bytes", "Bucket size of the device in bytes.", "device", "uuid"),
		buckets:      gauge("device_buckets", "Buckets of the device.", "device", "uuid"),
		durability:   gauge("device_durability", "Number of copies that one copy on the device counts for.", "device", "uuid"),
		deviceIO:     counter("device_io_done_bytes_total", "Bytes read from and written to the device, by type of data.", "data_type", "device", "operation", "uuid"),
		deviceErrors: counter("device_io_errors_total", "I/O and checksum errors of the device since the file system was created.", "device", "type", "uuid"),
	}
	c.counterFamilies = m.Keyed(func(key string) *metric.Family {
		name := "node_bcachefs_" + key + "_total"
		if !isNamePart(key) || m.Has(name) {
			return nil
		}
		return m.Counter(name, "Counter "+key+" of bcachefs, in events or bytes.", "uuid")
	})
	return c
}

// isNamePart reports whether a file name can be part of the name of a family.
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
		if !host.ReportUnlessGone(err, out.Error) {
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
