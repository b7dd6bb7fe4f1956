package hba

import (
	"context"
	"strings"

	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
	"github.com/hostexporter/host_exporter/collector/internal/scan"
)

var tapestats = collect.Spec{
	Name: "tapestats",
	Help: "Tape drives: what they read and write, and how long that takes.",
	Reads: []string{
		"/sys/class/scsi_tape/st[0-9]*/stats/in_flight",
		"/sys/class/scsi_tape/st[0-9]*/stats/io_ns",
		"/sys/class/scsi_tape/st[0-9]*/stats/other_cnt",
		"/sys/class/scsi_tape/st[0-9]*/stats/read_byte_cnt",
		"/sys/class/scsi_tape/st[0-9]*/stats/read_cnt",
		"/sys/class/scsi_tape/st[0-9]*/stats/read_ns",
		"/sys/class/scsi_tape/st[0-9]*/stats/resid_cnt",
		"/sys/class/scsi_tape/st[0-9]*/stats/write_byte_cnt",
		"/sys/class/scsi_tape/st[0-9]*/stats/write_cnt",
		"/sys/class/scsi_tape/st[0-9]*/stats/write_ns",
	},
	Build: collect.With(tapestatsOptions{Ignored: collect.Pattern("^$")}, newTapestats),
}

type tapestatsOptions struct{ Ignored collect.Regexp }

func (o *tapestatsOptions) Fields() []collect.Field {
	return []collect.Field{
		{Name: "ignored-devices", Help: "Regular expression of tape drives to exclude.", Value: &o.Ignored},
	}
}

// tapestatsCollector reads /sys/class/scsi_tape/*/stats, a number a file
// (read_cnt: 4711), which are there since Linux 4.2. See
// https://docs.kernel.org/scsi/st.html.
type tapestatsCollector struct {
	sys     *host.Reader
	ignored collect.Regexp
	files   []tapestatsFile
}

// A tapestatsFile pairs a file with the family it fills.
type tapestatsFile struct {
	name   string
	factor float64 // of the number in the file
	family *metric.Family
}

const (
	tapeDir = "class/scsi_tape"

	// secondsPerNano is the factor of times. To divide by 1e9 would round
	// better, but a sample that is one bit less than that of node_exporter is a
	// counter reset to rate() after the exporter was replaced.
	secondsPerNano = 1e-9
)

func newTapestats(env *collect.Env, o tapestatsOptions) (*tapestatsCollector, error) {
	m := env.Metrics
	return &tapestatsCollector{
		sys:     env.Host.Sys.Reader().Share(tapeDir),
		ignored: o.Ignored,
		files: []tapestatsFile{
			{"in_flight", 1, m.Gauge("node_tape_io_now", "Commands that the tape drive is working on.", "device")},
			{"io_ns", secondsPerNano, m.Counter("node_tape_io_time_seconds_total", "Time in which the tape drive was busy, rewinding and the like included.", "device")},
			{"other_cnt", 1, m.Counter("node_tape_io_others_total", "Commands that neither read nor wrote.", "device")},
			{"read_byte_cnt", 1, m.Counter("node_tape_read_bytes_total", "Bytes that were read from tape.", "device")},
			{"read_cnt", 1, m.Counter("node_tape_reads_completed_total", "Commands that read from tape.", "device")},
			{"read_ns", secondsPerNano, m.Counter("node_tape_read_time_seconds_total", "Time that commands took to read from tape.", "device")},
			{"resid_cnt", 1, m.Counter("node_tape_residual_total", "Reads and writes whose block on tape differs in size from the request.", "device")},
			{"write_byte_cnt", 1, m.Counter("node_tape_written_bytes_total", "Bytes that were written to tape.", "device")},
			{"write_cnt", 1, m.Counter("node_tape_writes_completed_total", "Commands that wrote to tape.", "device")},
			{"write_ns", secondsPerNano, m.Counter("node_tape_write_time_seconds_total", "Time that commands took to write to tape.", "device")},
		},
	}, nil
}

func (c *tapestatsCollector) Update(ctx context.Context, out *metric.Sink) error {
	c.sys.BeginRun(ctx)
	names, err := c.sys.Names(tapeDir)
	if err != nil {
		return collect.OrNoData(err)
	}
	for _, name := range names {
		if isTape(name) && !c.ignored.Match(name) {
			c.updateTape(name, out)
		}
	}
	return nil
}

func (c *tapestatsCollector) updateTape(name string, out *metric.Sink) {
	for _, f := range c.files {
		if v, err := c.sys.Counter(tapeDir, name, "stats", f.name); host.ReportUnlessGone(err, out.Error) {
			if f.name == "in_flight" {
				v = scan.ClampAmount32(v) // a command may be counted as completed before it is counted as sent
			}
			out.Emit(f.family, float64(v)*f.factor, name)
		}
	}
}

// isTape reports whether a name is that of a drive. Each drive has up to seven
// more names with the same counters: nst0 does not rewind, st0l, st0m and st0a
// set modes.
func isTape(name string) bool {
	digits, ok := strings.CutPrefix(name, "st")
	_, number := scan.Uint([]byte(digits))
	return ok && number
}
