package exporter

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/go-kit/log/level"

	"github.com/hostexporter/host_exporter/collector/checks"
	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/config"
	"github.com/hostexporter/host_exporter/collector/internal/document"
	"github.com/hostexporter/host_exporter/collector/internal/expect"
	"github.com/hostexporter/host_exporter/collector/internal/flight"
	"github.com/hostexporter/host_exporter/collector/internal/health"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
	"github.com/hostexporter/host_exporter/collector/internal/santopo"
	"github.com/hostexporter/host_exporter/collector/internal/scrape"
	"github.com/hostexporter/host_exporter/collector/internal/web"
)

// A generation is the result of loading the configuration once. It is
// immutable: a scrape that begins with a generation ends with it, even if the
// configuration is reloaded meanwhile.
type generation struct {
	checks   []checks.Definition
	units    []*collect.Unit
	onDemand []*collect.Unit // disabled, but needed for a page that somebody may open
	expect   *expect.Set     // nil: no expectations
	health   *health.Config  // nil: that which ships with the exporter
	file     *config.File    // nil: no configuration file
}

// Reload loads the configuration file and puts it into effect. If the file has
// an error, the previous configuration stays in effect as a whole.
func (e *Exporter) Reload() error {
	if e.config.child != nil {
		return e.config.child.requestReload()
	}
	return e.reload(e.load)
}

// reload calls load, and records and logs its result.
func (e *Exporter) reload(load func() (warnings []string, err error)) error {
	if e.config.File == "" {
		err := errors.New("no configuration file: start with --config.file")
		_ = level.Warn(e.config.Log).Log("msg", "Configuration not reloaded", "err", err)
		return err
	}
	before := e.Names()
	warnings, restart, err := e.recordLoad(load)
	if restart {
		return err // the runner starts a new process
	}
	e.logWarnings(warnings)
	if err != nil {
		_ = level.Error(e.config.Log).Log("msg", "Reload failed, the previous configuration stays in effect", "file", e.config.File, "err", err)
		return err
	}
	e.logReload(before)
	return nil
}

// logReload logs that the configuration was reloaded, and what has changed since the
// collectors before. The names of all collectors are logged once, at the start.
func (e *Exporter) logReload(before []string) {
	now := e.Names()
	fields := []any{"msg", "Configuration reloaded", "file", e.config.File, "collectors", len(now), "checks", len(e.current.Load().checks)}
	for _, change := range []struct {
		key      string
		from, to []string
	}{{"enabled", before, now}, {"disabled", now, before}} {
		names := slices.DeleteFunc(slices.Clone(change.to), func(n string) bool { return slices.Contains(change.from, n) })
		if len(names) > 0 {
			fields = append(fields, change.key, strings.Join(names, ","))
		}
	}
	_ = level.Info(e.config.Log).Log(fields...)
}

// logCollectors logs the names of the collectors.
func (e *Exporter) logCollectors() {
	_ = level.Info(e.config.Log).Log("msg", "Enabled collectors", "names", strings.Join(e.Names(), ","))
}

// recordLoad calls load, one at a time, and records its result unless a new process
// has to load the configuration.
func (e *Exporter) recordLoad(load func() ([]string, error)) (warnings []string, restart bool, err error) {
	e.reloading.Lock()
	defer e.reloading.Unlock()
	warnings, err = load()
	if _, restart = errors.AsType[*NeedsRestartError](err); restart && e.config.child != nil {
		return nil, true, err
	}
	e.reloadStatus.record(e.host.Now(), err)
	return warnings, false, err
}

func (e *Exporter) logWarnings(warnings []string) {
	for _, w := range warnings {
		_ = level.Warn(e.config.Log).Log("msg", w)
	}
}

// load reads and validates the configuration, builds a generation from it, and
// replaces the current one. It returns warnings to log.
func (e *Exporter) load() (warnings []string, err error) {
	settings := e.config.Settings
	var read configurationFile
	if e.config.File != "" {
		if read, err = e.reader.read(); err != nil {
			return nil, e.explain(&generation{file: read.file}, err)
		}
		settings = settings.With(read.file)
	}
	definitions, expectations := read.definitions, read.expectations
	if e.snapshot != nil {
		definitions = nil // they would run on this machine
	}
	next, err := e.build(settings, len(definitions) > 0)
	if err != nil {
		return nil, err
	}
	next.expect, next.checks, next.health, next.file = expect.NewSet(expectations...), definitions, read.health, read.file
	if err := e.explain(next, nil); err != nil {
		return nil, err
	}
	if err := e.checks.Apply(definitions); err != nil {
		return nil, err
	}
	warnings = settings.Warnings()
	for _, d := range definitions {
		warnings = append(warnings, d.Warnings()...)
	}
	e.current.Store(next)
	return warnings, nil
}

// A configurationFile is what a configuration file and its includes have.
type configurationFile struct {
	file         *config.File
	definitions  []checks.Definition
	expectations []*expect.Expectation
	health       *health.Config // nil: the files have no section for it
}

// readHealth reads a section of health rules.
func (c *configurationFile) readHealth(n document.Node) {
	if c.health == nil {
		var err error
		if c.health, err = health.NewConfig(); err != nil {
			n.Failf("%v", err)
			return
		}
	}
	c.health.Read(n)
}

// A configurationReader reads the configuration file.
type configurationReader struct {
	path    string
	specs   []collect.Spec
	timeout time.Duration // [10 s]
	reading flight.Flight[configurationFile]
}

// read reads the configuration file. It abandons a read that hangs, such as one of a
// dead file server, at the deadline; until that read returns, every later one fails
// without waiting for it.
func (r *configurationReader) read() (configurationFile, error) {
	for {
		run, started := r.reading.Go(func() (configurationFile, error) {
			var c configurationFile
			var findings document.Findings
			c.file, findings = config.Load(r.path, r.specs, map[string]config.Section{
				"checks": func(n document.Node) { c.definitions = append(c.definitions, checks.ReadDefinitions(n)...) },
				"expect": func(n document.Node) {
					c.expectations = append(c.expectations, expect.Read(n, config.Names(r.specs))...)
				},
				"health": c.readHealth,
			})
			if len(findings) > 0 {
				return c, findings
			}
			return c, nil
		})
		timeout := cmp.Or(r.timeout, 10*time.Second)
		if !run.Wait(context.Background(), run.StartTime.Add(timeout)) {
			return configurationFile{}, fmt.Errorf("%s: no answer after %v", r.path, timeout)
		}
		if started {
			return run.Result()
		}
	}
}

// build builds the enabled units. A unit that does not change is taken from the
// current generation, with its caches, counters and the run in progress. If
// there are checks, their collector is enabled unless it is disabled
// explicitly.
func (e *Exporter) build(settings *config.Settings, hasChecks bool) (*generation, error) {
	current := slices.Concat(e.units(), e.onDemand())
	next := &generation{}
	var errs []error
	var findings document.Findings // the same, if values may be of the file
	for _, spec := range e.specs {
		units := &next.units
		implied := spec.Name == "check" && hasChecks && !settings.IsExplicit(spec.Name)
		if !implied && !settings.Enabled(spec) {
			if spec.Name != santopo.OnDemand || settings.IsExplicit(spec.Name) {
				continue
			}
			units = &next.onDemand
		}
		u, err := collect.NewUnit(spec, e.host, e.config.Log, e.isReserved, settings.Options(spec.Name))
		if err != nil {
			errs = append(errs, err)
			findings = append(findings, document.Finding{File: e.config.File, Text: "collector " + spec.Name + ": the options are not valid", Quoted: err.Error()})
			continue
		}
		u.Timeout, u.Interval, u.MaxSeries = settings.Timeout(spec), settings.Interval(spec), settings.MaxSeries(spec)
		u.Declared = e.isDeclared
		u.UseWorkers(e.workers)
		if i := slices.IndexFunc(current, func(c *collect.Unit) bool { return sameUnit(c, u) }); i >= 0 {
			u = current[i]
		}
		*units = append(*units, u)
	}
	if e.config.File != "" && len(findings) > 0 {
		return nil, findings
	}
	return next, errors.Join(errs...)
}

// sameUnit reports whether two units have the same collector and settings.
func sameUnit(a, b *collect.Unit) bool {
	return a.Spec.Name == b.Spec.Name && a.Timeout == b.Timeout && a.Interval == b.Interval && a.MaxSeries == b.MaxSeries &&
		reflect.DeepEqual(a.Options, b.Options)
}

// isDeclared reports whether the exporter or one of its collectors declares a
// family.
func (e *Exporter) isDeclared(name string) bool {
	return e.engine.Families().Has(name) ||
		slices.ContainsFunc(e.units(), func(u *collect.Unit) bool { return u.Set().Has(name) })
}

// isReserved reports whether an external family must not have a name: those of
// this exporter and of Prometheus itself, and those that its collectors served in their last runs. In a
// family such as go_goroutines, which is of every Go program, only the series of
// the exporter itself are reserved; the engine leaves them out.
func (e *Exporter) isReserved(name string) bool {
	switch metric.ReservedPrefix(name) {
	case "", "go_", "process_", "promhttp_":
	case "up", "scrape_", "ALERTS":
		// Text files may have other names that begin like these, as with
		// node_exporter.
		if metric.IsOfPrometheus(name) {
			return true
		}
	default:
		return true
	}
	return slices.ContainsFunc(e.units(), func(u *collect.Unit) bool { return u.Serves(name) })
}

// A reloadStatus is the result of the last reload, and the time of the last one
// that succeeded.
type reloadStatus struct {
	mu          sync.Mutex
	successTime time.Time
	failureTime time.Time // zero when the last one succeeded
	err         error
}

func (r *reloadStatus) record(now time.Time, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.err = err; err != nil {
		r.failureTime = now
		return
	}
	r.successTime, r.failureTime = now, time.Time{}
}

// declare adds the status to every scrape.
func (r *reloadStatus) declare(engine *scrape.Engine, now time.Time) {
	r.record(now, nil)
	set := engine.Families()
	ok := set.Gauge("host_exporter_config_last_reload_successful", "Whether the last load of the configuration file succeeded.")
	since := set.Gauge("host_exporter_config_last_reload_success_timestamp_seconds", "Time of the last successful load of the configuration file, as a Unix time.")
	engine.OnScrape(func(out *metric.Sink) {
		r.mu.Lock()
		defer r.mu.Unlock()
		out.Bool(ok, r.err == nil)
		out.Emit(since, float64(r.successTime.UnixMilli())/1e3)
	})
}

// configuration returns the configuration file for the landing page.
func (e *Exporter) configuration() web.Configuration {
	r := &e.reloadStatus
	r.mu.Lock()
	defer r.mu.Unlock()
	c := web.Configuration{File: e.config.File, ReadAt: r.successTime, FailedAt: r.failureTime}
	if r.err != nil {
		c.Errors = strings.Split(fmt.Sprint(r.err), "\n")
		if document.Detail(r.err) != r.err.Error() {
			c.Errors = append(c.Errors, "host_exporter check-config quotes what the file has.")
		}
	}
	return c
}
