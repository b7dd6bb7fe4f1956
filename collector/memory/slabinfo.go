package memory

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"

	"github.com/hostexporter/host_exporter/collector/internal/capability"
	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
	"github.com/hostexporter/host_exporter/collector/internal/scan"
)

var slabinfo = collect.Spec{
	Name:              "slabinfo",
	Help:              "Objects and slabs of each slab cache.",
	Reads:             []string{"/proc/slabinfo"},
	Needs:             "root or CAP_DAC_READ_SEARCH (mode 0400)",
	Caps:              []capability.Capability{capability.DACReadSearch},
	DisabledByDefault: true,
	Build:             collect.With(slabinfoOptions{Filter: collect.Filter{Include: collect.Pattern(".*")}}, newSlabinfo),
}

type slabinfoOptions struct{ Filter collect.Filter }

func (o *slabinfoOptions) Fields() []collect.Field {
	return []collect.Field{
		{Name: "slabs-include", Help: "Regular expression of slab caches to include.", Value: &o.Filter.Include},
		{Name: "slabs-exclude", Help: "Regular expression of slab caches to exclude; takes precedence over slabs-include.", Value: &o.Filter.Exclude},
	}
}

// slabinfoCollector reads /proc/slabinfo, a line for each slab cache:
//
//	slabinfo - version: 2.1
//	# name            <active_objs> <num_objs> <objsize> <objperslab> <pagesperslab> : tunables ...
//	bio-312               12     12    320   12    1 : tunables    0    0    0 : slabdata      1      1      0
//
// A name may have blanks, and several caches may have one name: nothing but a
// warning keeps a driver from either. See slabinfo(5).
type slabinfoCollector struct {
	proc   *host.Reader
	filter collect.Filter

	activeObjects  *metric.Family
	objects        *metric.Family
	objectSize     *metric.Family
	objectsPerSlab *metric.Family
	pagesPerSlab   *metric.Family

	caches map[string]*slabCache
	order  []*slabCache // of the lines of this run
	run    uint64
}

// A slabCache has the numbers of the caches of one name.
type slabCache struct {
	name     string
	excluded bool
	run      uint64 // in which it was last seen
	slabNumbers
}

func newSlabinfo(env *collect.Env, o slabinfoOptions) (*slabinfoCollector, error) {
	m := env.Metrics
	return &slabinfoCollector{
		proc:           env.Host.Proc.Reader(),
		filter:         o.Filter,
		activeObjects:  m.Gauge("node_slabinfo_active_objects", "Objects in use, from /proc/slabinfo.", "slab"),
		objects:        m.Gauge("node_slabinfo_objects", "Objects allocated, in use or free, from /proc/slabinfo.", "slab"),
		objectSize:     m.Gauge("node_slabinfo_object_size_bytes", "Size of an object, from /proc/slabinfo.", "slab"),
		objectsPerSlab: m.Gauge("node_slabinfo_objects_per_slab", "Objects in a slab, from /proc/slabinfo.", "slab"),
		pagesPerSlab:   m.Gauge("node_slabinfo_pages_per_slab", "Pages of a slab, from /proc/slabinfo.", "slab"),
		caches:         map[string]*slabCache{},
	}, nil
}

func (c *slabinfoCollector) Update(_ context.Context, out *metric.Sink) error {
	b, err := c.proc.Read("slabinfo")
	if errors.Is(err, fs.ErrPermission) {
		return fmt.Errorf("%w: want root or CAP_DAC_READ_SEARCH", err)
	}
	if err != nil {
		return collect.OrNoData(err)
	}
	line, b := scan.Line(b)
	if !bytes.HasPrefix(line, []byte("slabinfo - version: 2.")) {
		err := c.proc.At(host.Bad(1, "slabinfo - version: 2.1", line))
		if bytes.HasPrefix(line, []byte("slabinfo - version: 1.")) { // of Linux 2.4
			err = fmt.Errorf("%w: %w", collect.ErrNoData, err)
		}
		return err
	}
	c.run++
	c.order = c.order[:0]
	for n := 2; len(b) > 0; n++ {
		line, b = scan.Line(b)
		if len(line) > 0 && line[0] == '#' {
			continue
		}
		name, numbers, ok := parseSlabLine(line)
		if !ok {
			out.Error(c.proc.At(host.Bad(n, "a slab cache and its five numbers", line)))
		} else if !c.add(name, numbers) {
			out.Error(c.proc.At(host.Bad(n, "slab caches of one name to have one layout", line)))
		}
	}
	for _, s := range c.order {
		if s.excluded {
			continue
		}
		out.Emit(c.activeObjects, float64(s.activeObjects), s.name)
		out.Emit(c.objects, float64(s.objects), s.name)
		out.Emit(c.objectSize, float64(s.objectSize), s.name)
		out.Emit(c.objectsPerSlab, float64(s.objectsPerSlab), s.name)
		out.Emit(c.pagesPerSlab, float64(s.pagesPerSlab), s.name)
	}
	for name, s := range c.caches {
		if s.run != c.run {
			delete(c.caches, name)
		}
	}
	return nil
}

// add adds the numbers of a line to those of the caches of its name. It returns
// false, and adds nothing, if their objects or slabs have another size.
func (c *slabinfoCollector) add(name []byte, n slabNumbers) bool {
	s := c.caches[string(name)]
	switch {
	case s == nil:
		s = &slabCache{name: string(name)}
		s.excluded = c.filter.Ignores(s.name)
		c.caches[s.name] = s
	case s.run == c.run && s.slabLayout != n.slabLayout:
		return false
	case s.run == c.run:
		s.activeObjects += n.activeObjects
		s.objects += n.objects
		return true
	}
	s.run, s.slabNumbers = c.run, n
	c.order = append(c.order, s)
	return true
}

// slabNumbers are the numbers of a line of /proc/slabinfo. The kernel subtracts the
// free objects from all objects, which it counts at another moment.
type slabNumbers struct {
	activeObjects, objects uint64
	slabLayout
}

type slabLayout struct {
	objectSize                   uint64 // bytes
	objectsPerSlab, pagesPerSlab uint64
}

// parseSlabLine parses a line up to its first colon: a name and five numbers.
func parseSlabLine(line []byte) (name []byte, n slabNumbers, ok bool) {
	end := bytes.Index(line, []byte(" : tunables"))
	if end < 0 {
		return nil, n, false
	}
	name = scan.Trim(line[:end])
	for _, number := range []*uint64{&n.pagesPerSlab, &n.objectsPerSlab, &n.objectSize, &n.objects, &n.activeObjects} {
		i := bytes.LastIndexAny(name, " \t")
		if *number, ok = scan.Uint(name[i+1:]); !ok || i < 0 {
			return nil, n, false
		}
		name = scan.Trim(name[:i])
	}
	n.activeObjects, n.objects = scan.ClampAmount64(n.activeObjects), scan.ClampAmount64(n.objects)
	return name, n, len(name) > 0
}
