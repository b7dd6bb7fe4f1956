package kernel

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
)

var cgroup = collect.Spec{
	Name:              "cgroup",
	Help:              "CPU, memory, I/O, processes and pressure of control groups (v2), and so of services, pods and sessions.",
	Reads:             cgroupReads(),
	OptionalReads:     []string{"/sys/fs/cgroup/*/*/*/*", "/sys/fs/cgroup/*/*/*/*/*", "/sys/fs/cgroup/*/*/*/*/*/*", "/sys/fs/cgroup/*/*/*/*/*/*/*"},
	DisabledByDefault: true,
	Native:            true,
	Build: collect.With(cgroupOptions{
		root:      "fs/cgroup",
		depth:     2,
		maxGroups: 1000,
	}, newCgroup),
}

// cgroupReads returns the files of all groups to the default depth.
func cgroupReads() []string {
	reads := []string{"/sys/fs/cgroup/cgroup.controllers"}
	for _, folder := range []string{"/sys/fs/cgroup/", "/sys/fs/cgroup/*/", "/sys/fs/cgroup/*/*/"} {
		for _, name := range []string{
			"cpu.stat", "cpu.pressure",
			"memory.current", "memory.max", "memory.peak", "memory.swap.current", "memory.stat", "memory.events", "memory.pressure",
			"io.stat", "io.pressure",
			"pids.current", "pids.max",
		} {
			reads = append(reads, folder+name)
		}
	}
	return append(reads, "/sys/dev/block/*:*")
}

// cgroupOptions are the options of the cgroup collector.
type cgroupOptions struct {
	root      collect.String
	depth     collect.Int
	paths     collect.Filter
	maxGroups collect.Int
}

// Fields returns the options of the collector.
func (o *cgroupOptions) Fields() []collect.Field {
	paths := o.paths.Fields("path")
	paths[0].Help = `Regular expression of paths to include, such as ^system\.slice/.*\.service$, with \x2d as the kernel shows it (not together with path-exclude).`
	paths[1].Help = "Regular expression of paths to exclude (not together with path-include)."
	return append([]collect.Field{
		{Name: "root", Help: "Mount point of cgroup v2, below --path.sysfs.", Value: &o.root, Placeholder: "PATH"},
		{Name: "depth", Help: "Depth to which groups are exported: 0 for the root only, 2 for the services of systemd, 4 for the containers of Kubernetes.", Value: &o.depth},
		{Name: "max-groups", Help: "Maximum number of groups to export, those at the top first; the number left out is a metric.", Value: &o.maxGroups},
	}, paths...)
}

// cgroupCollector reads the tree of control groups: a directory for each group,
// with a file for each subject of a controller that is enabled for the group:
// systemd enables that of I/O only for units with IOAccounting=. A group's
// numbers include those of its descendants. See
// https://docs.kernel.org/admin-guide/cgroup-v2.html.
//
// The label of a group is its path as the kernel shows it, so with the escapes
// of systemd (system-odd.slice/odd@a\x2db.service), which are part of the name
// of the unit. The root is "/".
type cgroupCollector struct {
	sys     *host.Reader
	root    string
	max     int
	tree    cgroupTree
	files   []cgroupFile
	devices cgroupDevices
	omitted *metric.Family
}

// A cgroupFile is a file that groups have. Emit emits the samples of its
// content.
type cgroupFile struct {
	name string
	emit func(out *metric.Sink, group string, b []byte) error
}

func newCgroup(env *collect.Env, o cgroupOptions) (*cgroupCollector, error) {
	if o.depth < 0 || o.maxGroups < 0 {
		return nil, errors.New("depth and max-groups must not be negative")
	}
	sys := env.Host.Sys.Reader()
	c := &cgroupCollector{
		sys:     sys,
		root:    o.root.String(),
		max:     int(o.maxGroups),
		tree:    cgroupTree{sys: sys, root: o.root.String(), depth: int(o.depth), paths: o.paths},
		devices: cgroupDevices{sys: env.Host.Sys.Reader(), names: map[string]string{}},
	}
	c.files = newCgroupFiles(env.Metrics, &c.devices)
	c.omitted = env.Metrics.Gauge("node_cgroup_groups_omitted", "Control groups that are left out because there are more than max-groups.")
	return c, nil
}

func (c *cgroupCollector) Update(_ context.Context, out *metric.Sink) error {
	_, err := c.sys.Read(c.root, "cgroup.controllers")
	switch {
	case host.Gone(err):
		return c.explain(err)
	case errors.Is(err, fs.ErrPermission): // the other files are not readable either
		return err
	case err != nil:
		out.Error(err) // the groups do not depend on it
	}
	host.ReportUnlessGone(c.devices.refresh(), out.Error)
	exported, omitted := 0, 0
	for _, g := range c.tree.refresh(out) {
		switch {
		case g.excluded:
		case g.ambiguous, exported == c.max:
			omitted++
		default:
			exported++
			c.updateGroup(g, out)
		}
	}
	out.Emit(c.omitted, float64(omitted))
	return nil
}

// explain returns ErrNoData with the reason if the host has no cgroup v2, or no
// controllers in it.
func (c *cgroupCollector) explain(err error) error {
	switch {
	case c.sys.Exists(c.root, "unified/cgroup.controllers"):
		return fmt.Errorf("%w: the controllers are in cgroup v1; v2 has only CPU time and pressure, with --collector.cgroup.root=%s/unified", collect.ErrNoData, c.root)
	case c.sys.Exists(c.root, "memory"), c.sys.Exists(c.root, "cpu"), c.sys.Exists(c.root, "systemd"):
		return fmt.Errorf("%w: the host has cgroup v1, not v2", collect.ErrNoData)
	}
	return collect.OrNoData(err)
}

// updateGroup reads the files of one group. It may be gone by now, or may not
// have all of them: a controller can be enabled or disabled at any time.
func (c *cgroupCollector) updateGroup(g *controlGroup, out *metric.Sink) {
	for i := range c.files {
		f := &c.files[i]
		// Opening a file that does not exist allocates an error.
		if g.absent[i] && !c.sys.Exists(c.root, g.path, f.name) {
			continue
		}
		b, err := c.sys.Read(c.root, g.path, f.name)
		g.absent[i] = isPressureAbsent(err) // or any other file
		switch {
		case g.absent[i]:
		case err != nil:
			out.Error(err)
		default:
			if err := f.emit(out, g.label, b); err != nil {
				out.Error(c.sys.At(err))
			}
		}
	}
}
