package storage

import (
	"context"
	"slices"
	"strings"

	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
	"github.com/hostexporter/host_exporter/collector/internal/scan"
)

var bcache = collect.Spec{
	Name: "bcache",
	Help: "Hits, misses, dirty data and writeback of disks that bcache caches on SSDs.",
	Reads: []string{
		"/sys/fs/bcache/*-*/average_key_size",
		"/sys/fs/bcache/*-*/btree_cache_size",
		"/sys/fs/bcache/*-*/cache_available_percent",
		"/sys/fs/bcache/*-*/congested",
		"/sys/fs/bcache/*-*/root_usage_percent",
		"/sys/fs/bcache/*-*/tree_depth",
		"/sys/fs/bcache/*-*/internal/active_journal_entries",
		"/sys/fs/bcache/*-*/internal/btree_nodes",
		"/sys/fs/bcache/*-*/internal/btree_read_average_duration_us",
		"/sys/fs/bcache/*-*/internal/cache_read_races",
		"/sys/fs/bcache/*-*/bdev[0-9]*/dirty_data",
		"/sys/fs/bcache/*-*/bdev[0-9]*/writeback_rate_debug",
		"/sys/fs/bcache/*-*/bdev[0-9]*/stats_total/bypassed",
		"/sys/fs/bcache/*-*/bdev[0-9]*/stats_total/cache_bypass_hits",
		"/sys/fs/bcache/*-*/bdev[0-9]*/stats_total/cache_bypass_misses",
		"/sys/fs/bcache/*-*/bdev[0-9]*/stats_total/cache_hits",
		"/sys/fs/bcache/*-*/bdev[0-9]*/stats_total/cache_miss_collisions",
		"/sys/fs/bcache/*-*/bdev[0-9]*/stats_total/cache_misses",
		"/sys/fs/bcache/*-*/bdev[0-9]*/stats_total/cache_readaheads",
		"/sys/fs/bcache/*-*/cache[0-9]*/io_errors",
		"/sys/fs/bcache/*-*/cache[0-9]*/metadata_written",
		"/sys/fs/bcache/*-*/cache[0-9]*/written",
		"/sys/fs/bcache/*-*/cache[0-9]*/priority_stats",
	},
	NoDataIsSuccess: true,
	Build:           collect.With(bcacheOptions{}, newBcache),
}

type bcacheOptions struct{ priorityStats collect.Bool }

// Fields returns the options of the collector.
func (o *bcacheOptions) Fields() []collect.Field {
	return []collect.Field{
		{Name: "priorityStats", Help: "Read the usage of caches as well, for which the kernel sorts all buckets.", Value: &o.priorityStats},
	}
}

// bcacheCollector reads the directories /sys/fs/bcache/UUID of cache sets, and
// in them those of their devices, such as bdev0 and cache0. Most files have one
// number, in units such as 39.2M for bytes. Some files have rows, such as
// bdev0/writeback_rate_debug:
//
//	rate:		4.0k/sec
//	dirty:		1.1G
//	proportional:	-251.6k
//
// See https://docs.kernel.org/admin-guide/bcache.html.
type bcacheCollector struct {
	sys           *host.Reader
	priorityStats bool

	setFiles, backingFiles, cacheFiles []bcacheFile
	writebackRows, priorityRows        []bcacheRow
}

// A bcacheFile is a file with its family.
type bcacheFile struct {
	name    string
	family  *metric.Family
	divisor float64 // of the number in the file
}

// A bcacheRow is a row of a file with its family.
type bcacheRow struct {
	name   string
	family *metric.Family
}

const bcacheDir = "fs/bcache"

func newBcache(env *collect.Env, o bcacheOptions) (*bcacheCollector, error) {
	m := env.Metrics
	of := func(labels ...string) (gauge, counter func(name, help string) *metric.Family) {
		gauge = func(name, help string) *metric.Family { return m.Gauge("node_bcache_"+name, help, labels...) }
		counter = func(name, help string) *metric.Family { return m.Counter("node_bcache_"+name, help, labels...) }
		return
	}
	c := &bcacheCollector{sys: env.Host.Sys.Reader(), priorityStats: bool(o.priorityStats)}
	gauge, counter := of("uuid")
	c.setFiles = []bcacheFile{
		{"average_key_size", gauge("average_key_size_sectors", "Average data of a key in the index, in sectors."), 1},
		{"btree_cache_size", gauge("btree_cache_size_bytes", "Memory of cached index nodes in bytes."), 1},
		{"cache_available_percent", gauge("cache_available_percent", "Percentage of the cache without dirty data."), 1},
		{"congested", gauge("congested", "Congestion of the cache; requests bypass a congested cache."), 1},
		{"root_usage_percent", gauge("root_usage_percent", "Percentage of the root node of the index that is in use; the tree grows when it is full."), 1},
		{"tree_depth", gauge("tree_depth", "Levels of the index below its root."), 1},
		{"internal/active_journal_entries", gauge("active_journal_entries", "Journal entries newer than the index."), 1},
		{"internal/btree_nodes", gauge("btree_nodes", "Nodes of the index."), 1},
		{"internal/btree_read_average_duration_us", gauge("btree_read_average_duration_seconds", "Average time to read an index node."), 1e6},
		{"internal/cache_read_races", counter("cache_read_races_total", "Times that a bucket was reused during a read, so that the disk had to be read."), 1},
	}
	gauge, counter = of("backing_device", "uuid")
	c.backingFiles = []bcacheFile{
		{"dirty_data", gauge("dirty_data_bytes", "Data in the cache that is not on the disk yet, in bytes."), 1},
		{"stats_total/bypassed", counter("bypassed_bytes_total", "Bytes read and written that bypassed the cache."), 1},
		{"stats_total/cache_hits", counter("cache_hits_total", "Requests answered by the cache."), 1},
		{"stats_total/cache_misses", counter("cache_misses_total", "Requests not answered by the cache, or only in part."), 1},
		{"stats_total/cache_bypass_hits", counter("cache_bypass_hits_total", "Requests that bypassed the cache and had their data in it."), 1},
		{"stats_total/cache_bypass_misses", counter("cache_bypass_misses_total", "Requests that bypassed the cache and did not have their data in it."), 1},
		{"stats_total/cache_miss_collisions", counter("cache_miss_collisions_total", "Times that data read after a miss was overwritten before it got into the cache."), 1},
		{"stats_total/cache_readaheads", counter("cache_readaheads_total", "Reads ahead into the cache; newer kernels do not count them."), 1},
	}
	c.writebackRows = []bcacheRow{
		{"rate", gauge("writeback_rate", "Target rate of writeback in bytes per second.")},
		{"target", gauge("dirty_target_bytes", "Target amount of dirty data in bytes.")},
		{"proportional", gauge("writeback_rate_proportional_term", "Proportional term of the writeback rate, from the distance to the target.")},
		{"integral", gauge("writeback_rate_integral_term", "Integral term of the writeback rate, from the distance to the target over time.")},
		{"change", gauge("writeback_change", "Last change of the writeback rate.")},
	}
	gauge, counter = of("cache_device", "uuid")
	c.cacheFiles = []bcacheFile{
		{"io_errors", gauge("io_errors", "Recent I/O errors of the cache, which decay if the set has an error half-life."), 1},
		{"metadata_written", counter("metadata_written_bytes_total", "Bytes of index and journal written to the cache."), 1},
		{"written", counter("written_bytes_total", "Bytes of data written to the cache."), 1},
	}
	if c.priorityStats {
		c.priorityRows = []bcacheRow{
			{"Unused", gauge("priority_stats_unused_percent", "Percentage of the cache without data.")},
			{"Metadata", gauge("priority_stats_metadata_percent", "Percentage of the cache with index data.")},
		}
	}
	return c, nil
}

func (c *bcacheCollector) Update(_ context.Context, out *metric.Sink) error {
	names, err := c.sys.Names(bcacheDir)
	if err != nil {
		return collect.OrNoData(err)
	}
	found := false
	for _, uuid := range names {
		if strings.Contains(uuid, "-") { // other entries are files that register devices
			found = true
			c.updateSet(uuid, out)
		}
	}
	if !found {
		return collect.ErrNoData
	}
	return nil
}

func (c *bcacheCollector) updateSet(uuid string, out *metric.Sink) {
	for i := range c.setFiles {
		if v, ok := c.read(&c.setFiles[i], out, uuid, ""); ok {
			out.Emit(c.setFiles[i].family, v, uuid)
		}
	}
	names, err := c.sys.Names(bcacheDir, uuid)
	host.ReportUnlessGone(err, out.Error)
	for _, device := range names {
		switch {
		case isNumbered(device, "bdev"):
			c.updateDevice(c.backingFiles, uuid, device, out)
			c.updateRows("writeback_rate_debug", c.writebackRows, uuid, device, out)
		case isNumbered(device, "cache"):
			c.updateDevice(c.cacheFiles, uuid, device, out)
			if c.priorityStats {
				c.updateRows("priority_stats", c.priorityRows, uuid, device, out)
			}
		}
	}
}

// updateDevice emits the files of a device. A file is missing on some kernels,
// and when the device leaves the set.
func (c *bcacheCollector) updateDevice(files []bcacheFile, uuid, device string, out *metric.Sink) {
	for i := range files {
		if v, ok := c.read(&files[i], out, uuid, device); ok {
			out.Emit(files[i].family, v, device, uuid)
		}
	}
}

// read returns the number in a file.
func (c *bcacheCollector) read(f *bcacheFile, out *metric.Sink, uuid, device string) (float64, bool) {
	b, err := c.sys.Text(bcacheDir, uuid, device, f.name)
	if !host.ReportUnlessGone(err, out.Error) {
		return 0, false
	}
	v, ok := parseBcacheValue(b)
	if !ok {
		out.Error(c.sys.At(host.Bad(1, "a number such as 12 or 39.2M", b)))
	}
	return max(v, 0) / f.divisor, ok // dirty data may be below zero for a moment
}

// updateRows emits the given rows of a file of named numbers, and skips other
// rows.
func (c *bcacheCollector) updateRows(file string, rows []bcacheRow, uuid, device string, out *metric.Sink) {
	b, err := c.sys.Read(bcacheDir, uuid, device, file)
	if !host.ReportUnlessGone(err, out.Error) {
		return
	}
	hasRow := false
	for n, rest := 1, b; len(rest) > 0; n++ {
		var line []byte
		line, rest = scan.Line(rest)
		name, value, _ := scan.Cut(line, ':')
		i := slices.IndexFunc(rows, func(r bcacheRow) bool { return r.name == string(name) })
		if i < 0 {
			continue
		}
		hasRow = true
		v, ok := parseBcacheValue(value)
		if !ok {
			out.Error(c.sys.At(host.Bad(n, "a name and a number such as -1.5k/sec or 94%", line)))
			continue
		}
		out.Emit(rows[i].family, v, device, uuid)
	}
	if !hasRow {
		out.Error(c.sys.At(host.Bad(1, "named numbers", b)))
	}
}

// isNumbered reports whether a name is a prefix and a number, such as bdev0.
func isNumbered(name, prefix string) bool {
	digits, ok := strings.CutPrefix(name, prefix)
	_, number := scan.Uint([]byte(digits))
	return ok && number
}
