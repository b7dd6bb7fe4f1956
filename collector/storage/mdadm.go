package storage

import (
	"context"
	"strings"

	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
	"github.com/hostexporter/host_exporter/collector/internal/scan"
)

var mdadm = collect.Spec{
	Name: "mdadm",
	Help: "Linux software RAID: state, members and rebuilding of md arrays.",
	Reads: []string{
		"/proc/mdstat",
		"/sys/block/md*/md/raid_disks",
		"/sys/block/md*/md/degraded",
		"/sys/block/md*/md/level",
	},
	Build: collect.Plain(newMdadm),
}

// mdadmCollector reads /proc/mdstat, some lines for each array (see
// parseMdstat), and two files of each array in sysfs.
//
// See https://docs.kernel.org/admin-guide/md.html.
type mdadmCollector struct {
	proc, sys *host.Reader
	arrays    []mdArray // kept for its memory

	state        *metric.Family
	disks        *metric.Family
	required     *metric.Family
	blocks       *metric.Family
	blocksSynced *metric.Family
	raidDisks    *metric.Family
	degraded     *metric.Family
}

func newMdadm(env *collect.Env) *mdadmCollector {
	m := env.Metrics
	return &mdadmCollector{
		proc:         env.Host.Proc.Reader(),
		sys:          env.Host.Sys.Reader(),
		state:        m.Gauge("node_md_state", "Whether the array is in this state, from /proc/mdstat.", "device", "state"),
		disks:        m.Gauge("node_md_disks", "Members of the array that are active, failed or spare, from /proc/mdstat.", "device", "state"),
		required:     m.Gauge("node_md_disks_required", "Members that the array has when it is complete, from /proc/mdstat.", "device"),
		blocks:       m.Gauge("node_md_blocks", "Size of the array in blocks of 1024 bytes, from /proc/mdstat.", "device"),
		blocksSynced: m.Gauge("node_md_blocks_synced", "Blocks of 1024 bytes that the rebuilding or checking under way is through with, of each member; the size of the array when there is none.", "device"),
		raidDisks:    m.Gauge("node_md_raid_disks", "Members that the array is configured with, from md/raid_disks.", "device"),
		degraded:     m.Gauge("node_md_degraded", "Members by which the array falls short of being complete, from md/degraded.", "device"),
	}
}

func (c *mdadmCollector) Update(_ context.Context, out *metric.Sink) error {
	b, err := c.proc.Read("mdstat")
	if host.Gone(err) {
		return collect.OrNoData(err)
	}
	if err != nil {
		out.Error(err)
		return c.updateListed(out)
	}
	arrays, bad := parseMdstat(b, c.arrays)
	c.arrays = arrays
	for _, err := range bad {
		out.Error(c.proc.At(err))
	}
	for i := range arrays {
		c.emit(&arrays[i], out)
		c.updateSysfs(&arrays[i], out)
	}
	return nil
}

// updateListed reads the arrays that sysfs lists: what is left to do where
// /proc/mdstat cannot be read.
func (c *mdadmCollector) updateListed(out *metric.Sink) error {
	names, err := c.sys.Names("block")
	if err != nil {
		return collect.OrNoData(err)
	}
	for _, name := range names {
		if strings.HasPrefix(name, "md") {
			c.updateSysfs(&mdArray{name: name}, out)
		}
	}
	return nil
}

func (c *mdadmCollector) emit(a *mdArray, out *metric.Sink) {
	for state := mdActive; state <= mdCheck; state++ {
		out.Bool(c.state, a.state == state, a.name, state.String())
	}
	if a.state == mdUnknown || a.state > mdCheck { // rare enough to be told only while they last
		out.Emit(c.state, 1, a.name, a.state.String())
	}
	a.active.emit(out, c.disks, a.name, "active")
	a.failed.emit(out, c.disks, a.name, "failed")
	a.spare.emit(out, c.disks, a.name, "spare")
	a.required.emit(out, c.required, a.name)
	a.blocks.emit(out, c.blocks, a.name)
	a.synced.emit(out, c.blocksSynced, a.name)
}

// emit adds a sample of a count that is known.
func (n mdCount) emit(out *metric.Sink, f *metric.Family, labels ...string) {
	if n.known {
		out.Emit(f, float64(n.value), labels...)
	}
}

func (c *mdadmCollector) updateSysfs(a *mdArray, out *metric.Sink) {
	dir := a.name
	if strings.IndexByte(dir, '/') >= 0 {
		dir = strings.ReplaceAll(dir, "/", "!") // as the kernel does
	}
	b, err := c.sys.Text("block", dir, "md", "raid_disks")
	switch {
	case err == nil:
		disks, err := parseRaidDisks(b)
		if err != nil {
			out.Error(c.sys.At(err))
		}
		disks.emit(out, c.raidDisks, a.name)
	case !host.Gone(err):
		out.Error(err)
	}
	degraded, err := c.sys.Uint("block", dir, "md", "degraded")
	switch {
	case err == nil:
		out.Emit(c.degraded, float64(degraded), a.name)
	case !host.Gone(err):
		out.Error(err)
	default:
		counts, err := c.countsMissing(dir)
		switch {
		case err == nil && !counts:
			out.Emit(c.degraded, 0, a.name)
		case err != nil && !host.Gone(err):
			out.Error(err)
		}
	}
}

// countsMissing reports whether the kernel counts the missing members of an
// array, at least while it is running. In others there is nothing to fall
// short of.
func (c *mdadmCollector) countsMissing(dir string) (bool, error) {
	level, err := c.sys.Text("block", dir, "md", "level")
	if err != nil {
		return false, err
	}
	switch string(level) {
	case "raid0", "linear", "multipath", "faulty", "container", "imsm", "ddf":
		return false, nil
	case "", "raid1", "raid4", "raid5", "raid6", "raid10": // empty: not known before the array runs
		return true, nil
	}
	if _, ok := scan.Int(level); ok { // has no name before the array runs
		return true, nil
	}
	return false, c.sys.At(host.Bad(1, "a RAID level", level))
}

// parseRaidDisks reads a number of members. While it is being changed the old
// one stands behind the new one, as in "11 (10)". Of a container, and of an
// array that is not put together yet, there is none.
func parseRaidDisks(b []byte) (disks mdCount, err error) {
	if len(b) == 0 {
		return disks, nil
	}
	first, rest := scan.Field(b)
	rest = scan.Trim(rest)
	n, ok := scan.Uint(first)
	if !ok || len(rest) > 0 && rest[0] != '(' {
		return disks, host.Bad(1, "a number of disks", b)
	}
	return mdCount{n, n > 0}, nil
}
