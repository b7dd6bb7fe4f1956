// Package exporter is the application: it reads the configuration, builds the
// enabled collectors, serves them over HTTP, reloads them, runs the custom
// checks, and implements the commands of the command line. It does not parse
// flags, and knows no kernel files. Programs that embed host_exporter use it;
// its exported API is stable within a minor version, see CONTRIBUTING.md.
package exporter

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"github.com/coreos/go-systemd/v22/journal"
	"github.com/go-kit/log"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/version"

	"github.com/hostexporter/host_exporter/collector"
	"github.com/hostexporter/host_exporter/collector/checks"
	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/config"
	"github.com/hostexporter/host_exporter/collector/internal/document"
	"github.com/hostexporter/host_exporter/collector/internal/expect"
	"github.com/hostexporter/host_exporter/collector/internal/flight"
	"github.com/hostexporter/host_exporter/collector/internal/health"
	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
	"github.com/hostexporter/host_exporter/collector/internal/scrape"
	"github.com/hostexporter/host_exporter/collector/internal/self"
	"github.com/hostexporter/host_exporter/collector/internal/snapshot"
	"github.com/hostexporter/host_exporter/collector/internal/web"
)

// Settings are the explicit settings of the collectors. See NewSettings.
type Settings = config.Settings

// A Flag is one command-line flag that changes Settings.
type Flag = config.Flag

// NewSettings returns settings with nothing explicit, and the flags that change
// them.
func NewSettings() (*Settings, []Flag) {
	s := config.New()
	return s, s.Flags(collector.Catalog())
}

// Suggest returns a hint to the known name that is most like an unknown one, as
// the end of an error text, or "".
func Suggest(unknown string, known []string) string { return document.Suggest(unknown, known) }

// Findings are the errors of a configuration file. See Detail.
type Findings = document.Findings

// Detail returns the text of an error for an operator on a terminal. If it is of the
// configuration file, it quotes the file, as Error does not. It is Error if standard
// error is the journal, which others may read.
func Detail(err error) string {
	if isJournal, _ := journal.StderrIsJournalStream(); isJournal {
		return err.Error()
	}
	return document.Detail(err)
}

// Paths are the roots of the file trees of a host.
type Paths = host.Paths

// A Config is the configuration of an Exporter.
type Config struct {
	Settings *Settings // nil: defaults
	File     string    // path of the configuration file; empty: none
	Paths    Paths
	From     string     // path of a snapshot to read instead of this host; empty: none
	Log      log.Logger // nil: none
	// LogWriter is the writer behind Log, whose dropped lines are exported. Nil:
	// none.
	LogWriter *LogWriter

	MetricsPath    string      // usually /metrics
	MaxRequests    int         // maximum number of scrapes at once; 0: no limit
	ProcessMetrics bool        // export go_*, process_* and promhttp_* of the exporter itself
	WithoutHelp    bool        // leave the HELP lines out of the text format
	Pprof          bool        // serve /debug/pprof/
	Lifecycle      bool        // serve /-/reload
	AllowedHosts   []string    // names of the exporter, in addition to those of the host; .example.com stands for all below it
	HealthMetrics  bool        // export host_exporter_health
	ShowCheckRuns  bool        // show commands and standard error of checks on the pages
	Flags          []FlagValue // of the program, for the page of the configuration
	CheckSlots     int         // maximum number of checks at once; 0: four
	SlowCheckSlots int         // maximum number of slow checks at once, in addition; 0: two
	SaveMemory     bool        // of a process that only serves: collect garbage early, and unmap the program once it has started
	Sandbox        string      // auto, required or off, see Serve; empty: off

	CheckUser string // user of checks that name none, if the exporter may change users; empty: its own
	User      string // user of the process that a Runner starts to serve; empty: that of the runner

	child       *child         // link to the runner that started this process; nil: none
	specs       []collect.Spec // instead of the catalog, in tests
	host        *host.Host     // instead of the live one: of a snapshot, or of a test
	readTimeout time.Duration  // for the configuration file: 10 s; less in tests
}

// An Exporter runs the enabled collectors and checks, and serves their metrics.
// It is safe for concurrent use, and several can live in one process.
type Exporter struct {
	config Config
	specs  []collect.Spec
	host   *host.Host
	// snapshot is what host reads, or nil if it is not a snapshot.
	snapshot *snapshot.Archive
	engine   *scrape.Engine
	workers  *flight.Workers // of the units
	checks   *checks.Checks
	handler  http.Handler
	serving  atomic.Bool

	connections *web.Connections

	shippedHealth func() (*health.Config, error)
	history       health.History

	current      atomic.Pointer[generation]
	reloading    sync.Mutex
	reader       configurationReader
	reloadStatus reloadStatus

	memory        *memorySaver // set before the sandbox; nil: none
	sandbox       sandbox
	webConfigFile string        // that the toolkit reads at each connection; set before the sandbox
	addresses     []net.Addr    // of the listeners; set before the sandbox
	drawing       chan struct{} // has an element while a page has the topology of the SAN
	startsChecks  bool          // by Serve, and not by other commands; set before the sandbox
}

// New builds an exporter. It reads the configuration file and the host's name;
// collectors read the host at the first scrape.
func New(c Config) (*Exporter, error) {
	if c.Log == nil {
		c.Log = log.NewNopLogger()
	}
	if c.Settings == nil {
		c.Settings = config.New()
	}
	replay, err := c.replay()
	if err != nil {
		return nil, err
	}
	e := &Exporter{config: c, snapshot: replay, specs: c.specs, host: c.host, engine: scrape.NewEngine(), workers: flight.NewWorkers(),
		drawing: make(chan struct{}, 1), shippedHealth: sync.OnceValues(health.NewConfig), connections: web.NewConnections(web.DescriptorLimit())}
	if e.host == nil {
		e.host = host.Live(c.Paths)
		e.host.Calls = flight.NewPool(callLimit())
	}
	u, _ := e.host.Uname() // without a name the host is still served
	if c.child != nil {
		e.checks = c.child.mirror.Checks()
	} else {
		e.checks = checks.New(c.checkOptions(u.Nodename, e.host.Now, e.controlGroups))
	}
	if e.specs == nil {
		e.specs = collect.Specs(collector.DomainsWith(e.checks.Specs()))
	}
	e.reader = configurationReader{path: c.File, specs: e.specs, timeout: c.readTimeout}
	declareBuildInfo(e.engine)
	e.sandbox.declare(e.engine)
	if c.LogWriter != nil {
		dropped := e.engine.Families().Counter("host_exporter_log_lines_dropped_total", "Log lines dropped because the log was not read or could not be written.")
		e.engine.OnScrape(func(out *metric.Sink) { out.Emit(dropped, float64(c.LogWriter.Dropped())) })
	}
	if c.ProcessMetrics {
		e.engine.OnScrape(self.NewProcess(e.engine.Families(), e.ownHost()).Emit)
		e.engine.OnScrape(self.NewRuntime(e.engine.Families()).Emit)
	}
	e.current.Store(&generation{})
	warnings, err := e.load()
	if err != nil {
		return nil, err
	}
	e.logWarnings(warnings)
	if c.File != "" {
		e.reloadStatus.declare(e.engine, e.host.Now())
	}
	return e, e.buildHandler(u.Nodename)
}

// buildHandler builds the HTTP handler.
func (e *Exporter) buildHandler(hostname string) error {
	metrics := web.NewMetrics(web.MetricsConfig{
		Engine: e.engine,
		Current: func() ([]*collect.Unit, *expect.Set) {
			g := e.current.Load()
			return g.units, g.expect
		},
		Health: e.exportedHealth,
		Known: func(name string) bool {
			_, err := config.Find(e.specs, name)
			return err == nil
		},
		Log:         e.config.Log,
		MaxRequests: e.config.MaxRequests,
		Telemetry:   e.config.ProcessMetrics,
		WithoutHelp: e.config.WithoutHelp,
		Connections: e.connections,
		MaxWaiting:  maxWaiting(debug.SetMemoryLimit(-1)),
		MaxOrdinary: maxOrdinary(debug.SetMemoryLimit(-1)),
		Served:      func() { e.memory.scraped() },
	})
	c := web.Config{
		Metrics:         metrics,
		MetricsPath:     e.config.MetricsPath,
		Version:         fmt.Sprintf("Version %s, revision %s, built with %s for %s/%s", version.Version, version.GetRevision(), version.GoVersion, version.GoOS, version.GoArch),
		Hostname:        hostname,
		Names:           append(ownNames(e.host, hostname), e.config.AllowedHosts...),
		ShowRuns:        e.config.ShowCheckRuns,
		Checks:          e.checkRows,
		Check:           e.checkPage,
		Collector:       e.collectorPage,
		Effective:       e.effective,
		Settings:        e.pageSettings,
		Health:          e.pageHealth,
		HasExpectations: func() bool { return e.current.Load().expect != nil },
		Authenticated:   e.authenticated,
		Pprof:           e.config.Pprof,
		Units:           e.units,
		Now:             e.host.Now,
		SAN:             e.topology,
	}
	if e.config.Lifecycle {
		c.Reload = func() error {
			err := e.Reload()
			e.manager().notifyStatus(e.statusLine())
			return err
		}
	}
	if e.config.File != "" {
		c.Configuration = e.configuration
	}
	if e.config.Sandbox != "" {
		c.Sandbox = e.sandbox.String
	}
	if e.snapshot != nil {
		c.Hostname += " (snapshot of " + e.host.Now().UTC().Format(time.RFC3339) + ")"
	}
	var err error
	e.handler, err = web.NewHandler(c)
	return err
}

// checkOptions returns the options of the checks that this process runs.
func (c Config) checkOptions(hostname string, now func() time.Time, groups func() *checks.Groups) checks.Options {
	return checks.Options{
		Hostname: hostname, Log: c.Log, Now: now, Groups: groups,
		Concurrency: c.CheckSlots, SlowConcurrency: c.SlowCheckSlots,
		// systemd makes this directory for the service alone.
		DefaultUser: c.CheckUser, ScratchDir: os.Getenv("RUNTIME_DIRECTORY"),
	}
}

// newServer returns a server for one listener of e.connections.
func (e *Exporter) newServer() *http.Server {
	return web.NewServer(e, e.connections, e.config.Log)
}

// effective returns the configuration in effect: collectors and health rules.
func (e *Exporter) effective() []byte {
	b := config.Effective(e.specs, e.units())
	c, err := e.healthConfig()
	if err != nil {
		return b
	}
	return c.AppendYAML(b, e.config.HealthMetrics)
}

func (e *Exporter) units() []*collect.Unit { return e.current.Load().units }

// onDemand returns the units that only a page runs.
func (e *Exporter) onDemand() []*collect.Unit { return e.current.Load().onDemand }

// ServeHTTP implements http.Handler: metrics, landing page, health, reload.
func (e *Exporter) ServeHTTP(w http.ResponseWriter, r *http.Request) { e.handler.ServeHTTP(w, r) }

// Names returns the names of the enabled collectors.
func (e *Exporter) Names() []string {
	var names []string
	for _, u := range e.units() {
		names = append(names, u.Spec.Name)
	}
	return names
}

// Collectors returns the enabled collectors by name. Each can be registered in
// a registry of the caller, and keeps its deadline and its isolation there.
func (e *Exporter) Collectors() map[string]prometheus.Collector {
	all := map[string]prometheus.Collector{}
	for _, u := range e.units() {
		all[u.Spec.Name] = u
	}
	return all
}

// declareBuildInfo adds the build information to every scrape: under the
// exporter's own name, and under the one by which dashboards find hosts.
func declareBuildInfo(engine *scrape.Engine) {
	labels := []string{"version", "revision", "branch", "goversion", "goos", "goarch", "tags"}
	values := []string{version.Version, version.GetRevision(), version.Branch, version.GoVersion, version.GoOS, version.GoArch, version.GetTags()}
	for _, name := range []string{"host_exporter_build_info", "node_exporter_build_info"} {
		f := engine.Families().Gauge(name, "Version from which the exporter was built, always 1.", labels...)
		engine.OnScrape(func(out *metric.Sink) { out.Emit(f, 1, values...) })
	}
}
