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
	Help: "State, members and resync progress of Linux software RAID arrays (md).",
	Reads: []string{
		"/proc/mdstat",
		"/sys/block/md*/md/raid_disks",
		"/sys/block/md*/md/degraded",
		"/sys/block/md*/md/level",
	},
	Build: collect.Plain(newMdadm),
}

// mdadmCollector reads /proc/mdstat, which has a few lines for each array (see
// parseMdstat), and the attributes of each array in /sys/block/md*/md.
//
// See https://docs.kernel.org/admin-guide/md.html.
type mdadmCollector struct {
	proc, sys *host.Reader
	arrays    []mdArray    // of /proc/mdstat; reused in each scrape
	block     host.Listing // of /sys/block

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
		sys:          env.Host.Sys.Reader().Share("block"),
		state:        m.Gauge("node_md_state", "Whether the array is in this state, from /proc/mdstat.", "device", "state"),
		disks:        m.Gauge("node_md_disks", "Active, failed or spare members of the array, from /proc/mdstat.", "device", "state"),
		required:     m.Gauge("node_md_disks_required", "Members of the complete array, from /proc/mdstat.", "device"),
		blocks:       m.Gauge("node_md_blocks", "Size of the array in blocks of 1024 bytes, from /proc/mdstat.", "device"),
		blocksSynced: m.Gauge("node_md_blocks_synced", "Progress of the resync or check in blocks of 1024 bytes, or the size of the idle array.", "device"),
		raidDisks:    m.Gauge("node_md_raid_disks", "Configured members of the array, from md/raid_disks.", "device"),
		degraded:     m.Gauge("node_md_degraded", "Missing members of the array, from md/degraded.", "device"),
	}
}

func (c *mdadmCollector) Update(ctx context.Context, out *metric.Sink) error {
	c.sys.BeginRun(ctx)
	b, err := c.proc.Read("mdstat")
	c.arrays = c.arrays[:0]
	if err == nil {
		var errs []error
		c.arrays, errs = parseMdstat(b, c.arrays)
		for _, err := range errs {
			out.Error(c.proc.At(err))
		}
	}
	for i := range c.arrays {
		c.emit(&c.arrays[i], out)
		c.updateSysfs(&c.arrays[i], out)
	}
	listed := c.updateUnlisted(out)
	if host.Gone(err) && !listed {
		return collect.OrNoData(err)
	}
	host.ReportUnlessGone(err, out.Error)
	return nil
}

// updateUnlisted emits the attributes of the arrays that sysfs has and
// /proc/mdstat does not list. It reports whether there are any.
func (c *mdadmCollector) updateUnlisted(out *metric.Sink) (hasArray bool) {
	_, err := c.sys.List(&c.block, "block")
	host.ReportUnlessGone(err, out.Error)
	for _, e := range c.block.Entries {
		if !strings.HasPrefix(e.Name, "md") {
			continue
		}
		name := strings.ReplaceAll(e.Name, "!", "/") // as in /proc/mdstat
		if !hasMdArray(c.arrays, name) && c.sys.Exists("block", e.Name, "md") {
			hasArray = true
			c.updateSysfs(&mdArray{name: name}, out)
		}
	}
	return hasArray
}

func (c *mdadmCollector) emit(a *mdArray, out *metric.Sink) {
	for state := mdActive; state <= mdCheck; state++ {
		out.Bool(c.state, a.state == state, a.name, state.String())
	}
	if a.state == mdUnknown || a.state > mdCheck { // rare states have a series only while they last
		out.Emit(c.state, 1, a.name, a.state.String())
	}
	a.active.emit(out, c.disks, a.name, "active")
	a.failed.emit(out, c.disks, a.name, "failed")
	a.spare.emit(out, c.disks, a.name, "spare")
	if !a.isStriped {
		a.required.emit(out, c.required, a.name)
	}
	a.blocks.emit(out, c.blocks, a.name)
	a.synced.emit(out, c.blocksSynced, a.name)
}

// emit emits the count if it is known.
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
	if host.ReportUnlessGone(err, out.Error) {
		disks, err := parseRaidDisks(b)
		if err != nil {
			out.Error(c.sys.At(err))
		}
		disks.emit(out, c.raidDisks, a.name)
		if disks.known {
			a.required = disks // mdstat does not list the members that are gone
		}
	}
	if a.isStriped {
		a.required.emit(out, c.required, a.name)
	}
	degraded, err := c.sys.Uint("block", dir, "md", "degraded")
	switch {
	case err == nil:
		out.Emit(c.degraded, float64(degraded), a.name)
	case !host.Gone(err):
		out.Error(err)
	default:
		redundant, err := c.hasRedundancy(dir)
		if host.ReportUnlessGone(err, out.Error) && !redundant {
			out.Emit(c.degraded, 0, a.name)
		}
	}
}

// hasRedundancy reports whether the level of an array has redundancy, so that
// the kernel counts missing members while the array is running.
func (c *mdadmCollector) hasRedundancy(dir string) (bool, error) {
	level, err := c.sys.Text("block", dir, "md", "level")
	if err != nil {
		return false, err
	}
	switch string(level) {
	case "raid0", "linear", "multipath", "faulty", "container", "imsm", "ddf":
		return false, nil
	case "", "raid1", "raid4", "raid5", "raid6", "raid10": // empty before the array runs
		return true, nil
	}
	if _, ok := scan.Int(level); ok { // a number before the array runs
		return true, nil
	}
	return false, c.sys.At(host.Bad(1, "a RAID level", level))
}

// parseRaidDisks parses a number of members. During a change the old number
// follows, as in "11 (10)". The number is unknown for a container, and for an
// array that is not assembled yet.
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
