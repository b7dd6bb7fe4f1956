package exporter

import (
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/config"
	"github.com/hostexporter/host_exporter/collector/internal/doctor"
	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/scrape"
)

// Doctor collects once and writes, for each collector or for those that are
// named, whether it is enabled, how it went, which of its files are there,
// which may not be read, and the one thing that would change that. It reports
// whether all is well.
func (e *Exporter) Doctor(ctx context.Context, out io.Writer, names []string) (well bool, err error) {
	for _, name := range names {
		if _, err := config.Find(e.specs, name); err != nil {
			return false, err
		}
	}
	w := &report{out: out, paths: e.config.Paths}
	w.writeHost()
	units := e.units()
	e.engine.AppendText(ctx, nil, scrape.Request{Units: units})
	for _, spec := range e.specs {
		if len(names) > 0 && !slices.Contains(names, spec.Name) {
			continue
		}
		w.writeCollector(spec, collect.UnitByName(units, spec.Name))
	}
	if w.troubles > 0 {
		w.printf("\nCollectors that could show more: %d. See docs/permissions.md for what each needs.\n", w.troubles)
	}
	return w.troubles == 0, w.err
}

// A report writes what the doctor finds.
type report struct {
	out      io.Writer
	paths    host.Paths
	troubles int
	err      error
}

func (w *report) printf(format string, args ...any) {
	if w.err == nil {
		_, w.err = fmt.Fprintf(w.out, format, args...)
	}
}

// writeHost tells who reads what.
func (w *report) writeHost() {
	w.printf("user %d, group %d, capabilities %s\n", os.Geteuid(), os.Getegid(), doctor.Capabilities())
	for _, root := range []struct{ name, flag, path, proof string }{
		{"procfs", "--path.procfs", "/proc", "/proc/stat"},
		{"sysfs", "--path.sysfs", "/sys", "/sys/class"},
		{"root file system", "--path.rootfs", "/", "/etc"},
		{"udev database", "--path.udev.data", "/run/udev/data", "/run/udev/data"},
	} {
		at := doctor.HostPath(w.paths, root.path)
		if _, err := os.Stat(doctor.HostPath(w.paths, root.proof)); err != nil {
			w.printf("%s: nothing at %s: mount the host's there if it has one, or say where it is with %s\n", root.name, at, root.flag)
		}
	}
	w.printf("\n")
}

// writeCollector tells of one collector; unit is nil when it is not enabled.
func (w *report) writeCollector(spec collect.Spec, unit *collect.Unit) {
	sight := doctor.Inspect(w.paths, spec.Reads)
	files := ""
	if sight.PatternCount > 0 {
		files = fmt.Sprintf("%d of %d kinds of files are there", sight.MatchCount, sight.PatternCount)
	}
	if unit == nil {
		fix := "--collector." + spec.Name
		w.writeLine(spec.Name, "disabled", join(files, "enable it with "+fix))
		return
	}
	s := unit.Status()
	state := strings.ReplaceAll(string(s.State), "_", " ")
	w.writeLine(spec.Name, state, join(fmt.Sprintf("%d samples in %v", s.SampleCount, s.Duration.Round(10*time.Microsecond)), files))
	if s.State == collect.NoData {
		w.writeDetail("this host does not have what it reads%s", strings.TrimPrefix(fmt.Sprint(s.Err), collect.ErrNoData.Error()))
		return
	}
	trouble := s.State != collect.OK || len(sight.Unreadable) > 0
	if s.Err != nil {
		w.writeDetail("%v", s.Err)
	}
	for _, f := range sight.Unreadable {
		more := ""
		if f.More > 0 {
			more = fmt.Sprintf(", and %d more like it", f.More)
		}
		w.writeDetail("forbidden: %s (%s)%s", f.Path, f.Why, more)
		w.writeDetail("  fix: %s", f.Fix)
	}
	if s.State == collect.Timeout {
		w.writeDetail("  fix: more time with --collector.timeout=%s=%v, or a period of its own with --collector.interval=%s=1m", spec.Name, 2*unit.Timeout, spec.Name)
	}
	if trouble {
		w.troubles++
		if spec.Needs != "" {
			w.writeDetail("needs: %s", spec.Needs)
		}
	}
}

func (w *report) writeLine(name, state, text string) { w.printf("%-18s %-9s %s\n", name, state, text) }

func (w *report) writeDetail(format string, args ...any) {
	w.printf("%-18s   %s\n", "", strings.ReplaceAll(fmt.Sprintf(format, args...), "\n", " "))
}

// join joins what is not empty with commas.
func join(parts ...string) string {
	return strings.Join(slices.DeleteFunc(parts, func(s string) bool { return s == "" }), ", ")
}
