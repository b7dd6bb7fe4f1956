// Command host_exporter exports Linux host metrics to Prometheus.
package main

import (
	"cmp"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"
	"syscall"
	"time"

	"github.com/alecthomas/kingpin/v2"
	"github.com/alecthomas/units"
	"github.com/go-kit/log/level"
	"github.com/prometheus/common/version"
	"github.com/prometheus/exporter-toolkit/web"
	"github.com/prometheus/exporter-toolkit/web/kingpinflag"

	"github.com/hostexporter/host_exporter/collector"
	"github.com/hostexporter/host_exporter/collector/checks"
	"github.com/hostexporter/host_exporter/collector/exporter"
)

// release is the version if the build sets none.
//
//go:embed VERSION
var release string

func main() {
	runtime.MemProfileRate = 0 // see prepare
	checks.Supervise()         // does not return if this process supervises a check
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, func() {
		stop() // a second signal ends the process at once
		time.AfterFunc(stopTimeout, func() { exit(fmt.Errorf("not stopped %v after the signal", stopTimeout)) })
	})
	if err := run(ctx, os.Args[1:], os.Stdout, os.Stderr); err != nil {
		exit(err)
	}
}

// stopTimeout is how long after a signal the process ends at the latest. It is
// below the twenty seconds after which the service managers kill it.
const stopTimeout = 18 * time.Second

// flushTimeout is how long the end of the process waits for a log that is not
// read.
const flushTimeout = time.Second

// exit ends the process with an error. It does not wait for ever for a standard
// error that is not read.
func exit(err error) {
	code := 1
	if e, ok := errors.AsType[exitError](err); ok {
		code = e.code
	}
	if _, ok := errors.AsType[loggedError](err); !ok {
		stderr := exporter.NewLogWriter(os.Stderr)
		for line := range strings.Lines("host_exporter: " + exporter.Detail(err)) {
			fmt.Fprint(stderr, line)
		}
		stderr.Flush(flushTimeout)
	}
	os.Exit(code)
}

// An exitError is an error with an exit code other than 1.
type exitError struct {
	error
	code int
}

func (e exitError) Unwrap() error { return e.error }

// A loggedError is an error that is in the log already.
type loggedError struct{ error }

func (e loggedError) Unwrap() error { return e.error }

// run runs the command of args: by default it serves until ctx is done.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	if version.Version == "" {
		version.Version = strings.TrimSpace(release)
	}
	// A reload may be requested before the exporter serves: it must not end it.
	hangup := make(chan os.Signal, 1)
	signal.Notify(hangup, syscall.SIGHUP)
	defer signal.Stop(hangup)
	p := newProgram(stdout, stderr)
	p.hangup, p.args = hangup, args
	command, err := p.app.Parse(args)
	switch {
	case p.done:
		return nil
	case err != nil:
		return fmt.Errorf("%w%s, try --help", err, p.suggestion(err))
	}
	if command != "serve" {
		signal.Stop(hangup) // a terminal that closes ends the command
	}
	p.prepare()
	defer p.config.LogWriter.Flush(flushTimeout)
	if command != "san" && (command != "once" || isTerminal(stdout)) { // programs read once; san has colors, and printable names
		p.stdout = exporter.NewPrintableWriter(stdout)
	}
	p.stderr = exporter.NewPrintableWriter(stderr)
	return p.commands[command](ctx)
}

// isTerminal reports whether a person reads what is written to w.
func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// suggestion returns a hint to the flag that was probably meant, for an error
// about an unknown one.
func (p *program) suggestion(err error) string {
	name, ok := strings.CutPrefix(err.Error(), "unknown long flag '--")
	if !ok {
		return ""
	}
	var known []string
	for _, f := range p.app.Model().Flags {
		if !f.Hidden {
			known = append(known, "--"+f.Name)
		}
	}
	return exporter.Suggest("--"+strings.TrimSuffix(name, "'"), known)
}

// A program is the command line with the values of its flags.
type program struct {
	app      *kingpin.Application
	commands map[string]func(context.Context) error
	stdout   io.Writer
	stderr   io.Writer
	done     bool // --help or --version was printed
	hangup   <-chan os.Signal
	args     []string

	config                 exporter.Config
	toolkit                *web.FlagConfig
	slog                   *slog.Logger
	withoutExporterMetrics bool
	help                   string // --web.help
	maxProcs               int
	memoryLimit            *units.Base2Bytes
	logLevel, logFormat    string

	collectors      []string // arguments of once and doctor
	onceFormat      string
	healthOptions   exporter.HealthOptions
	sanFormat       string
	comparison      exporter.CompareOptions
	migration       exporter.MigrateOptions
	migrationSource []string
	migrationFormat string
	check           string // argument of checks run
	crontab         string // argument of checks import
	crontabFormat   string
	crontabUser     string
	strict          bool // of check-config
	configFromStdin bool // check-config -
}

func newProgram(stdout, stderr io.Writer) *program {
	p := &program{app: kingpin.New("host_exporter", "Export Linux host metrics to Prometheus."), stdout: stdout, stderr: stderr}
	p.app.UsageWriter(stdout)
	p.app.ErrorWriter(stderr)
	p.app.Terminate(func(int) { p.done = true })
	p.app.HelpFlag.Short('h')
	p.app.Flag("version", "Print the version and exit.").PreAction(func(*kingpin.ParseContext) error {
		_, err := fmt.Fprintln(stdout, version.Print("host_exporter"))
		p.done = true
		return err
	}).Bool()
	p.addFlags()
	p.addCommands()
	return p
}

func (p *program) addFlags() {
	app, c := p.app, &p.config
	var collectorFlags []exporter.Flag
	c.Settings, collectorFlags = exporter.NewSettings()
	p.toolkit = kingpinflag.AddFlags(app, ":9100")
	flag := func(name, placeholder, value, help string) *kingpin.FlagClause {
		return app.Flag(name, withDefault(help, value)).PlaceHolder(placeholder).Default(value)
	}
	app.Flag("config.file", "Configuration file in YAML (docs/config.md). SIGHUP reloads it.").PlaceHolder("PATH").StringVar(&c.File)
	flag("web.telemetry-path", "PATH", "/metrics", "Path under which to serve the metrics.").StringVar(&c.MetricsPath)
	flag("web.help", "TEXT", "full", "Help texts of the metrics in the text format: full or none, which halves the size of a response.").EnumVar(&p.help, "full", "none")
	app.Flag("web.disable-exporter-metrics", "Leave out the metrics of the exporter itself: promhttp_*, process_* and go_*.").BoolVar(&p.withoutExporterMetrics)
	flag("web.max-requests", "N", "40", "Maximum number of scrapes to serve at once, 0 for no limit; others are answered with 503.").IntVar(&c.MaxRequests)
	app.Flag("web.enable-pprof", "Serve profiles of the exporter itself under /debug/pprof/.").BoolVar(&c.Pprof)
	app.Flag("web.enable-lifecycle", "Reload the configuration file on POST /-/reload.").BoolVar(&c.Lifecycle)
	app.Flag("web.allowed-host", "Name to serve the status page under, in addition to those of the host; .example.com is every name below it. The flag may be given more than once.").PlaceHolder("NAME").StringsVar(&c.AllowedHosts)
	app.Flag("health.metrics", "Export host_exporter_health, with a series for each health rule that has something to judge (docs/health.md).").BoolVar(&c.HealthMetrics)
	app.Flag("web.show-check-runs", "Show command lines and standard error of checks on the pages to everyone, and not only to clients with a password or a certificate and on unix sockets.").BoolVar(&c.ShowCheckRuns)
	flag("checks.concurrency", "N", "4", "Maximum number of checks to run at once.").IntVar(&c.CheckSlots)
	flag("checks.user", "NAME", "host_exporter-checks", "User of the checks that name none, if the exporter may change users; otherwise its own.").StringVar(&c.CheckUser)
	flag("checks.slow-concurrency", "N", "2", "Maximum number of slow checks to run at once, in addition to --checks.concurrency.").IntVar(&c.SlowCheckSlots)
	app.Flag("collector.disable-defaults", "Run only the collectors that are enabled explicitly.").BoolVar(&c.Settings.DisableDefaults)
	flag("path.procfs", "PATH", "/proc", "Mount point of procfs.").StringVar(&c.Paths.Procfs)
	flag("path.sysfs", "PATH", "/sys", "Mount point of sysfs.").StringVar(&c.Paths.Sysfs)
	flag("path.rootfs", "PATH", "/", "Mount point of the host's root file system.").StringVar(&c.Paths.Rootfs)
	flag("path.udev.data", "PATH", "/run/udev/data", "Directory of udev's database.").StringVar(&c.Paths.UdevData)
	flag("sandbox", "MODE", "auto", "Restrict the process to what its collectors need: auto, as far as the kernel can; required, or fail; off (docs/security.md).").Envar("HOST_EXPORTER_SANDBOX").EnumVar(&c.Sandbox, "auto", "required", "off")
	app.Flag("runtime.user", "User of the process that collects and serves, if there is a configuration file. The process that runs checks keeps its own.").PlaceHolder("NAME").StringVar(&c.User)
	flag("runtime.gomaxprocs", "N", "1", "Maximum number of CPUs to use at once.").Envar("GOMAXPROCS").IntVar(&p.maxProcs)
	p.memoryLimit = flag("runtime.memory-limit", "BYTES", "128MiB", "Soft memory limit, at most nine tenths of the control group's limit. GOMEMLIMIT takes precedence.").Bytes()
	flag("log.level", "LEVEL", "info", "Lowest level to log: debug, info, warn or error.").EnumVar(&p.logLevel, "debug", "info", "warn", "error")
	flag("log.format", "FORMAT", "logfmt", "Log format: logfmt or json.").EnumVar(&p.logFormat, "logfmt", "json")
	for _, f := range collectorFlags {
		addFlag(app, f)
	}
}

func (p *program) addCommands() {
	p.commands = map[string]func(context.Context) error{"serve": p.serve, "check-config": p.checkConfig, "once": p.once, "doctor": p.doctor, "health": p.health, "san": p.san,
		"compare": p.compare, "migrate": p.migrate, "expect suggest": p.suggestExpectations, "checks list": p.listChecks, "checks run": p.runCheck, "checks import": p.importCrontab}
	p.app.Command("serve", "Serve metrics over HTTP. This is the default command.").Default()

	check := p.app.Command("check-config", "Check a configuration file and report all errors. The exit status is 1 if there are any.")
	check.Arg("file", "Configuration file, instead of --config.file; - for standard input.").SetValue((*configArg)(p))
	check.Flag("strict", "Fail if a check cannot run on this host, or no enabled collector declares a family of an expectation.").BoolVar(&p.strict)

	once := p.app.Command("once", "Collect once and print the metrics. The exit status is 1 if a collector failed.")
	once.Flag("format", withDefault("Output format: text, as on /metrics, or json.", "text")).PlaceHolder("FORMAT").Default("text").EnumVar(&p.onceFormat, "text", "json")
	once.Arg("collector", "Collectors to run, instead of the enabled ones.").StringsVar(&p.collectors)

	doctor := p.app.Command("doctor", "Collect once and report for each collector which files are missing or unreadable, and how to fix that. The exit status is 1 if a collector needs attention.")
	doctor.Arg("collector", "Collectors to report on, instead of all.").StringsVar(&p.collectors)

	health := p.app.Command("health", "Collect once and report the problems of the host by the health rules (docs/health.md). The exit status is 0 for ok, 1 for warning, 2 for critical, and 3 if the health is unknown.")
	health.Flag("format", withDefault("Output format: text, json, or nagios for monitoring plugins.", "text")).PlaceHolder("FORMAT").Default("text").EnumVar(&p.healthOptions.Format, exporter.HealthFormats()...)
	health.Flag("url", "Running exporter to ask instead, which knows its checks and since when it has seen each problem: http://localhost:9100 or unix:///run/host_exporter.sock.").PlaceHolder("URL").StringVar(&p.healthOptions.URL)
	san := p.app.Command("san", "Collect once and print the SAN: ports, fabrics, target ports, LUNs with their paths, and file systems. The exit status is 1 if a collector failed.")
	san.Flag("format", withDefault("Output format: tree, svg or json.", "tree")).PlaceHolder("FORMAT").Default("tree").EnumVar(&p.sanFormat, "tree", "svg", "json")

	compare := p.app.Command("compare", "Compare the metrics of two exporters on one host, and find the queries of dashboards and rules that select none. The exit status is 1 if there are differences.")
	compare.Flag("known", "File of known differences to leave out: kind, regular expression of families, cause (peer or ours) and reason, separated by tabs.").PlaceHolder("PATH").StringVar(&p.comparison.Known)
	compare.Flag("deep", "Compare series and values too.").BoolVar(&p.comparison.Deep)
	compare.Flag("dashboard", "Grafana dashboard in JSON whose queries to check. The flag may be given more than once.").PlaceHolder("PATH").StringsVar(&p.comparison.Dashboards)
	compare.Flag("rules", "File of Prometheus rules whose expressions to check. The flag may be given more than once.").PlaceHolder("PATH").StringsVar(&p.comparison.Rules)
	compare.Arg("ours", "URL or file of this exporter's metrics.").Required().StringVar(&p.comparison.Ours)
	compare.Arg("peer", "URL or file of the other exporter's metrics.").StringVar(&p.comparison.Peer)

	migrate := p.app.Command("migrate", "Convert the arguments of node_exporter into flags or a configuration file, with a comment for each difference. The exit status is 1 if an argument has no counterpart.")
	migrate.Flag("format", withDefault("Output format: flags or config.", "flags")).PlaceHolder("FORMAT").Default("flags").EnumVar(&p.migrationFormat, "flags", "config")
	migrate.Flag("debian", withDefault("Add the defaults that Debian's package builds in: yes, no or auto.", "auto")).PlaceHolder("VALUE").Default("auto").EnumVar(&p.migration.Debian, "auto", "yes", "no")
	migrate.Arg("source", "Environment file, systemd unit or Kubernetes manifest with the arguments, or the arguments themselves after --.").StringsVar(&p.migrationSource)

	p.app.Command("expect", "Write expectations.").Command("suggest", "Collect once and print expectations that the host meets now, for you to correct.")

	checks := p.app.Command("checks", "List, run and import checks.")
	checks.Command("list", "List the checks of the configuration file.")
	run := checks.Command("run", "Run a check once, within its limits, and print its metrics. The exit status is 1 if it failed.")
	run.Arg("name", "Name of the check.").Required().StringVar(&p.check)
	imports := checks.Command("import", "Convert a crontab into checks for the configuration file, with comments where you must decide. The exit status is 1 if a line is not understood.")
	imports.Arg("crontab", "Crontab; - for standard input.").Required().StringVar(&p.crontab)
	imports.Flag("format", withDefault("Crontab format: user, as crontab -l prints; system, with a user in each line as in /etc/crontab; or auto.", "auto")).PlaceHolder("FORMAT").Default("auto").EnumVar(&p.crontabFormat, "auto", "user", "system")
	imports.Flag("user", "User that runs the commands of a crontab in user format.").PlaceHolder("NAME").StringVar(&p.crontabUser)
}

// memProfileRate is the default rate of memory profiles in bytes: one allocation
// in so many is recorded.
const memProfileRate = 512 << 10

// prepare sets up the log and the Go runtime.
func (p *program) prepare() {
	p.config.LogWriter = exporter.NewLogWriter(p.stderr)
	p.config.Log, p.slog = exporter.NewLogger(p.config.LogWriter, p.logLevel, p.logFormat)
	p.config.ProcessMetrics = !p.withoutExporterMetrics
	p.config.WithoutHelp = p.help == "none"
	runtime.GOMAXPROCS(max(p.maxProcs, 1))
	if os.Getenv("GOGC") == "" {
		// A scrape leaves little garbage: collecting it twice as often has no
		// measurable cost, and saves more than a megabyte.
		debug.SetGCPercent(50)
	}
	if p.config.Pprof {
		// Without profiles, their table of allocations would take a megabyte, and two in
		// the end: the runtime keeps each stack that it samples.
		runtime.MemProfileRate = memProfileRate
	}
	exporter.LimitMemory(int64(*p.memoryLimit))
}

// serve serves until ctx is done. Its error is logged: the log of a service has
// one format to the last line.
func (p *program) serve(ctx context.Context) error {
	// Without a handler, a log reader that exits would kill the process at the next
	// line. Ignoring the signal would be inherited by the checks.
	brokenPipe := make(chan os.Signal, 1)
	signal.Notify(brokenPipe, syscall.SIGPIPE)
	defer signal.Stop(brokenPipe)
	err := p.buildAndServe(ctx)
	if err == nil {
		return nil
	}
	_ = level.Error(p.config.Log).Log("msg", "Cannot serve", "err", err)
	return loggedError{err}
}

func (p *program) buildAndServe(ctx context.Context) error {
	p.config.Flags = flagValues(p.app, p.args)
	p.app, p.commands = nil, nil // a quarter of a megabyte
	if err := exporter.RelaxTimers(); err != nil {
		_ = level.Debug(p.config.Log).Log("msg", "Cannot relax timers: scrapes take more CPU time", "err", err)
	}
	switch {
	case exporter.StartedByRunner():
		signal.Ignore(syscall.SIGHUP) // the runner reloads
		return exporter.ServeForRunner(ctx, p.config, p.toolkit, p.slog)
	case p.config.File != "":
		return p.runChecksAndServe(ctx)
	}
	e, err := exporter.New(p.config)
	if err != nil {
		return err
	}
	p.logStart()
	_ = level.Info(p.config.Log).Log("msg", "Enabled collectors", "collectors", strings.Join(e.Names(), ","))
	return e.Serve(ctx, p.toolkit, p.slog, p.hangup)
}

// runChecksAndServe is serve with a configuration file: this process runs checks, and
// has a child serve.
func (p *program) runChecksAndServe(ctx context.Context) error {
	p.logStart()
	debug.SetGCPercent(20) // it has little to do, and keeps little
	return exporter.NewRunner(p.config, p.toolkit, p.args).Run(ctx, p.hangup)
}

func (p *program) logStart() {
	logger := p.config.Log
	_ = level.Info(logger).Log("msg", "Starting host_exporter", "version", version.Info())
	_ = level.Info(logger).Log("msg", "Build context", "build_context", version.BuildContext())
	if os.Geteuid() == 0 {
		_ = level.Warn(logger).Log("msg", "Running as root, which few collectors need")
	}
}

func (p *program) checkConfig(ctx context.Context) error {
	if p.configFromStdin {
		path, err := saveStdin()
		if err != nil {
			return err
		}
		defer os.RemoveAll(filepath.Dir(path))
		p.config.File = path
	}
	if p.config.File == "" {
		return errors.New("no configuration file: give it as an argument or with --config.file")
	}
	named := func(text string) string { return text }
	if p.configFromStdin {
		named = func(text string) string { return strings.ReplaceAll(text, p.config.File, "standard input") }
	}
	problems, err := p.checkFile(ctx)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil:
		return errors.New(named("the configuration is not valid:\n" + exporter.Detail(err)))
	case len(problems) > 0 && p.strict:
		return errors.New(named("the configuration is valid, but not all of it works on this host:\n" + exporter.Detail(problems)))
	}
	for _, problem := range problems {
		fmt.Fprintln(p.stderr, "warning:", named(exporter.Detail(problem)))
	}
	p.config.Log = nil // it has the warnings already
	notes, err := exporter.Notes(p.config)
	if err != nil {
		return err
	}
	for _, note := range notes {
		fmt.Fprintln(p.stderr, "note:", note)
	}
	_, err = fmt.Fprintln(p.stdout, named(p.config.File)+": valid")
	return err
}

// checkFile checks the configuration file until ctx is done: reading it may hang.
func (p *program) checkFile(ctx context.Context) (exporter.Findings, error) {
	type result struct {
		problems exporter.Findings
		err      error
	}
	done := make(chan result, 1)
	go func() {
		problems, err := exporter.Check(p.config)
		done <- result{problems, err}
	}()
	select {
	case r := <-done:
		return r.problems, r.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// A configArg is the argument of check-config. Kingpin passes a single dash as an empty
// text.
type configArg program

func (a *configArg) String() string { return "" }

// Set sets the configuration file.
func (a *configArg) Set(path string) error {
	a.config.File, a.configFromStdin = path, path == "" || path == "-"
	return nil
}

// saveStdin writes standard input to a file in a temporary directory of its own.
func saveStdin() (path string, err error) {
	dir, err := os.MkdirTemp("", "host_exporter-*")
	if err != nil {
		return "", err
	}
	path = filepath.Join(dir, "stdin.yml")
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err == nil {
		_, err = io.Copy(f, os.Stdin)
		err = errors.Join(err, f.Close())
	}
	if err != nil {
		_ = os.RemoveAll(dir)
	}
	return path, err
}

func (p *program) once(ctx context.Context) error {
	if len(p.collectors) > 0 {
		if err := p.config.Settings.Only(collector.Catalog(), p.collectors); err != nil {
			return err
		}
	}
	p.config.ProcessMetrics = false
	e, err := exporter.New(p.config)
	if err != nil {
		return err
	}
	return e.Once(ctx, p.stdout, p.onceFormat)
}

func (p *program) doctor(ctx context.Context) error {
	p.config.Log = nil // the report has it all
	e, err := exporter.New(p.config)
	if err != nil {
		return err
	}
	return e.Doctor(ctx, p.stdout, p.collectors)
}

// health reports the health of the host. Its exit codes are those of monitoring
// plugins.
func (p *program) health(ctx context.Context) error {
	err := p.reportHealth(ctx)
	if err == nil {
		return nil
	}
	if unhealthy, ok := errors.AsType[*exporter.HealthError](err); ok {
		return exitError{loggedError{err}, unhealthy.ExitCode()} // the report has it all
	}
	if p.healthOptions.Format == "nagios" {
		fmt.Fprintln(p.stdout, "HOST UNKNOWN -", strings.ReplaceAll(err.Error(), "\n", "; "))
		err = loggedError{err}
	}
	return exitError{err, 3}
}

func (p *program) reportHealth(ctx context.Context) error {
	if p.healthOptions.URL != "" {
		return exporter.RemoteHealth(ctx, p.stdout, p.healthOptions)
	}
	p.config.Log, p.config.ProcessMetrics = nil, false
	e, err := exporter.New(p.config)
	if err != nil {
		return err
	}
	return e.Health(ctx, p.stdout, p.healthOptions)
}

func (p *program) san(ctx context.Context) error {
	if err := p.config.Settings.Only(collector.Catalog(), exporter.SANCollectors()); err != nil {
		return err
	}
	p.config.Log, p.config.ProcessMetrics = nil, false // the output has the errors
	e, err := exporter.New(p.config)
	if err != nil {
		return err
	}
	return e.SAN(ctx, p.stdout, exporter.SANOptions{Format: p.sanFormat, Color: isTerminal(p.stdout) && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb", ASCII: !isUTF8()})
}

// isUTF8 reports whether the locale of the environment is of UTF-8.
func isUTF8() bool {
	locale := cmp.Or(os.Getenv("LC_ALL"), os.Getenv("LC_CTYPE"), os.Getenv("LANG"))
	return strings.Contains(strings.ReplaceAll(strings.ToLower(locale), "-", ""), "utf8")
}

func (p *program) suggestExpectations(ctx context.Context) error {
	p.config.Log, p.config.ProcessMetrics = nil, false
	e, err := exporter.New(p.config)
	if err != nil {
		return err
	}
	return e.SuggestExpectations(ctx, p.stdout)
}

func (p *program) compare(ctx context.Context) error {
	if p.comparison.Peer == "" && len(p.comparison.Dashboards)+len(p.comparison.Rules) == 0 {
		return errors.New("nothing to compare with: give a second URL or file, --dashboard or --rules")
	}
	return exporter.Compare(ctx, p.stdout, p.comparison)
}

func (p *program) migrate(context.Context) error {
	o := p.migration
	o.Config = p.migrationFormat == "config"
	if len(p.migrationSource) > 0 && strings.HasPrefix(p.migrationSource[0], "-") {
		o.Args = p.migrationSource
	} else {
		o.Files = p.migrationSource
	}
	for _, f := range p.app.Model().Flags {
		if !strings.HasPrefix(f.Name, "collector.") || f.Name == "collector.disable-defaults" {
			o.Flags = append(o.Flags, exporter.Flag{Name: f.Name, Switch: f.IsBoolFlag()})
		}
	}
	return exporter.Migrate(p.stdout, o)
}

// newFromFile returns an exporter with the configuration file, which is
// required.
func (p *program) newFromFile() (*exporter.Exporter, error) {
	if p.config.File == "" {
		return nil, errors.New("no configuration file: give it with --config.file")
	}
	p.config.Log = nil // the output has it all
	return exporter.New(p.config)
}

func (p *program) listChecks(context.Context) error {
	e, err := p.newFromFile()
	if err != nil {
		return err
	}
	return e.ListChecks(p.stdout)
}

func (p *program) runCheck(ctx context.Context) error {
	e, err := p.newFromFile()
	if err != nil {
		return err
	}
	return e.RunCheck(ctx, p.check, p.stdout, p.stderr)
}

func (p *program) importCrontab(context.Context) error {
	in := os.Stdin
	if p.crontab != "-" && p.crontab != "" { // kingpin passes a single dash as an empty argument
		var err error
		if in, err = os.Open(p.crontab); err != nil {
			return err
		}
		defer in.Close()
	}
	return checks.ImportCrontab(in, p.stdout, p.stderr, p.crontabFormat, p.crontabUser)
}

// addFlag adds a collector's flag.
func addFlag(app *kingpin.Application, f exporter.Flag) {
	help := f.Help
	switch {
	case !f.Switch:
		help = withDefault(help, f.Default)
	case f.Default == "true":
		help = withDefault(help, "enabled")
	}
	clause := app.Flag(f.Name, help).PlaceHolder(f.Placeholder)
	if f.Hidden {
		clause = clause.Hidden()
	}
	clause.SetValue(&flagValue{f})
}

// withDefault adds a default to the first sentence of a flag's help. An empty
// default is left out.
func withDefault(help, value string) string {
	if value == "" {
		return help
	}
	first, rest, more := strings.Cut(help, ". ")
	first = fmt.Sprintf("%s (default: %s).", strings.TrimSuffix(first, "."), value)
	if more {
		return first + " " + rest
	}
	return first
}

// A flagValue is a collector's flag for kingpin. The default is not kingpin's:
// Set is called for explicit values only.
type flagValue struct{ exporter.Flag }

func (v *flagValue) Set(s string) error { return v.Flag.Set(s) }
func (v *flagValue) String() string     { return "" }
func (v *flagValue) IsBoolFlag() bool   { return v.Switch }
func (v *flagValue) IsCumulative() bool { return v.List }
