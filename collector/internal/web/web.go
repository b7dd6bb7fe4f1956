// Package web serves the exporter over HTTP: metrics, landing page, health and
// reload. It selects the units, the format and the compression of a response,
// limits how long clients may take and how many connections they may have, and
// guards what is not for everyone who may scrape. It knows nothing of what
// collectors read.
package web

import (
	"bytes"
	"context"
	_ "embed"
	"fmt"
	"net/http"
	"net/http/pprof"
	"path"
	"strings"
	"time"

	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
	"github.com/hostexporter/host_exporter/collector/internal/santopo"
)

//go:embed landing.html
var landingHTML string

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

	Health        func(context.Context) (Health, error)            // collects, and judges the host; nil: no health
	SAN           func(context.Context) (*santopo.Topology, error) // scrapes the storage network; nil: no /san
	Checks        func() []Check                                   // nil: no checks
	Reload        func() error                                     // nil: no /-/reload
	Effective     func() []byte                                    // returns the configuration in effect as YAML
	Configuration func() Configuration                             // nil: no configuration file
	Sandbox       func() string                                    // returns the state of the sandbox in one line; nil: not shown
}

// A Check is a custom check on the landing page.
type Check struct {
	Name, Help, State, Label, Duration, Age, Next, SeriesCount, Err string
	Command, Stderr                                                 string // may have secrets
}

// A Configuration is the configuration file on the landing page.
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
	guard := newGuard(c.Names)
	mux := http.NewServeMux()
	mux.Handle(c.MetricsPath, c.Metrics)
	mux.HandleFunc("GET /-/healthy", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "host_exporter is healthy.") })
	mux.HandleFunc("GET /-/ready", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "host_exporter is ready.") })
	guarded := func(pattern string, handler http.HandlerFunc) { mux.Handle(pattern, guard.handler(handler)) }
	guarded("/-/reload", c.reload)
	guarded("GET /config", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		c.Metrics.writers.write(w, http.StatusOK, c.Effective())
	})
	if c.Health != nil {
		guarded("GET "+HealthPath, c.health)
	}
	if c.SAN != nil {
		guarded("GET /san", c.san(page{"san", sanHTML}))
	}
	if c.MetricsPath != "/" {
		guarded("GET /{$}", c.landing(page{"landing", func() string { return landingHTML }}))
	}
	if c.Pprof {
		guarded("GET /debug/pprof/", pprof.Index)
		guarded("GET /debug/pprof/cmdline", pprof.Cmdline)
		guarded("GET /debug/pprof/profile", pprof.Profile)
		guarded("GET /debug/pprof/symbol", pprof.Symbol)
		guarded("GET /debug/pprof/trace", pprof.Trace)
	}
	return withHeaders(mux, c.MetricsPath, contentSecurityPolicy(landingHTML)), nil
}

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
	case strings.HasPrefix(p, "/-/"), strings.HasPrefix(p+"/", "/config/"), strings.HasPrefix(p+"/", HealthPath+"/"), strings.HasPrefix(p+"/", "/san/"), strings.HasPrefix(p+"/", "/debug/pprof/"):
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

// A row is a collector on the landing page.
type row struct {
	Name, Help, State, Label, Duration, Age, Err string
	SampleCount                                  string
	Options                                      []collect.Option
}

func (c Config) landing(page page) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		data := struct {
			Config
			Host      *Health
			HealthErr string
			Rows      []row
			File      *Configuration
			CheckRows []Check
			HidesRuns bool
		}{Config: c, HidesRuns: !c.ShowRuns && !isLocal(r)}
		if c.Health != nil {
			// A client may have closed its sending side only, which cancels the
			// request's context as well.
			h, err := c.Health(context.WithoutCancel(r.Context()))
			if err == nil {
				data.Host = &h
			} else {
				data.HealthErr = err.Error()
			}
		}
		now := c.Now()
		if c.Configuration != nil {
			file := c.Configuration()
			data.File = &file
		}
		for _, u := range c.Units() {
			data.Rows = append(data.Rows, newRow(u, now))
		}
		if c.Checks != nil {
			data.CheckRows = c.Checks()
			for i := range data.CheckRows {
				check := &data.CheckRows[i]
				check.Err, check.Stderr = metric.Printable(check.Err), metric.Printable(check.Stderr)
				if data.HidesRuns {
					check.Command, check.Stderr = "", ""
				}
			}
		}
		var buf bytes.Buffer
		if err := page.Execute(&buf, data); err != nil {
			fail(w, http.StatusInternalServerError, err.Error())
			return
		}
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		c.Metrics.writers.write(w, http.StatusOK, buf.Bytes())
	}
}

func newRow(u *collect.Unit, now time.Time) row {
	s := u.Status()
	r := row{Name: u.Spec.Name, Help: u.Spec.Help, State: string(s.State), Label: string(s.State), Options: u.Options}
	switch {
	case s.State == "":
		r.Label = "not read yet"
	case !s.LateSince.IsZero():
		r.Label = fmt.Sprintf("late for %v", now.Sub(s.LateSince).Round(time.Second))
	case s.State == collect.NoData:
		r.Label = "no data"
	}
	if !s.Finished.IsZero() {
		r.Duration = s.Duration.Round(time.Microsecond).String()
		r.Age = fmt.Sprintf("%v ago", max(now.Sub(s.Finished), 0).Round(time.Second))
		r.SampleCount = fmt.Sprint(s.SampleCount)
	}
	if s.Err != nil {
		r.Err = metric.Printable(s.Err.Error())
	}
	return r
}
