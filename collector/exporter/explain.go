package exporter

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"github.com/hostexporter/host_exporter/collector/checks"
	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/config"
	"github.com/hostexporter/host_exporter/collector/internal/doctor"
	"github.com/hostexporter/host_exporter/collector/internal/document"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
	"github.com/hostexporter/host_exporter/collector/internal/scrape"
)

// maxShownSamples is the maximum number of samples of a metric in the doctor's report.
const maxShownSamples = 20

// explainMetrics writes for each metric whether the host has it, and otherwise why not and
// what would change that.
func (e *Exporter) explainMetrics(ctx context.Context, w *report, names []string) error {
	g := e.current.Load()
	text := e.engine.AppendText(ctx, nil, scrape.Request{Units: g.units, Expect: g.expect, Health: e.exportedHealth(true)})
	if err := interrupted(ctx); err != nil {
		return err
	}
	parser := expfmt.NewTextParser(model.LegacyValidation)
	families, err := parser.TextToMetricFamilies(bytes.NewReader(text))
	if err != nil {
		return err
	}
	catalog := readCatalog()
	for i, name := range names {
		if i > 0 {
			w.printf("\n")
		}
		x := explanation{exporter: e, report: w, catalog: catalog, generation: g, name: name}
		if f := families[name]; f != nil {
			x.present(f)
			continue
		}
		w.missing = append(w.missing, name)
		x.missing()
	}
	return nil
}

// An explanation writes why the host has a metric, or not.
type explanation struct {
	*report
	exporter   *Exporter
	catalog    []catalogFamily
	generation *generation
	name       string
}

// present writes the samples of a metric.
func (x *explanation) present(f *dto.MetricFamily) {
	x.printf("%s: present, %d series\n", x.name, len(f.Metric))
	x.line("what", "%s", f.GetHelp())
	if u := x.owner(); u != nil {
		x.line("from", "the collector %s", u.Spec.Name)
	}
	for i, m := range f.Metric {
		if i == maxShownSamples {
			x.printf("    and %d more: host_exporter once\n", len(f.Metric)-i)
			break
		}
		var labels []string
		for _, l := range m.Label {
			labels = append(labels, l.GetName()+"="+strconv.Quote(l.GetValue()))
		}
		series := x.name
		if labels != nil {
			series += "{" + strings.Join(labels, ",") + "}"
		}
		x.printf("    %s %s\n", series, tableValue(x.name, m))
	}
}

// line writes one part of the explanation.
func (x *explanation) line(title, format string, args ...any) {
	x.printf("  %-5s %s\n", title+":", strings.ReplaceAll(fmt.Sprintf(format, args...), "\n", " "))
}

// owner returns the enabled unit that has the metric, or nil.
func (x *explanation) owner() *collect.Unit {
	for _, u := range x.generation.units {
		if u.Set().Has(x.name) {
			return u
		}
	}
	for _, f := range x.catalog {
		if f.name == x.name {
			if u := collect.UnitByName(x.generation.units, f.collector); u != nil {
				return u
			}
		}
	}
	return nil
}

// missing writes why the metric is missing.
func (x *explanation) missing() {
	x.printf("%s: missing\n", x.name)
	for _, f := range x.catalog {
		if f.name == x.name {
			x.line("what", "%s", f.help)
			break
		}
	}
	if u := x.owner(); u != nil {
		x.ofUnit(u)
		return
	}
	for _, spec := range x.exporter.specs {
		options := x.exporter.config.Settings.Options(spec.Name)
		u := collect.UnitByName(x.generation.units, spec.Name)
		inCatalog := slices.ContainsFunc(x.catalog, func(f catalogFamily) bool { return f.name == x.name && f.collector == spec.Name })
		switch {
		case u == nil && (inCatalog || x.exporter.declares(spec, options, x.name)):
			x.disabled(spec)
			return
		case u == nil:
			if flag := x.exporter.enablingOption(spec, options, x.name); flag != "" {
				x.line("why", "the collector %s is disabled, and so is its option", spec.Name)
				x.line("fix", "--collector.%s %s", spec.Name, flag)
				return
			}
		case u != nil:
			if flag := x.exporter.enablingOption(spec, options, x.name); flag != "" {
				x.line("why", "an option of the collector %s leaves it out", spec.Name)
				x.line("fix", "%s", flag)
				return
			}
		}
	}
	x.withoutCollector()
}

// disabled writes that the metric is of a collector that is disabled, and whether the
// host has what it reads.
func (x *explanation) disabled(spec collect.Spec) {
	x.line("why", "the collector %s is disabled", spec.Name)
	if spec.Name == "check" {
		x.line("fix", "declare checks in the configuration file (docs/checks.md)")
		return
	}
	x.line("fix", "--collector.%s, or in the configuration file collectors: {%s: true}", spec.Name, spec.Name)
	access := x.exporter.inspect(spec.Reads)
	if access.PatternCount > 0 && access.MatchCount == 0 {
		x.line("note", "this host has none of the files that it reads")
	}
	x.files(spec, access)
	if spec.Needs != "" {
		x.line("needs", "%s", spec.Needs)
	}
}

// ofUnit writes why a collector that is enabled does not have the metric.
func (x *explanation) ofUnit(u *collect.Unit) {
	spec, s := u.Spec, u.Status()
	x.line("from", "the collector %s, whose last run was: %s", spec.Name, strings.ReplaceAll(string(s.State), "_", " "))
	_, drops := u.AppendDeclared(nil, func(string) bool { return false }, &collect.Families{}, nil)
	if i := slices.IndexFunc(drops, func(d metric.Drop) bool { return d.Name == x.name }); i >= 0 {
		x.line("why", "its %d series were dropped: the collector has more than the maximum of %d", drops[i].SeriesCount, u.MaxSeries)
		x.line("fix", "exclude devices, or set --collector.max-series=%s=N", spec.Name)
		return
	}
	access := x.exporter.inspect(spec.Reads)
	switch s.State {
	case collect.NoData:
		x.line("why", "this host does not have what the collector reads%s", strings.TrimPrefix(fmt.Sprint(s.Err), collect.ErrNoData.Error()))
		x.provider(s.Err, access)
		x.unreadable(access)
		return
	case collect.Timeout:
		x.line("why", "the collector was late: %v", cmp.Or(s.Err, context.DeadlineExceeded))
		x.line("fix", "--collector.timeout=%s=%v", spec.Name, 2*u.Timeout)
	case collect.Failed, collect.Panic:
		x.line("why", "%v", s.Err)
	case collect.Partial:
		x.line("why", "the collector could not read everything: %v", s.Err)
	default:
		x.line("why", "the collector ran, and the kernel or the driver does not have this value, no device has it, or an option excludes it")
	}
	x.switches(u)
	x.files(spec, access)
	for _, o := range u.Options {
		if isSelection(o.Name) && o.Value != "" {
			x.line("note", "--%s=%s selects what is exported", flagOf(spec, o.Name), o.Value)
		}
	}
	if s.State != collect.OK && spec.Needs != "" || len(access.Unreadable) > 0 {
		x.line("needs", "%s", cmp.Or(spec.Needs, "permission to read its files"))
	}
	x.kernel()
}

// isSelection reports whether an option of a name selects devices or values.
func isSelection(name string) bool {
	return strings.HasSuffix(name, "-include") || strings.HasSuffix(name, "-exclude") || name == "fields"
}

// flagOf returns the flag of an option of a collector.
func flagOf(spec collect.Spec, option string) string {
	for _, f := range spec.Build.Fields() {
		if f.Name == option {
			return f.FlagName(spec.Name)
		}
	}
	return option
}

// maxMissingFiles is the maximum number of kinds of missing files in an explanation, of
// those that nothing in particular provides.
const maxMissingFiles = 5

// files writes which files of a collector do not exist, with what provides them, and
// which cannot be read.
func (x *explanation) files(spec collect.Spec, access doctor.FileAccess) {
	var absent []string
	provided := map[string]bool{}
	for _, p := range access.Patterns {
		provider := doctor.Provider(p.Pattern)
		switch {
		case p.Count > 0 || provided[provider]:
		case provider == "":
			absent = append(absent, p.Path)
		default:
			provided[provider] = true
			x.line("file", "%s does not exist: it takes %s", p.Path, provider)
		}
	}
	for i, path := range absent {
		if i == maxMissingFiles {
			x.line("file", "%d more kinds of files do not exist: host_exporter doctor -v %s", len(absent)-i, spec.Name)
			break
		}
		x.line("file", "%s does not exist", path)
	}
	x.unreadable(access)
}

// unreadable writes which files cannot be read, and what would change that.
func (x *explanation) unreadable(access doctor.FileAccess) {
	for _, f := range access.Unreadable {
		x.line("file", "%s cannot be read (%s)", f.Path, f.Why)
		x.line("fix", "%s", f.Fix)
	}
}

// provider writes what provides a file that an error names.
func (x *explanation) provider(err error, access doctor.FileAccess) {
	if err == nil {
		return
	}
	for word := range strings.FieldsSeq(err.Error()) {
		path := strings.TrimRight(word, ":,;")
		for _, p := range access.Patterns {
			// An error may name the file, or a folder above the files.
			if strings.HasPrefix(path, "/") && strings.HasPrefix(p.Path, path) {
				if text := doctor.Provider(p.Pattern); text != "" {
					x.line("fix", "it takes %s", text)
				}
				return
			}
		}
	}
}

// switches writes which options of a collector are off. If the name of one is in that
// of the metric, it writes only that.
func (x *explanation) switches(u *collect.Unit) {
	var off, named []collect.Field
	for _, f := range u.Spec.Build.Fields() {
		i := slices.IndexFunc(u.Options, func(o collect.Option) bool { return o.Name == f.Name })
		if !collect.IsSwitch(f.Value) || f.Hidden || i < 0 || u.Options[i].Value == "true" {
			continue
		}
		off = append(off, f)
		if strings.Contains(x.name, strings.ReplaceAll(f.Name, "-", "_")) {
			named = append(named, f)
		}
	}
	if named != nil || u.Status().State != collect.OK {
		off = named
	}
	for _, f := range off {
		x.line("fix", "perhaps --%s, which is off: %s", f.FlagName(u.Spec.Name), f.Help)
	}
}

// kernelVersion matches the versions that texts name.
var kernelVersion = regexp.MustCompile(`(since|before|until) Linux (\d+)\.(\d+)`)

// kernel writes that the help of the metric names another kernel than that of the host.
func (x *explanation) kernel() {
	u, err := x.exporter.host.Uname()
	if err != nil {
		return
	}
	for _, f := range x.catalog {
		if f.name == x.name {
			if text := kernelNote(f.help, u.Release); text != "" {
				x.line("note", "%s", text)
			}
			return
		}
	}
}

// kernelNote returns a note if a help text names kernels of which that of the release
// is none.
func kernelNote(help, release string) string {
	m := kernelVersion.FindStringSubmatch(help)
	if m == nil {
		return ""
	}
	var major, minor int
	if _, err := fmt.Sscanf(release, "%d.%d", &major, &minor); err != nil {
		return ""
	}
	wantMajor, _ := strconv.Atoi(m[2])
	wantMinor, _ := strconv.Atoi(m[3])
	older := cmp.Or(cmp.Compare(major, wantMajor), cmp.Compare(minor, wantMinor)) < 0
	if older == (m[1] == "since") {
		return fmt.Sprintf("kernels %s Linux %s.%s have it, this one is %s", m[1], m[2], m[3], release)
	}
	return ""
}

// withoutCollector explains a metric that no collector has: one of the exporter
// itself, of a check, of an older node_exporter, or unknown.
func (x *explanation) withoutCollector() {
	e := x.exporter
	for _, d := range x.generation.checks {
		if slices.Contains(checks.Families(d), x.name) {
			x.line("from", "the check %s, which this command does not run", d.Name)
			x.line("fix", "host_exporter checks run %s tries it, host_exporter checks status asks the exporter that runs it", d.Name)
			return
		}
	}
	switch metric.ReservedPrefix(x.name) {
	case "go_", "process_":
		x.line("why", "it is of the exporter itself, if --web.disable-exporter-metrics is not set")
		return
	case "promhttp_":
		x.line("why", "it is of the HTTP server of the exporter, and only on /metrics")
		return
	case "host_check_":
		x.line("why", "it is about checks, which only the exporter that serves runs")
		return
	case "up", "scrape_", "ALERTS":
		x.line("why", "Prometheus writes it, not an exporter")
		return
	}
	for _, f := range config.New().Flags(e.specs) {
		if name, ok := strings.CutPrefix(f.Name, "collector."); ok && f.Instead != "" && strings.HasPrefix(x.name, "node_"+name+"_") {
			x.line("why", "host_exporter does not have the collector %s", name)
			x.line("fix", "%s", f.Instead)
			return
		}
	}
	known := func(name string) bool {
		return slices.ContainsFunc(x.catalog, func(f catalogFamily) bool { return f.name == name })
	}
	if current := currentName(x.name, known); current != "" {
		x.line("why", "it was renamed in node_exporter 0.16")
		x.line("fix", "query %s", current)
		return
	}
	var names []string
	for _, f := range x.catalog {
		names = append(names, f.name)
	}
	for _, f := range e.engine.Families().Families() {
		names = append(names, f.Name())
	}
	x.line("why", "no collector has a metric of this name%s", document.Suggest(x.name, names))
	for _, u := range x.generation.units {
		if u.Set().IsDynamic() && x.sharesPrefix(u) {
			x.line("note", "names of the collector %s come from the kernel or from files, and this host does not have this one", u.Spec.Name)
		}
	}
}

// sharesPrefix reports whether a unit has a family with the same first three words.
func (x *explanation) sharesPrefix(u *collect.Unit) bool {
	words := strings.SplitN(x.name, "_", 3)
	if len(words) < 3 {
		return false
	}
	prefix := words[0] + "_" + words[1] + "_"
	return slices.ContainsFunc(u.Set().Families(), func(f *metric.Family) bool { return strings.HasPrefix(f.Name(), prefix) })
}
