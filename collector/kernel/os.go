package kernel

import (
	"context"

	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
)

// osSpec is not called os, which would keep the standard package of that name
// out of every file of this one.
var osSpec = collect.Spec{
	Name:  "os",
	Help:  "Name, version and end of support of the operating system.",
	Reads: []string{"/etc/os-release", "/usr/lib/os-release"},
	Build: collect.Plain(newOS),
}

// osCollector reads /etc/os-release or, where there is none, that of
// /usr/lib, in the root file system:
//
//	ID=debian
//	VERSION_ID="12"
//
// See os-release(5).
type osCollector struct {
	root                      *host.Reader
	info, version, supportEnd *metric.Family
}

func newOS(env *collect.Env) *osCollector {
	m := env.Metrics
	return &osCollector{
		root: env.Host.Root.Reader(),
		info: m.Gauge("node_os_info", "What os-release tells of the operating system, as labels; the value is 1.",
			"build_id", "id", "id_like", "image_id", "image_version", "name", "pretty_name",
			"variant", "variant_id", "version", "version_codename", "version_id"),
		version:    m.Gauge("node_os_version", "The number that the version of the operating system starts with, such as 22.04, from VERSION_ID of os-release.", "id", "id_like", "name"),
		supportEnd: m.Gauge("node_os_support_end_timestamp_seconds", "When support of the operating system ends, in seconds since the epoch, from SUPPORT_END of os-release."),
	}
}

func (c *osCollector) Update(_ context.Context, out *metric.Sink) error {
	b, err := c.read()
	if err != nil {
		return collect.OrNoData(err)
	}
	r, broken := parseOSRelease(b)
	for i, err := range broken {
		broken[i] = c.root.At(err)
	}
	// An empty file is in order, because no variable has to be there; a file
	// with nothing right in it is not.
	if r.variables > 0 || len(broken) == 0 {
		c.emit(&r, out)
	}
	return settle(out, broken, nil)
}

func (c *osCollector) emit(r *osRelease, out *metric.Sink) {
	out.Emit(c.info, 1, r.buildID, r.id, r.idLike, r.imageID, r.imageVersion, r.name, r.prettyName,
		r.variant, r.variantID, r.version, r.versionCodename, r.versionID)
	if v, ok := majorMinor(r.versionID); ok {
		out.Emit(c.version, v, r.id, r.idLike, r.name)
	}
	if !r.supportEnd.IsZero() {
		out.Emit(c.supportEnd, float64(r.supportEnd.Unix()))
	}
}

// read returns the first os-release that there is. An absolute link, such as
// NixOS has, is one within the root file system: followed as usual, it would
// lead from a host's file system that is mounted in a container to the
// container's.
func (c *osCollector) read() (b []byte, err error) {
	for _, name := range []string{"/etc/os-release", "/usr/lib/os-release"} {
		var file string
		if file, err = c.root.Resolve(name); err == nil {
			b, err = c.root.Read(file)
		}
		if !host.Gone(err) {
			break
		}
	}
	return b, err
}
