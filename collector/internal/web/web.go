package web

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
	"net/http"
	"net/http/pprof"
	"time"

	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
)

//go:embed landing.html
var landingHTML string

// A Config is what a handler of the whole server is made of.
type Config struct {
	Metrics     *Metrics
	MetricsPath string // where Metrics is served
	Version     string
	Hostname    string
	Pprof       bool
	Units       func() []*collect.Unit
	Now         func() time.Time

	Checks        func() []Check       // nil: there are none
	Reload        func() error         // nil: no /-/reload
	Effective     func() []byte        // what is in effect, as YAML
	Configuration func() Configuration // nil: there is no configuration file
}

// A Check is what there is to tell of a custom check.
type Check struct {
	Name, Help, Command, State, Label, Duration, Age, Next, SeriesCount, Err string
}

// A Configuration is what there is to tell of a configuration file.
type Configuration struct {
	File     string
	ReadAt   time.Time // when the one in effect was read
	FailedAt time.Time // when a later one was refused; zero: it was not
	Errors   []string  // why
}

// NewHandler returns the handler of the whole server.
func NewHandler(c Config) (http.Handler, error) {
	page, err := template.New("landing").Parse(landingHTML)
	if err != nil {
		return nil, err
	}
	if c.MetricsPath == "" || c.MetricsPath[0] != '/' {
		return nil, fmt.Errorf("the telemetry path must start with a slash, have %q", c.MetricsPath)
	}
	mux := http.NewServeMux()
	mux.Handle(c.MetricsPath, c.Metrics)
	mux.HandleFunc("GET /-/healthy", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "host_exporter is healthy.") })
	mux.HandleFunc("GET /-/ready", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "host_exporter is ready.") })
	mux.HandleFunc("/-/reload", c.reload)
	mux.HandleFunc("GET /config", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		_, _ = w.Write(c.Effective())
	})
	if c.MetricsPath != "/" {
		mux.HandleFunc("GET /{$}", c.landing(page))
	}
	if c.Pprof {
		mux.HandleFunc("GET /debug/pprof/", pprof.Index)
		mux.HandleFunc("GET /debug/pprof/cmdline", pprof.Cmdline)
		mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
		mux.HandleFunc("GET /debug/pprof/symbol", pprof.Symbol)
		mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	}
	return mux, nil
}

// reload answers once the new configuration is in effect, or says why it is
// not.
func (c Config) reload(w http.ResponseWriter, r *http.Request) {
	switch {
	case c.Reload == nil:
		fail(w, http.StatusForbidden, "reloading over HTTP is off: start with --web.enable-lifecycle, or send SIGHUP")
	case r.Method != http.MethodPost && r.Method != http.MethodPut:
		w.Header().Set("Allow", "POST, PUT")
		fail(w, http.StatusMethodNotAllowed, "use POST or PUT")
	default:
		if err := c.Reload(); err != nil {
			fail(w, http.StatusInternalServerError, "the configuration was not reloaded:\n"+err.Error())
			return
		}
		fmt.Fprintln(w, "The configuration is in effect.")
	}
}

type row struct {
	Name, Help, State, Label, Duration, Age, Err string
	SampleCount                                  string
	Options                                      []collect.Option
}

func (c Config) landing(page *template.Template) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		data := struct {
			Config
			Rows   []row
			File   *Configuration
			Custom []Check
		}{Config: c}
		now := c.Now()
		if c.Configuration != nil {
			file := c.Configuration()
			data.File = &file
		}
		for _, u := range c.Units() {
			data.Rows = append(data.Rows, newRow(u, now))
		}
		if c.Checks != nil {
			data.Custom = c.Checks()
			for i := range data.Custom {
				data.Custom[i].Err = metric.Clean(data.Custom[i].Err)
			}
		}
		var buf bytes.Buffer
		if err := page.Execute(&buf, data); err != nil {
			fail(w, http.StatusInternalServerError, err.Error())
			return
		}
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = w.Write(buf.Bytes())
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
		r.Err = metric.Clean(s.Err.Error())
	}
	return r
}
