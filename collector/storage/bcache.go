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
	Help: "Disks cached on SSDs by bcache: hits, misses, dirty data and its writeback.",
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

// Fields implements the options of collect.With.
func (o *bcacheOptions) Fields() []collect.Field {
	return []collect.Field{
		{Name: "priorityStats", Help: "Read how the cache is used too. The kernel sorts all buckets of the cache for that.", Value: &o.priorityStats},
	}
}

// bcacheCollector reads /sys/fs/bcache/UUID of a set of caches and of the
// devices in it, bdev0 and cache0. There is a number a file, and bytes are
// written for people, such as 39.2M in bdev0/stats_total/bypassed. Some files
// have rows, such as bdev0/writeback_rate_debug:
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

// A bcacheFile pairs a file with the family it fills.
type bcacheFile struct {
	name    string
	family  *metric.Family
	divisor float64 // of which the file has so many to one of the family's
}

// A bcacheRow pairs a row of a file with the family it fills.
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
		{"average_key_size", gauge("average_key_size_sectors", "Data for which there is one key in the index, on average."), 1},
		{"btree_cache_size", gauge("btree_cache_size_bytes", "Memory that holds nodes of the index."), 1},
		{"cache_available_percent", gauge("cache_available_percent", "Part of the cache without dirty data, which can be written to."), 1},
		{"congested", gauge("congested", "How congested the cache is: requests that find it slow go past it."), 1},
		{"root_usage_percent", gauge("root_usage_percent", "Part of the root node of the index that is in use; the tree grows when it is full."), 1},
		{"tree_depth", gauge("tree_depth", "Levels of the index below its root."), 1},
		{"internal/active_journal_entries", gauge("active_journal_entries", "Entries of the journal that are newer than the index."), 1},
		{"internal/btree_nodes", gauge("btree_nodes", "Nodes of the index."), 1},
		{"internal/btree_read_average_duration_us", gauge("btree_read_average_duration_seconds", "Time that reading a node of the index takes, on average."), 1e6},
		{"internal/cache_read_races", counter("cache_read_races_total", "Times that a bucket was used anew while it was read, and the data had to be read from the disk."), 1},
	}
	gauge, counter = of("backing_device", "uuid")
	c.backingFiles = []bcacheFile{
		{"dirty_data", gauge("dirty_data_bytes", "Data in the cache that is not on the disk yet."), 1},
		{"stats_total/bypassed", counter("bypassed_bytes_total", "Data read and written past the cache."), 1},
		{"stats_total/cache_hits", counter("cache_hits_total", "Requests that the cache could answer."), 1},
		{"stats_total/cache_misses", counter("cache_misses_total", "Requests that the cache could not answer, or not in full."), 1},
		{"stats_total/cache_bypass_hits", counter("cache_bypass_hits_total", "Requests meant to go past the cache that it could have answered."), 1},
		{"stats_total/cache_bypass_misses", counter("cache_bypass_misses_total", "Requests meant to go past the cache that it could not have answered."), 1},
		{"stats_total/cache_miss_collisions", counter("cache_miss_collisions_total", "Times that data read after a miss was written meanwhile, and did not go into the cache."), 1},
		{"stats_total/cache_readaheads", counter("cache_readaheads_total", "Times that data was read ahead into the cache; newer kernels do not count it."), 1},
	}
	c.writebackRows = []bcacheRow{
		{"rate", gauge("writeback_rate", "Bytes a second at which dirty data is to be written back.")},
		{"target", gauge("dirty_target_bytes", "Dirty data that the writeback aims at.")},
		{"proportional", gauge("writeback_rate_proportional_term", "What the distance from the target adds to the rate of writeback.")},
		{"integral", gauge("writeback_rate_integral_term", "What the distance from the target over time adds to the rate of writeback.")},
		{"change", gauge("writeback_change", "By how much the rate of writeback was changed last.")},
	}
	gauge, counter = of("cache_device", "uuid")
	c.cacheFiles = []bcacheFile{
		{"io_errors", gauge("io_errors", "Recent I/O errors of the cache; the number decays if the set has a half-life for it."), 1},
		{"metadata_written", counter("metadata_written_bytes_total", "Index and journal written to the cache."), 1},
		{"written", counter("written_bytes_total", "Data written to the cache."), 1},
	}
	if c.priorityStats {
		c.priorityRows = []bcacheRow{
			{"Unused", gauge("priority_stats_unused_percent", "Part of the cache that has no data.")},
			{"Metadata", gauge("priority_stats_metadata_percent", "Part of the cache that has the index.")},
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
		if strings.Contains(uuid, "-") { // the others are files to register devices with
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
	if err != nil && !host.Gone(err) {
		out.Error(err)
	}
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

// updateDevice emits what the files of a device say. One that is not there is
// of another kernel, or its device has left the set meanwhile.
func (c *bcacheCollector) updateDevice(files []bcacheFile, uuid, device string, out *metric.Sink) {
	for i := range files {
		if v, ok := c.read(&files[i], out, uuid, device); ok {
			out.Emit(files[i].family, v, device, uuid)
		}
	}
}

// read returns what a file says.
func (c *bcacheCollector) read(f *bcacheFile, out *metric.Sink, uuid, device string) (float64, bool) {
	b, err := c.sys.Text(bcacheDir, uuid, device, f.name)
	if err != nil {
		if !host.Gone(err) {
			out.Error(err)
		}
		return 0, false
	}
	v, ok := parseBcacheNumber(b)
	if !ok {
		out.Error(c.sys.At(host.Bad(1, "a number such as 12 or 39.2M", b)))
	}
	return v / f.divisor, ok
}

// updateRows emits what a file of named numbers says. Rows of the file that
// are not asked for are passed over.
func (c *bcacheCollector) updateRows(file string, rows []bcacheRow, uuid, device string, out *metric.Sink) {
	b, err := c.sys.Read(bcacheDir, uuid, device, file)
	if err != nil {
		if !host.Gone(err) {
			out.Error(err)
		}
		return
	}
	known := 0
	for n, rest := 1, b; len(rest) > 0; n++ {
		var line []byte
		line, rest = scan.Line(rest)
		name, value, _ := scan.Cut(line, ':')
		i := slices.IndexFunc(rows, func(r bcacheRow) bool { return r.name == string(name) })
		if i < 0 {
			continue
		}
		known++
		v, ok := parseBcacheValue(value)
		if !ok {
			out.Error(c.sys.At(host.Bad(n, "a name and a number such as -1.5k/sec or 94%", line)))
			continue
		}
		out.Emit(rows[i].family, v, device, uuid)
	}
	if known == 0 {
		out.Error(c.sys.At(host.Bad(1, "named numbers", b)))
	}
}

// isNumbered reports whether a name is a prefix and a number, such as bdev0.
func isNumbered(name, prefix string) bool {
	digits, ok := strings.CutPrefix(name, prefix)
	_, number := scan.Uint([]byte(digits))
	return ok && number
}
