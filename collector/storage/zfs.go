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
	Help: "Caches and intent log of ZFS, and state and traffic of its pools and datasets.",
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

// zfsCollector reads /proc/spl/kstat/zfs, which exists while the module is
// loaded. It has a file for each part of ZFS, with one counter per line,
//
//	13 1 0x01 147 39984 24338459 18446744073709551615
//	name                            type data
//	hits                            4    1787
//	memory_available_bytes          3    -842235904
//
// and a directory for each pool. The files and their counters depend on the
// release of OpenZFS. See
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
	table := func(prefix, source string, labels ...string) zfsTable {
		return zfsTable{families: m.Keyed(func(key string) *metric.Family {
			name := prefix + zfsName(key)
			if m.Has(name) {
				return nil // another key has become the same name
			}
			return m.Untyped(name, "Statistic "+key+" of "+source+".", labels...)
		})}
	}
	part := func(file, prefix, name string) zfsPart {
		return zfsPart{file, table("node_zfs_"+prefix+"_", "the ZFS "+name+", from "+file)}
	}
	return &zfsCollector{
		proc: env.Host.Proc.Reader(),
		parts: []zfsPart{
			part("abdstats", "abd", "buffers"),
			part("arcstats", "arc", "adaptive replacement cache"),
			part("dbufstats", "dbuf", "data buffer cache"),
			part("dmu_tx", "dmu_tx", "transactions"),
			part("dnodestats", "dnode", "objects"),
			part("fm", "fm", "fault management"),
			part("vdev_cache_stats", "vdev_cache", "device read-ahead"),
			part("vdev_mirror_stats", "vdev_mirror", "mirror selection"),
			part("xuio_stats", "xuio", "zero-copy I/O"),
			part("zfetchstats", "zfetch", "prefetching"),
			part("zil", "zil", "intent log"),
		},
		state:    m.Gauge("node_zfs_zpool_state", "Whether the ZFS pool is in this state.", "zpool", "state"),
		states:   []string{"online", "degraded", "faulted", "offline", "removed", "unavail", "suspended"},
		io:       table("node_zfs_zpool_", "the ZFS pool", "zpool"),
		objset:   table("node_zfs_zpool_dataset_", "the ZFS dataset", "zpool", "dataset"),
		datasets: zfsDatasets{byName: map[string]*zfsDataset{}},
	}
}

// zfsName returns a name of ZFS as part of a metric name.
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

// read returns the content of a file, which is a file of a pool unless pool is
// empty. It reports false if the file is gone or unreadable.
func (c *zfsCollector) read(pool, file string, out *metric.Sink) ([]byte, bool) {
	b, err := c.proc.Read(zfsDir, pool, file)
	return b, host.ReportUnlessGone(err, out.Error)
}

// report reports an error in the file that was read last, unless it is nil.
func (c *zfsCollector) report(out *metric.Sink, err error) {
	if err != nil {
		out.Error(c.proc.At(err))
	}
}
