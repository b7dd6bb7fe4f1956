package storage

import (
	"context"
	"slices"
	"strings"

	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
)

var zfs = collect.Spec{
	Name: "zfs",
	Help: "ZFS: its caches and its intent log, and the state and traffic of pools and datasets.",
	Reads: []string{
		"/proc/spl/kstat/zfs/abdstats",
		"/proc/spl/kstat/zfs/arcstats",
		"/proc/spl/kstat/zfs/dbufstats",
		"/proc/spl/kstat/zfs/dmu_tx",
		"/proc/spl/kstat/zfs/dnodestats",
		"/proc/spl/kstat/zfs/fm",
		"/proc/spl/kstat/zfs/vdev_cache_stats",
		"/proc/spl/kstat/zfs/vdev_mirror_stats",
		"/proc/spl/kstat/zfs/xuio_stats",
		"/proc/spl/kstat/zfs/zfetchstats",
		"/proc/spl/kstat/zfs/zil",
		"/proc/spl/kstat/zfs/*/io",
		"/proc/spl/kstat/zfs/*/objset-*",
		"/proc/spl/kstat/zfs/*/state",
	},
	Build: collect.Plain(newZFS),
}

// zfsCollector reads /proc/spl/kstat/zfs, which is there once the module is
// loaded: a file for each part of ZFS, with a counter a line,
//
//	13 1 0x01 147 39984 24338459 18446744073709551615
//	name                            type data
//	hits                            4    1787
//	memory_available_bytes          3    -842235904
//
// and a folder for each pool. Releases of OpenZFS differ in the files that
// there are and in what is in them. See
// https://openzfs.github.io/openzfs-docs/man/master/4/zfs.4.html.
type zfsCollector struct {
	proc     *host.Reader
	parts    []zfsPart
	io       zfsTable
	objset   zfsTable
	state    *metric.Family
	states   []string
	datasets zfsDatasets
}

// A zfsPart is a file about a part of ZFS.
type zfsPart struct {
	file  string
	table zfsTable
}

const zfsDir = "spl/kstat/zfs"

func newZFS(env *collect.Env) *zfsCollector {
	m := env.Metrics
	table := func(prefix, what string, labels ...string) zfsTable {
		return zfsTable{families: m.Keyed(func(key string) *metric.Family {
			name := prefix + zfsName(key)
			if m.Has(name) {
				return nil // another key has taken it
			}
			return m.Untyped(name, "Statistic "+key+" of "+what+".", labels...)
		})}
	}
	part := func(file, prefix, what string) zfsPart {
		return zfsPart{file, table("node_zfs_"+prefix+"_", what+", from "+file)}
	}
	return &zfsCollector{
		proc: env.Host.Proc.Reader(),
		parts: []zfsPart{
			part("abdstats", "abd", "the buffers of ZFS"),
			part("arcstats", "arc", "the adaptive replacement cache of ZFS"),
			part("dbufstats", "dbuf", "the cache of data buffers of ZFS"),
			part("dmu_tx", "dmu_tx", "the transactions of ZFS"),
			part("dnodestats", "dnode", "the objects of ZFS"),
			part("fm", "fm", "the fault management of ZFS"),
			part("vdev_cache_stats", "vdev_cache", "the read-ahead of devices of ZFS"),
			part("vdev_mirror_stats", "vdev_mirror", "the choice between mirrored devices of ZFS"),
			part("xuio_stats", "xuio", "the zero-copy input and output of ZFS"),
			part("zfetchstats", "zfetch", "the prefetching of ZFS"),
			part("zil", "zil", "the intent log of ZFS"),
		},
		state:    m.Gauge("node_zfs_zpool_state", "Whether this is the state of the ZFS pool.", "zpool", "state"),
		states:   []string{"online", "degraded", "faulted", "offline", "removed", "unavail", "suspended"},
		io:       table("node_zfs_zpool_", "the ZFS pool", "zpool"),
		objset:   table("node_zfs_zpool_dataset_", "the ZFS dataset", "zpool", "dataset"),
		datasets: zfsDatasets{byName: map[string]*zfsDataset{}},
	}
}

// zfsName makes part of a metric name of a name that ZFS made up.
func zfsName(key string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' {
			return r
		}
		return '_'
	}, key)
}

func (c *zfsCollector) Update(_ context.Context, out *metric.Sink) error {
	names, err := c.proc.Names(zfsDir)
	if err != nil {
		return collect.OrNoData(err)
	}
	for i := range c.parts {
		if p := &c.parts[i]; slices.Contains(names, p.file) {
			if b, ok := c.read("", p.file, out); ok {
				c.report(out, p.table.emitNamed(b, out, c.proc))
			}
		}
	}
	c.datasets.begin()
	for _, name := range names {
		if !slices.ContainsFunc(c.parts, func(p zfsPart) bool { return p.file == name }) {
			c.updatePool(name, out)
		}
	}
	c.datasets.end()
	return nil
}

// read returns the content of a file, of a pool unless that is empty. It
// reports false when it is not there or cannot be read.
func (c *zfsCollector) read(pool, file string, out *metric.Sink) ([]byte, bool) {
	b, err := c.proc.Read(zfsDir, pool, file)
	if err != nil && !host.Gone(err) {
		out.Error(err)
	}
	return b, err == nil
}

// report notes what is wrong with the file that was read last.
func (c *zfsCollector) report(out *metric.Sink, err error) {
	if err != nil {
		out.Error(c.proc.At(err))
	}
}
