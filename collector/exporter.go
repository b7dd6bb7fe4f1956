package collector

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/go-kit/log"
	"github.com/go-kit/log/level"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/version"

	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/config"
	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
	"github.com/hostexporter/host_exporter/collector/internal/scrape"
	"github.com/hostexporter/host_exporter/collector/internal/self"
	"github.com/hostexporter/host_exporter/collector/internal/web"
)

// Settings are what a user asks of the collectors. See NewSettings.
type Settings = config.Settings

// A Flag is one command-line flag that fills Settings.
type Flag = config.Flag

// NewSettings returns settings with nothing but defaults, and the flags that
// change them.
func NewSettings() (*Settings, []Flag) {
	s := config.New()
	return s, s.Flags(Catalog())
}

// Paths are the roots that a host is read from.
type Paths = host.Paths

// A Config is what an Exporter is made of.
type Config struct {
	Settings *Settings // nil: defaults
	Paths    Paths
	Log      log.Logger // nil: none

	MetricsPath    string // usually /metrics
	MaxRequests    int    // scrapes at the same time; 0: no limit
	ProcessMetrics bool   // go_*, process_* and promhttp_* of the exporter itself
	Pprof          bool   // serve /debug/pprof/

	specs []collect.Spec // instead of the catalog, in tests
	host  *host.Host     // instead of the live one, in tests
}

// An Exporter is one set of enabled collectors and what serves them. It is
// safe for concurrent use. There is no global state: several can live in one
// process.
type Exporter struct {
	handler http.Handler
	units   []*collect.Unit
}

// New builds an exporter. It reads nothing of the host yet.
func New(c Config) (*Exporter, error) {
	if c.Log == nil {
		c.Log = log.NewNopLogger()
	}
	if c.Settings == nil {
		c.Settings = config.New()
	}
	specs, h := c.specs, c.host
	if specs == nil {
		specs = Catalog()
	}
	if h == nil {
		h = host.Live(c.Paths)
	}
	for _, w := range c.Settings.Warnings() {
		_ = level.Warn(c.Log).Log("msg", w)
	}

	e := &Exporter{}
	engine := scrape.NewEngine()
	tellBuild(engine)
	if c.ProcessMetrics {
		engine.Also(self.NewProcess(engine.Families(), h).Emit)
		engine.Also(self.NewRuntime(engine.Families()).Emit)
	}
	reserved := func(name string) bool {
		return engine.Families().Has(name) || ownName(name) ||
			slices.ContainsFunc(e.units, func(u *collect.Unit) bool { return u.Set().Has(name) })
	}
	for _, spec := range specs {
		if !c.Settings.Enabled(spec) {
			continue
		}
		u, err := collect.NewUnit(spec, h, c.Log, reserved, c.Settings.Options(spec.Name))
		if err != nil {
			return nil, err
		}
		e.units = append(e.units, u)
	}

	metrics := web.NewMetrics(web.MetricsConfig{
		Engine: engine,
		Units:  e.all,
		Known: func(name string) bool {
			return slices.ContainsFunc(specs, func(s collect.Spec) bool { return s.Name == name })
		},
		Log:         c.Log,
		MaxRequests: c.MaxRequests,
		Telemetry:   c.ProcessMetrics,
	})
	u, _ := h.Uname() // a host without a name gets a page without one
	var err error
	e.handler, err = web.NewHandler(web.Config{
		Metrics:     metrics,
		MetricsPath: c.MetricsPath,
		Version:     fmt.Sprintf("Version %s, revision %s, built with %s for %s/%s", version.Version, version.GetRevision(), version.GoVersion, version.GoOS, version.GoArch),
		Hostname:    u.Nodename,
		Pprof:       c.Pprof,
		Units:       e.all,
		Now:         h.Now,
	})
	return e, err
}

func (e *Exporter) all() []*collect.Unit { return e.units }

// ServeHTTP implements http.Handler: metrics, landing page, health.
func (e *Exporter) ServeHTTP(w http.ResponseWriter, r *http.Request) { e.handler.ServeHTTP(w, r) }

// Names returns the names of the enabled collectors.
func (e *Exporter) Names() []string {
	names := make([]string, len(e.units))
	for i, u := range e.units {
		names[i] = u.Spec.Name
	}
	return names
}

// Collectors returns the enabled collectors by name. Each can be registered in
// a registry of the caller's own; each has its deadline and its isolation
// there too.
func (e *Exporter) Collectors() map[string]prometheus.Collector {
	all := make(map[string]prometheus.Collector, len(e.units))
	for _, u := range e.units {
		all[u.Spec.Name] = u
	}
	return all
}

// tellBuild has every scrape tell what was built, under the exporter's own
// name and under the one by which dashboards look for hosts they can show.
func tellBuild(engine *scrape.Engine) {
	labels := []string{"version", "revision", "branch", "goversion", "goos", "goarch", "tags"}
	values := []string{version.Version, version.GetRevision(), version.Branch, version.GoVersion, version.GoOS, version.GoArch, version.GetTags()}
	for _, name := range []string{"host_exporter_build_info", "node_exporter_build_info"} {
		f := engine.Families().Gauge(name, "What this exporter was built from; always 1.", labels...)
		engine.Also(func(out *metric.Sink) { out.Emit(f, 1, values...) })
	}
}

// ownName reports whether a name is one of the exporter's own, so that nothing
// from outside may take it.
func ownName(name string) bool {
	for _, prefix := range []string{"host_exporter_", "node_exporter_build_info", "go_", "process_", "promhttp_"} {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return false
}
