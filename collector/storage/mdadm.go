package storage

import (
	"bytes"
	"context"
	"strings"

	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
	"github.com/hostexporter/host_exporter/collector/internal/scan"
)

var mdadm = collect.Spec{
	Name: "mdadm",
	Help: "Software RAID: state, disks and progress of md arrays.",
	Reads: []string{
		"/proc/mdstat",
		"/sys/block/md*/md/level",
		"/sys/block/md*/md/raid_disks",
		"/sys/block/md*/md/degraded",
	},
	Build: collect.Plain(newMdadm),
}

// mdadmCollector reads /proc/mdstat, which is made for people (see
// parseMdstat), and of each array three files of sysfs. Each array is judged by
// itself. See https://docs.kernel.org/admin-guide/md.html.
type mdadmCollector struct {
	proc, sys *host.Reader

	state, disks, required *metric.Family
	blocks, synced         *metric.Family
	raidDisks, degraded    *metric.Family
}

func newMdadm(env *collect.Env) *mdadmCollector {
	m := env.Metrics
	return &mdadmCollector{
		proc: env.Host.Proc.Reader(),
		sys:  env.Host.Sys.Reader(),

		state:     m.Gauge("node_md_state", "State of the array, as 1 for what it is or is doing.", "device", "state"),
		disks:     m.Gauge("node_md_disks", "Disks of the array by their state.", "device", "state"),
		required:  m.Gauge("node_md_disks_required", "Disks that the array has when it is whole, from /proc/mdstat.", "device"),
		blocks:    m.Gauge("node_md_blocks", "Size of the array in blocks of 1024 bytes.", "device"),
		synced:    m.Gauge("node_md_blocks_synced", "Blocks that are done in the synchronisation that is going on; all of them where none is.", "device"),
		raidDisks: m.Gauge("node_md_raid_disks", "Disks that the array has when it is whole, from sysfs.", "device"),
		degraded:  m.Gauge("node_md_degraded", "Disks that the array lacks.", "device"),
	}
}

func (c *mdadmCollector) Update(_ context.Context, out *metric.Sink) error {
	b, err := c.proc.Read("mdstat")
	if err != nil {
		return collect.OrNoData(err)
	}
	arrays, errs := parseMdstat(b)
	for _, err := range errs {
		out.Skip(c.proc.At(err))
	}
	for _, a := range arrays {
		c.emit(&a, out)
	}
	names, err := c.sys.Names("block")
	if err != nil {
		if !host.Gone(err) {
			out.Skip(err)
		}
		return nil
	}
	for _, name := range names {
		if strings.HasPrefix(name, "md") {
			c.updateArray(name, out)
		}
	}
	return nil
}

func (c *mdadmCollector) emit(a *mdArray, out *metric.Sink) {
	known := false
	for _, state := range []string{"active", "inactive", "recovering", "resync", "check"} {
		out.Bool(c.state, a.state == state, a.name, state)
		known = known || a.state == state
	}
	if !known { // such as reshape: told while it lasts
		out.Emit(c.state, 1, a.name, a.state)
	}
	if a.disks.known {
		out.Emit(c.disks, float64(a.disks.active), a.name, "active")
		out.Emit(c.required, float64(a.disks.total), a.name)
	}
	out.Emit(c.disks, float64(a.failed), a.name, "failed")
	out.Emit(c.disks, float64(a.spare), a.name, "spare")
	if a.blocks.known {
		out.Emit(c.blocks, float64(a.blocks.n), a.name)
	}
	if a.synced.known {
		out.Emit(c.synced, float64(a.synced.n), a.name)
	}
}

type mdKind uint8

const (
	mdUnknown   mdKind = iota
	mdRedundant        // counts the disks that it lacks
	mdStriped          // is whole or dead
	mdContainer        // holds the disks of other arrays, and has none itself
)

func mdKindOf(level string) mdKind {
	switch level {
	case "raid1", "raid4", "raid5", "raid6", "raid10":
		return mdRedundant
	case "raid0", "linear", "multipath", "faulty":
		return mdStriped
	case "container", "imsm", "ddf":
		return mdContainer
	}
	return mdUnknown
}

// updateArray reads what sysfs has of an array.
func (c *mdadmCollector) updateArray(name string, out *metric.Sink) {
	b, err := c.sys.Text("block", name, "md/level")
	if err != nil {
		if !host.Gone(err) { // gone: not an array, or stopped just now
			out.Skip(err)
		}
		return
	}
	kind := mdKindOf(string(b))
	if _, digits := scan.Int(b); len(b) == 0 || digits {
		return // not started: its kind has no name yet
	}
	if kind == mdUnknown {
		out.Skip(c.sys.At(host.Bad(1, "a RAID level", b)))
		return
	}
	if kind != mdContainer {
		if disks, err := c.raidDiskCount(name); err == nil {
			out.Emit(c.raidDisks, float64(disks), name)
		} else if !host.Gone(err) {
			out.Skip(err)
		}
	}
	degraded, err := c.sys.Uint("block", name, "md/degraded")
	switch {
	case err == nil:
		out.Emit(c.degraded, float64(degraded), name)
	case !host.Gone(err):
		out.Skip(err)
	case kind != mdRedundant:
		out.Emit(c.degraded, 0, name)
	}
}

// raidDiskCount reads raid_disks, which is "4 (3)" while an array of 3 disks
// grows to 4.
func (c *mdadmCollector) raidDiskCount(name string) (uint64, error) {
	b, err := c.sys.Text("block", name, "md/raid_disks")
	if err != nil {
		return 0, err
	}
	field, rest := scan.Field(b)
	n, ok := scan.Uint(field)
	if rest = scan.Trim(rest); !ok || len(rest) > 0 && !bytes.HasPrefix(rest, []byte("(")) {
		return 0, c.sys.At(host.Bad(1, "a number of disks", b))
	}
	return n, nil
}
