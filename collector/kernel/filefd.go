package kernel

import (
	"context"

	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
	"github.com/hostexporter/host_exporter/collector/internal/scan"
)

var filefd = collect.Spec{
	Name:  "filefd",
	Help:  "Open file handles of the system, and their maximum.",
	Reads: []string{"/proc/sys/fs/file-nr"},
	Build: collect.Plain(newFilefd),
}

// filefdCollector reads /proc/sys/fs/file-nr, one line: the file handles in
// use, a number that is always 0, and the maximum number of file handles.
//
//	548	0	9223372036854775807
//
// See https://docs.kernel.org/admin-guide/sysctl/fs.html.
type filefdCollector struct {
	proc               *host.Reader
	allocated, maximum *metric.Family
}

func newFilefd(env *collect.Env) *filefdCollector {
	m := env.Metrics
	return &filefdCollector{
		proc:      env.Host.Proc.Reader().KeepOpen().WholeReads(),
		allocated: m.Gauge("node_filefd_allocated", "Open file handles of the system, from /proc/sys/fs/file-nr."),
		maximum:   m.Gauge("node_filefd_maximum", "Maximum number of open file handles of the system, from /proc/sys/fs/file-nr."),
	}
}

func (c *filefdCollector) Update(_ context.Context, out *metric.Sink) error {
	b, err := c.proc.Read("sys/fs/file-nr")
	if err != nil {
		return collect.OrNoData(err)
	}
	allocated, maximum, err := parseFilefd(b)
	if err != nil {
		return c.proc.At(err)
	}
	out.Emit(c.allocated, float64(allocated))
	out.Emit(c.maximum, float64(maximum))
	return nil
}

func parseFilefd(b []byte) (allocated, maximum uint64, err error) {
	var fields [3][]byte
	n := scan.Fields(fields[:], b)
	allocated, ok := scan.Amount64(fields[0])
	maximum, ok2 := scan.Uint(fields[2])
	if n < 3 || !ok || !ok2 {
		return 0, 0, host.Bad(1, "three numbers of file handles", b)
	}
	return allocated, maximum, nil
}
