package exporter

import (
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
	"github.com/hostexporter/host_exporter/collector/internal/metric"
	"github.com/hostexporter/host_exporter/collector/internal/scrape"
	"github.com/hostexporter/host_exporter/collector/internal/web"
)

// A generation is what one reading of the configuration has made. It does not
// change: a scrape that began with one ends with it, whatever is reloaded
// meanwhile.
type generation struct {
	checks []checks.Definition
	units  []*collect.Unit
	expect *expect.Set // nil: nothing
}

// Reload reads the configuration file again and puts it into effect: all of
// it, or, when anything is wrong with it, nothing.
func (e *Exporter) Reload() error {
	e.reloading.Lock()
	defer e.reloading.Unlock()
	if e.config.File == "" {
		err := errors.New("there is no configuration file to load: start with --config.file")
		_ = level.Warn(e.config.Log).Log("msg", "Nothing is reloaded", "err", err)
		return err
	}
	err := e.load()
	e.reloads.record(e.host.Now(), err)
	if err != nil {
		_ = level.Error(e.config.Log).Log("msg", "Reloading the configuration failed; the one before stays in effect", "file", e.config.File, "err", err)
		return err
	}
	_ = level.Info(e.config.Log).Log("msg", "Reloaded the configuration", "file", e.config.File, "collectors", strings.Join(e.Names(), ","))
	return nil
}

// load reads the configuration, validates it, builds what it asks for, and
// puts that in the place of what is there.
func (e *Exporter) load() error {
	settings := e.config.Settings
	var expected []*expect.Expectation
	var defined []checks.Definition
	if e.config.File != "" {
		file, findings := config.Load(e.config.File, e.specs, map[string]config.Section{
			"checks": func(n document.Node) { defined = append(defined, checks.ReadDefinitions(n)...) },
			"expect": func(n document.Node) { expected = append(expected, expect.Read(n, config.Names(e.specs))...) },
		})
		if len(findings) > 0 {
			return findings
		}
		settings = settings.With(file)
	}
	next, err := e.build(settings, len(defined) > 0)
	if err != nil {
		return err
	}
	if err := e.checks.Apply(defined); err != nil {
		return err
	}
	for _, w := range settings.Warnings() {
		_ = level.Warn(e.config.Log).Log("msg", w)
	}
	for _, d := range defined {
		for _, w := range d.Warnings() {
			_ = level.Warn(e.config.Log).Log("msg", w)
		}
	}
	next.expect, next.checks = expect.NewSet(expected...), defined
	e.current.Store(next)
	return nil
}

// build makes the units that settings ask for. A unit that would be what it is
// already is taken over, with its caches, counters and the run in progress. The
// collector of checks is on when there are any, unless somebody says otherwise.
func (e *Exporter) build(settings *config.Settings, withChecks bool) (*generation, error) {
	old := e.units()
	next := &generation{}
	var errs []error
	for _, spec := range e.specs {
		wanted := spec.Name == "check" && withChecks && !settings.IsExplicit(spec.Name)
		if !wanted && !settings.Enabled(spec) {
			continue
		}
		u, err := collect.NewUnit(spec, e.host, e.config.Log, e.reserved, settings.Options(spec.Name))
		if err != nil {
			errs = append(errs, err)
			continue
		}
		u.Timeout, u.Interval = settings.Timeout(spec), settings.Interval(spec)
		if i := slices.IndexFunc(old, func(o *collect.Unit) bool { return sameUnit(o, u) }); i >= 0 {
			u = old[i]
		}
		next.units = append(next.units, u)
	}
	return next, errors.Join(errs...)
}

func sameUnit(a, b *collect.Unit) bool {
	return a.Spec.Name == b.Spec.Name && a.Timeout == b.Timeout && a.Interval == b.Interval && reflect.DeepEqual(a.Options, b.Options)
}

// reserved reports whether a name is that of a family of the exporter or of
// one of its collectors, so that nothing from outside may take it.
func (e *Exporter) reserved(name string) bool {
	return e.engine.Families().Has(name) || metric.ReservedPrefix(name) != "" ||
		slices.ContainsFunc(e.units(), func(u *collect.Unit) bool { return u.Set().Has(name) })
}

// reloads is what became of reading the configuration.
type reloads struct {
	mu        sync.Mutex
	succeeded time.Time
	failed    time.Time // zero when the last one succeeded
	err       error
}

func (r *reloads) record(now time.Time, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.err = err; err != nil {
		r.failed = now
		return
	}
	r.succeeded, r.failed = now, time.Time{}
}

// declare has every scrape tell how the last reading went.
func (r *reloads) declare(engine *scrape.Engine, now time.Time) {
	r.record(now, nil)
	set := engine.Families()
	ok := set.Gauge("host_exporter_config_last_reload_successful", "Whether the configuration was valid when it was last read; if not, the one before is in effect.")
	since := set.Gauge("host_exporter_config_last_reload_success_timestamp_seconds", "When the configuration in effect was read, as a Unix time.")
	engine.OnScrape(func(out *metric.Sink) {
		r.mu.Lock()
		defer r.mu.Unlock()
		out.Bool(ok, r.err == nil)
		out.Emit(since, float64(r.succeeded.UnixMilli())/1e3)
	})
}

// configuration tells the status page about the configuration file.
func (e *Exporter) configuration() web.Configuration {
	r := &e.reloads
	r.mu.Lock()
	defer r.mu.Unlock()
	c := web.Configuration{File: e.config.File, Read: r.succeeded, Failed: r.failed}
	if r.err != nil {
		c.Errors = strings.Split(fmt.Sprint(r.err), "\n")
	}
	return c
}
