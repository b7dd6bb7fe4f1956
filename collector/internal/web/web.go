// Package web serves the exporter over HTTP: metrics, landing page, health and
// reload. It selects the units, the format and the compression of a response,
// limits how long clients may take and how many connections they may have, and
// guards what is not for everyone who may scrape. It knows nothing of what
// collectors read.
package web

import (
	"context"
	"fmt"
	"net/http"
	"net/http/pprof"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/santopo"
)

// A Config is the configuration of the handler.
type Config struct {
	Metrics     *Metrics
	MetricsPath string // of Metrics
	Version     string
	Hostname    string
	Names       []string // of the host, for the header Host; one that starts with a dot stands for all names that end with it
	ShowRuns    bool     // show the commands and the standard error of checks over TCP
	Pprof       bool
	Units       func() []*collect.Unit
	Now         func() time.Time

	Health          func(ctx context.Context, wantsRisks bool) (Health, error) // collects, and judges the host; nil: no health
	HasExpectations func() bool                                                // nil: no expectations
	SAN             func(context.Context) (*santopo.Topology, error)           // scrapes the storage network; nil: no /san
	Collector       func(ctx context.Context, name string) *Collector          // collects; returns nil for an unknown name
	Checks          func() []Check                                             // nil: no checks
	Check           func(name string) *CheckDetails                            // returns nil for an unknown name
	Reload          func() error                                               // nil: no /-/reload
	Effective       func() []byte                                              // returns the configuration in effect as YAML
	Settings        func() Settings                                            // returns the configuration in effect, with the origin of each value
	Configuration   func() Configuration                                       // nil: no configuration file
	Sandbox         func() string                                              // returns the state of the sandbox in one line; nil: not shown
	Authenticated   func(*http.Request) bool                                   // whether the client of a request has proved who it is; nil: no client
}

// A Configuration is the state of the configuration file.
type Configuration struct {
	File     string
	ReadAt   time.Time // when the configuration in effect was loaded
	FailedAt time.Time // when a later load failed; zero: none failed
	Errors   []string  // of the failed load
}

// NewHandler returns the handler of the server.
func NewHandler(c Config) (http.Handler, error) {
	if err := checkMetricsPath(c.MetricsPath); err != nil {
		return nil, err
	}
	assets := newAssets()
	pages := newPages(c, assets)
	guard := newGuard(c.Names)
	mux := http.NewServeMux()
	mux.Handle(c.MetricsPath, c.Metrics)
	mux.HandleFunc("GET /-/healthy", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "host_exporter is healthy.") })
	mux.HandleFunc("GET /-/ready", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "host_exporter is ready.") })
	guarded := func(pattern string, handler http.HandlerFunc) { mux.Handle(pattern, guard.handler(handler)) }
	guarded("/-/reload", c.reload)
	guarded("GET "+assetsPath, assets.handler(&c.Metrics.writers))
	guarded("GET /config", pages.configuration)
	guarded("GET /collectors", pages.collectors)
	guarded("GET /collectors/{name}", pages.collector)
	guarded("GET /checks", pages.checks)
	guarded("GET /checks/{name}", pages.check)
	if c.Health != nil {
		guarded("GET "+HealthPath, c.health)
		guarded("GET /expectations", pages.expectations)
	}
	if c.SAN != nil {
		guarded("GET /san", pages.san())
	}
	if c.MetricsPath != "/" {
		guarded("GET /{$}", pages.host)
	}
	if c.Pprof {
		guarded("GET /debug/pprof/", pprof.Index)
		guarded("GET /debug/pprof/cmdline", pprof.Cmdline)
		guarded("GET /debug/pprof/profile", pprof.Profile)
		guarded("GET /debug/pprof/symbol", pprof.Symbol)
		guarded("GET /debug/pprof/trace", pprof.Trace)
	}
	return withHeaders(mux, c.MetricsPath, contentSecurityPolicy(pageStyle())), nil
}

// reservedPaths are the beginnings of paths that the metrics cannot have.
var reservedPaths = []string{"/-/", "/config/", HealthPath + "/", "/san/", "/collectors/", "/checks/", "/expectations/", assetsPath, "/debug/pprof/"}

// checkMetricsPath checks that a path can be that of the metrics.
func checkMetricsPath(p string) error {
	want := ""
	switch {
	case !strings.HasPrefix(p, "/"):
		want = "a path that starts with a slash"
	case strings.ContainsAny(p, "{}?#%\\\"<> ") || strings.ContainsFunc(p, func(r rune) bool { return r < ' ' || r == 0x7f }):
		want = "a path without spaces, braces and other special characters"
	case p != "/" && path.Clean(p) != strings.TrimSuffix(p, "/"), strings.Contains(p, "//"):
		want = fmt.Sprintf("a path without empty elements and dots, such as %s", path.Clean(p))
	case slices.ContainsFunc(reservedPaths, func(used string) bool { return strings.HasPrefix(p+"/", used) }):
		want = "a path that is not in use for something else"
	default:
		return nil
	}
	return fmt.Errorf("--web.telemetry-path: want %s, have %q", want, p)
}

// reload reloads the configuration, and then responds with the result.
func (c Config) reload(w http.ResponseWriter, r *http.Request) {
	switch {
	case c.Reload == nil:
		fail(w, http.StatusForbidden, "reloading over HTTP is disabled: start with --web.enable-lifecycle, or send SIGHUP")
	case r.Method != http.MethodPost && r.Method != http.MethodPut:
		w.Header().Set("Allow", "POST, PUT")
		fail(w, http.StatusMethodNotAllowed, "use POST or PUT")
	default:
		if err := c.Reload(); err != nil {
			fail(w, http.StatusInternalServerError, "reload failed, the previous configuration stays in effect:\n"+err.Error())
			return
		}
		fmt.Fprintln(w, "The configuration is in effect.")
	}
}
