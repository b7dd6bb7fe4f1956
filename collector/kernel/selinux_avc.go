package kernel

import (
	"bytes"
	"context"

	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
	"github.com/hostexporter/host_exporter/collector/internal/scan"
	"github.com/hostexporter/host_exporter/collector/internal/wrap"
)

var selinuxAVC = collect.Spec{
	Name: "selinux_avc",
	Help: "Access vector cache of SELinux: lookups, misses, and its hash table.",
	Reads: []string{
		"/sys/fs/selinux/avc/cache_stats",
		"/sys/fs/selinux/avc/hash_stats",
	},
	DisabledByDefault: true,
	Native:            true,
	Build:             collect.Plain(newSelinuxAVC),
}

// selinuxAVCCollector reads two files of /sys/fs/selinux/avc. The lines of
// cache_stats are those of the CPUs that the host may have; a kernel may lack it:
//
//	lookups hits misses allocations reclaims frees
//	91590784 91569452 21332 21332 20400 20826
//
// hash_stats has the entries of the cache, and its hash table:
//
//	entries: 503
//	buckets used: 330/512
//	longest chain: 6
//
// See sel_avc_stats_seq_show and avc_get_hash_stats in the kernel's
// security/selinux.
type selinuxAVCCollector struct {
	sys      *host.Reader
	counters [avcCounters]*metric.Family

	entries      *metric.Family
	buckets      *metric.Family
	bucketsUsed  *metric.Family
	longestChain *metric.Family

	sums  [avcCounters]wrap.Sum
	lines [][avcCounters]uint64 // of this run
}

// avcCounters is the number of columns of cache_stats.
const avcCounters = 6

func newSelinuxAVC(env *collect.Env) *selinuxAVCCollector {
	m := env.Metrics
	return &selinuxAVCCollector{
		sys: env.Host.Sys.Reader(),
		counters: [avcCounters]*metric.Family{
			m.Counter("node_selinux_avc_lookups_total", "Lookups in the access vector cache."),
			m.Counter("node_selinux_avc_hits_total", "Lookups that found their entry in the access vector cache."),
			m.Counter("node_selinux_avc_misses_total", "Lookups that had to compute a decision from the policy."),
			m.Counter("node_selinux_avc_allocations_total", "Entries allocated in the access vector cache."),
			m.Counter("node_selinux_avc_reclaims_total", "Entries reclaimed because the access vector cache was full."),
			m.Counter("node_selinux_avc_frees_total", "Entries freed from the access vector cache."),
		},
		entries:      m.Gauge("node_selinux_avc_hash_entries", "Entries in the access vector cache."),
		buckets:      m.Gauge("node_selinux_avc_hash_buckets", "Buckets of the hash table of the access vector cache."),
		bucketsUsed:  m.Gauge("node_selinux_avc_hash_buckets_used", "Buckets of that hash table that have entries."),
		longestChain: m.Gauge("node_selinux_avc_hash_longest_chain", "Entries of its fullest bucket."),
	}
}

func (c *selinuxAVCCollector) Update(_ context.Context, out *metric.Sink) error {
	var errs []error
	var absent error
	for _, update := range []func(*metric.Sink) error{c.updateCounters, c.updateHash} {
		switch err := update(out); {
		case host.Gone(err):
			absent = err
		case err != nil:
			errs = append(errs, err)
		}
	}
	return reportOrFail(out, errs, absent)
}

// updateCounters emits the sums over all CPUs. A sum without some CPUs would be
// wrong: if a line is malformed, there is none.
func (c *selinuxAVCCollector) updateCounters(out *metric.Sink) error {
	n := 0
	c.lines = c.lines[:0]
	// Not Read, which takes a short read for the end of an attribute: this file is
	// a sequence of lines.
	err := c.sys.Lines(func(line []byte) error {
		n++
		if n == 1 {
			if string(scan.Trim(line)) != "lookups hits misses allocations reclaims frees" {
				return host.Bad(n, "lookups hits misses allocations reclaims frees", line)
			}
			return nil
		}
		counters, ok := parseAVCLine(line)
		if !ok {
			return host.Bad(n, "six numbers", line)
		}
		c.lines = append(c.lines, counters)
		return nil
	}, "fs/selinux/avc/cache_stats")
	if err == nil && len(c.lines) == 0 {
		err = host.Bad(max(n, 1), "a line for each CPU", nil)
	}
	if err != nil {
		return c.sys.At(err)
	}
	for i, f := range c.counters {
		sum := &c.sums[i]
		sum.Resize(len(c.lines))
		for cpu := range c.lines {
			sum.Add(cpu, c.lines[cpu][i])
		}
		out.Emit(f, float64(sum.Total()))
	}
	return nil
}

func parseAVCLine(line []byte) (counters [avcCounters]uint64, ok bool) {
	var f [avcCounters][]byte
	if scan.Fields(f[:], line) != len(f) {
		return counters, false
	}
	for i, field := range f {
		if counters[i], ok = scan.Uint(field); !ok {
			return counters, false
		}
	}
	return counters, true
}

func (c *selinuxAVCCollector) updateHash(out *metric.Sink) error {
	b, err := c.sys.Read("fs/selinux/avc/hash_stats")
	if err != nil {
		return err
	}
	h, err := parseAVCHash(b)
	if err != nil {
		return c.sys.At(err)
	}
	out.Emit(c.entries, float64(h.entries))
	out.Emit(c.buckets, float64(h.buckets))
	out.Emit(c.bucketsUsed, float64(h.bucketsUsed))
	out.Emit(c.longestChain, float64(h.longestChain))
	return nil
}

// An avcHash is the content of hash_stats.
type avcHash struct{ entries, buckets, bucketsUsed, longestChain uint64 }

func parseAVCHash(b []byte) (h avcHash, err error) {
	for n, want := range []string{"entries", "buckets used", "longest chain"} {
		var line []byte
		line, b = scan.Line(b)
		key, value, ok := scan.Cut(line, ':')
		if !ok || string(key) != want {
			return h, host.Bad(n+1, want, line)
		}
		switch n {
		case 0:
			h.entries, ok = scan.Uint(value)
		case 1:
			used, all, _ := bytes.Cut(value, []byte("/"))
			var usedOK bool
			h.bucketsUsed, usedOK = scan.Uint(used)
			h.buckets, ok = scan.Uint(all)
			ok = ok && usedOK
		case 2:
			h.longestChain, ok = scan.Uint(value)
		}
		if !ok {
			return h, host.Bad(n+1, "a number of "+want, line)
		}
	}
	return h, nil
}
