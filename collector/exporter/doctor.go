package exporter

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/common/model"

	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/config"
	"github.com/hostexporter/host_exporter/collector/internal/doctor"
	"github.com/hostexporter/host_exporter/collector/internal/health"
	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
	"github.com/hostexporter/host_exporter/collector/internal/scrape"
)

// DoctorOptions are the options of Doctor.
type DoctorOptions struct {
	Names []string // of collectors and metrics; empty: all collectors
	Files bool     // list the files of each collector
}

// Doctor collects once and writes the problems of the host, and a report on each
// collector, or on those with the given names: its state, how many of its files
// exist, which of them cannot be read, and how to change that. Of a metric it writes
// the samples, or why the host does not have it. The error says how many collectors
// need attention, and which metrics are missing.
func (e *Exporter) Doctor(ctx context.Context, out io.Writer, o DoctorOptions) error {
	names, metrics, err := e.splitNames(o.Names)
	if err != nil {
		return err
	}
	// The files have the names of owners.
	if err := e.seal("/etc/passwd", "/etc/group"); err != nil {
		return err
	}
	w := &report{out: out, paths: e.config.Paths, inspect: e.inspect, sandbox: e.sandbox.String(), files: o.Files}
	if e.snapshot != nil {
		w.printf("%s\n\n", describeSnapshot(e.config.From, e.snapshot))
	}
	if len(metrics) > 0 {
		if err := e.explainMetrics(ctx, w, metrics); err != nil || len(names) == 0 {
			return cmp.Or(err, w.result())
		}
		w.printf("\n")
	}
	if e.snapshot == nil {
		w.writeHost()
	}
	units := e.units()
	judged, err := e.judge(ctx, scrape.Request{}, nil)
	if err != nil {
		return err
	}
	if len(names) == 0 {
		w.writeHealth(judged)
	}
	for _, spec := range e.specs {
		if len(names) > 0 && !slices.Contains(names, spec.Name) {
			continue
		}
		w.writeCollector(spec, collect.UnitByName(units, spec.Name))
	}
	if w.unhealthy > 0 {
		w.printf("\ndocs/permissions.md lists what each collector needs.\n")
	}
	return w.result()
}

// splitNames splits names into those of collectors and of metrics, of which the labels
// are left out.
func (e *Exporter) splitNames(names []string) (collectors, metrics []string, err error) {
	for _, name := range names {
		_, err := config.Find(e.specs, name)
		family, _, _ := strings.Cut(name, "{")
		switch {
		case err == nil:
			collectors = append(collectors, name)
		case (strings.Contains(family, "_") || metric.ReservedPrefix(family) != "") && model.LegacyValidation.IsValidMetricName(family):
			metrics = append(metrics, family)
		default:
			return nil, nil, err
		}
	}
	return collectors, metrics, nil
}

// A report writes the doctor's report.
type report struct {
	out       io.Writer
	paths     host.Paths
	sandbox   string
	inspect   func(patterns []string) doctor.FileAccess
	files     bool     // list the files
	unhealthy int      // collectors that need attention
	missing   []string // metrics
	err       error    // the first error of out
}

// inspect checks the files that match patterns.
func (e *Exporter) inspect(patterns []string) doctor.FileAccess {
	if e.snapshot != nil {
		return doctor.InspectRecorded(e.host, patterns)
	}
	return doctor.Inspect(e.config.Paths, patterns)
}

// result returns the error of a report.
func (w *report) result() error {
	var texts []string
	switch {
	case w.err != nil:
		return w.err
	case w.unhealthy == 1:
		texts = append(texts, "1 collector needs attention")
	case w.unhealthy > 1:
		texts = append(texts, fmt.Sprintf("%d collectors need attention", w.unhealthy))
	}
	if len(w.missing) > 0 {
		texts = append(texts, "missing: "+strings.Join(w.missing, ", "))
	}
	if texts == nil {
		return nil
	}
	return errors.New(strings.Join(texts, "; "))
}

func (w *report) printf(format string, args ...any) {
	if w.err == nil {
		_, w.err = fmt.Fprintf(w.out, format, args...)
	}
}

// writeHost writes the user and the capabilities of the process, and the roots
// of the host that do not exist.
func (w *report) writeHost() {
	w.printf("user %d, group %d, capabilities %s\n", os.Geteuid(), os.Getegid(), doctor.Capabilities())
	w.printf("sandbox: %s\n", w.sandbox)
	for _, root := range []struct{ name, flag, path, content string }{
		{"procfs", "--path.procfs", "/proc", "/proc/stat"},
		{"sysfs", "--path.sysfs", "/sys", "/sys/class"},
		{"root file system", "--path.rootfs", "/", "/etc"},
		{"udev database", "--path.udev.data", "/run/udev/data", "/run/udev/data"},
	} {
		if _, err := os.Stat(doctor.HostPath(w.paths, root.content)); err != nil {
			w.printf("%s: not found at %s: mount it there, or set %s\n", root.name, doctor.HostPath(w.paths, root.path), root.flag)
		}
	}
	w.printf("\n")
}

// writeHealth writes the problems of the host other than notes.
func (w *report) writeHealth(r *health.Report) {
	w.printf("health: %s, %s (host_exporter health says what to do)\n", r.Verdict(), r.Summary())
	for _, p := range r.Problems {
		if p.Rule.Severity > health.Info {
			w.printf("  %s: %s\n", p.Rule.Severity, p.Text)
		}
	}
	w.printf("\n")
}

// writeCollector writes the report on one collector; unit is nil if it is
// disabled.
func (w *report) writeCollector(spec collect.Spec, unit *collect.Unit) {
	access := w.inspect(spec.Reads)
	files := ""
	if access.PatternCount > 0 {
		files = fmt.Sprintf("%d of %d kinds of files exist", access.MatchCount, access.PatternCount)
	}
	if unit == nil {
		w.writeLine(spec.Name, "disabled", join(files, "enable with --collector."+spec.Name))
		w.writeFiles(access)
		return
	}
	s := unit.Status()
	state := strings.ReplaceAll(string(s.State), "_", " ")
	w.writeLine(spec.Name, state, join(fmt.Sprintf("%d samples in %v", s.SampleCount, s.Duration.Round(10*time.Microsecond)), files))
	w.writeFiles(access)
	if s.State == collect.NoData {
		w.writeDetail("this host does not have what it reads%s", strings.TrimPrefix(fmt.Sprint(s.Err), collect.ErrNoData.Error()))
		return
	}
	if s.Err != nil {
		w.writeDetail("%v", s.Err)
	}
	for _, f := range access.Unreadable {
		more := ""
		if f.More > 0 {
			more = fmt.Sprintf(", and %d more like it", f.More)
		}
		w.writeDetail("unreadable: %s (%s)%s", f.Path, f.Why, more)
		w.writeDetail("  fix: %s", f.Fix)
	}
	if s.State == collect.Timeout {
		w.writeDetail("  fix: set --collector.timeout=%s=%v, or read less often with --collector.interval=%s=1m", spec.Name, 2*unit.Timeout, spec.Name)
	}
	if s.State != collect.OK || len(access.Unreadable) > 0 {
		w.unhealthy++
		if spec.Needs != "" {
			w.writeDetail("needs: %s", spec.Needs)
		}
	}
}

// writeFiles lists the kinds of files, if that was asked for.
func (w *report) writeFiles(access doctor.FileAccess) {
	if !w.files {
		return
	}
	for _, p := range access.Patterns {
		state := "does not exist"
		switch {
		case p.Unreadable > 0:
			state = fmt.Sprintf("%d of %d files cannot be read", p.Unreadable, p.Count)
		case p.Count == 1:
			state = "exists"
		case p.Count > 1:
			state = fmt.Sprintf("%d files", p.Count)
		}
		w.writeDetail("%s: %s", p.Path, state)
	}
}

func (w *report) writeLine(name, state, text string) { w.printf("%-18s %-9s %s\n", name, state, text) }

func (w *report) writeDetail(format string, args ...any) {
	w.printf("%-18s   %s\n", "", strings.ReplaceAll(fmt.Sprintf(format, args...), "\n", " "))
}

// join joins the parts that are not empty with commas.
func join(parts ...string) string {
	return strings.Join(slices.DeleteFunc(parts, func(s string) bool { return s == "" }), ", ")
}
