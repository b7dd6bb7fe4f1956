package kernel

import (
	"context"

	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
)

// osSpec is not called os, which would hide the standard package in all files of
// this package.
var osSpec = collect.Spec{
	Name:  "os",
	Help:  "Name, version and end of support of the operating system.",
	Reads: []string{"/etc/os-release", "/usr/lib/os-release"},
	Build: collect.Plain(newOS),
}

// osCollector reads /etc/os-release or, if it is absent, /usr/lib/os-release:
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
		info: m.Gauge("node_os_info", "Operating system, from os-release; always 1.",
			"build_id", "id", "id_like", "image_id", "image_version", "name", "pretty_name",
			"variant", "variant_id", "version", "version_codename", "version_id"),
		version:    m.Gauge("node_os_version", "Leading number of the operating system's version, such as 22.04, from VERSION_ID of os-release.", "id", "id_like", "name"),
		supportEnd: m.Gauge("node_os_support_end_timestamp_seconds", "End of support of the operating system as Unix time, from SUPPORT_END of os-release."),
	}
}

func (c *osCollector) Update(_ context.Context, out *metric.Sink) error {
	b, err := c.read()
	if err != nil {
		return collect.OrNoData(err)
	}
	r, errs := parseOSRelease(b)
	for i, err := range errs {
		errs[i] = c.root.At(err)
	}
	// An empty file is valid, because no variable is mandatory; a file without a
	// valid line is not.
	if r.variables > 0 || len(errs) == 0 {
		c.emit(&r, out)
	}
	return reportOrFail(out, errs, nil)
}

func (c *osCollector) emit(r *osRelease, out *metric.Sink) {
	out.Emit(c.info, 1, r.buildID, r.id, r.idLike, r.imageID, r.imageVersion, r.name, r.prettyName,
		r.variant, r.variantID, r.version, r.versionCodename, r.versionID)
	if v, ok := leadingVersion(r.versionID); ok {
		out.Emit(c.version, v, r.id, r.idLike, r.name)
	}
	if !r.supportEnd.IsZero() {
		out.Emit(c.supportEnd, float64(r.supportEnd.Unix()))
	}
}

// read returns the first os-release that exists. Reader.Resolve follows absolute
// links, such as those of NixOS, below the host's root; the system would follow
// them in the container that mounts it.
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
