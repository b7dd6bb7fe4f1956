// Host_exporter serves what the kernel of a Linux host tells, for Prometheus.
package main

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"strings"
	"syscall"

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

// release is what this is when the build does not say.
//
//go:embed VERSION
var release string

func main() {
	checks.Supervise() // or this process is here to look after one command of a check
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "host_exporter:", err)
		os.Exit(1)
	}
}

// run is the whole program: it serves until ctx ends, or does what a command
// says.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	if version.Version == "" {
		version.Version = strings.TrimSpace(release)
	}
	p := newProgram(stdout, stderr)
	command, err := p.app.Parse(args)
	switch {
	case p.answered:
		return nil
	case err != nil:
		return fmt.Errorf("%w, try --help", err)
	}
	p.prepare()
	return p.commands[command](ctx)
}

// A program is what the command line fills.
type program struct {
	app      *kingpin.Application
	commands map[string]func(context.Context) error
	stdout   io.Writer
	stderr   io.Writer
	answered bool // by --help or --version

	config                        exporter.Config
	toolkit                       *web.FlagConfig
	slog                          *slog.Logger
	noProcess                     bool
	procs                         int
	memory                        *units.Base2Bytes
	logLevel, logFormat, onceForm string
	names                         []string // of collectors, for commands about some
	check, crontab, lines, user   string
}

func newProgram(stdout, stderr io.Writer) *program {
	p := &program{app: kingpin.New("host_exporter", "Serves the metrics of a Linux host for Prometheus."), stdout: stdout, stderr: stderr}
	p.app.UsageWriter(stdout)
	p.app.ErrorWriter(stderr)
	p.app.Terminate(func(int) { p.answered = true })
	p.app.HelpFlag.Short('h')
	p.app.Flag("version", "Print the version and exit.").PreAction(func(*kingpin.ParseContext) error {
		_, err := fmt.Fprintln(stdout, version.Print("host_exporter"))
		p.answered = true
		return err
	}).Bool()
	p.addFlags()
	p.addCommands()
	return p
}

func (p *program) addFlags() {
	app, c := p.app, &p.config
	var flags []exporter.Flag
	c.Settings, flags = exporter.NewSettings()
	p.toolkit = kingpinflag.AddFlags(app, ":9100")
	app.Flag("config.file", "Configuration file (YAML), see docs/config.md. SIGHUP reads it again.").PlaceHolder("PATH").StringVar(&c.File)
	app.Flag("web.telemetry-path", "Path under which metrics are served.").Default("/metrics").StringVar(&c.MetricsPath)
	app.Flag("web.disable-exporter-metrics", "Leave out the metrics about the exporter itself (promhttp_*, process_*, go_*).").BoolVar(&p.noProcess)
	app.Flag("web.max-requests", "Most scrapes served at the same time; more are answered with 503. 0 for no limit.").Default("40").IntVar(&c.MaxRequests)
	app.Flag("web.enable-pprof", "Serve profiles of the exporter itself under /debug/pprof/.").BoolVar(&c.Pprof)
	app.Flag("web.enable-lifecycle", "Read the configuration again on POST /-/reload.").BoolVar(&c.Lifecycle)
	app.Flag("checks.concurrency", "Most checks that run at the same time.").Default("4").IntVar(&c.CheckSlots)
	app.Flag("checks.slow-concurrency", "Most checks that run at the same time besides, of those that are said to be slow.").Default("2").IntVar(&c.SlowCheckSlots)
	app.Flag("collector.disable-defaults", "Run only the collectors that are enabled by a flag of their own.").BoolVar(&c.Settings.DisableDefaults)
	app.Flag("path.procfs", "Where procfs is mounted.").Default("/proc").StringVar(&c.Paths.Procfs)
	app.Flag("path.sysfs", "Where sysfs is mounted.").Default("/sys").StringVar(&c.Paths.Sysfs)
	app.Flag("path.rootfs", "Where the host's root file system is mounted.").Default("/").StringVar(&c.Paths.Rootfs)
	app.Flag("path.udev.data", "Where udev keeps its database.").Default("/run/udev/data").StringVar(&c.Paths.UdevData)
	app.Flag("runtime.gomaxprocs", "Most CPUs the exporter may keep busy (GOMAXPROCS).").Envar("GOMAXPROCS").Default("1").IntVar(&p.procs)
	p.memory = app.Flag("runtime.memory-limit", "Memory that the exporter tries to stay below, such as 128MiB; nine tenths of its control group's limit where that is less. GOMEMLIMIT in the environment goes before it.").Default("128MiB").Bytes()
	app.Flag("log.level", "Least severe messages to log: debug, info, warn or error.").Default("info").EnumVar(&p.logLevel, "debug", "info", "warn", "error")
	app.Flag("log.format", "Form of log messages: logfmt or json.").Default("logfmt").EnumVar(&p.logFormat, "logfmt", "json")
	for _, f := range flags {
		addFlag(app, f)
	}
}

func (p *program) addCommands() {
	p.commands = map[string]func(context.Context) error{"serve": p.serve, "check-config": p.checkConfig, "once": p.once, "doctor": p.doctor,
		"checks list": p.listChecks, "checks run": p.runCheck, "checks import": p.importCrontab}
	p.app.Command("serve", "Serve metrics over HTTP: what host_exporter does without a command.").Default()

	check := p.app.Command("check-config", "Check a configuration file and say everything that is wrong with it. Exit status 1 tells that something is.")
	check.Arg("file", "The file, instead of --config.file.").StringVar(&p.config.File)

	once := p.app.Command("once", "Collect once and print the metrics, for scripts and for a first look. Exit status 1 tells that a collector failed.")
	once.Flag("format", "What to print: text, as on /metrics, or json.").Default("text").EnumVar(&p.onceForm, "text", "json")
	once.Arg("collector", "Run these collectors only, enabled or not.").StringsVar(&p.names)

	doctor := p.app.Command("doctor", "Collect once and say of each collector what it reads, what is missing or forbidden, and what would change that. Exit status 1 tells that a collector could show more.")
	doctor.Arg("collector", "Tell of these collectors only.").StringsVar(&p.names)

	checks := p.app.Command("checks", "What is run, and how to try it.")
	checks.Command("list", "List the checks of the configuration file.")
	run := checks.Command("run", "Run a check now, within its limits, and print what it would publish. Exit status 1 tells that it failed.")
	run.Arg("name", "The check.").Required().StringVar(&p.check)
	imports := checks.Command("import", "Turn a crontab into checks for the configuration file, with comments where a human must decide. Exit status 1 tells of lines that are not understood.")
	imports.Arg("crontab", "The crontab; - for standard input.").Required().StringVar(&p.crontab)
	imports.Flag("format", "Whether lines name a user before the command: user (they do not, as crontab -l prints them), system (they do, as in /etc/crontab), or auto.").Default("auto").EnumVar(&p.lines, "auto", "user", "system")
	imports.Flag("user", "Who the commands of a crontab without users run as.").StringVar(&p.user)
}

// prepare puts into effect what concerns the process as a whole.
func (p *program) prepare() {
	p.config.Log, p.slog = exporter.NewLogger(p.stderr, p.logLevel, p.logFormat)
	p.config.ProcessMetrics = !p.noProcess
	runtime.GOMAXPROCS(max(p.procs, 1))
	if os.Getenv("GOGC") == "" {
		// A scrape leaves little garbage behind: collecting it twice as often costs
		// nothing that can be measured, and saves more than a megabyte.
		debug.SetGCPercent(50)
	}
	exporter.LimitMemory(int64(*p.memory))
}

func (p *program) serve(ctx context.Context) error {
	e, err := exporter.New(p.config)
	if err != nil {
		return err
	}
	logger := p.config.Log
	_ = level.Info(logger).Log("msg", "Starting host_exporter", "version", version.Info())
	_ = level.Info(logger).Log("msg", "Build context", "build_context", version.BuildContext())
	_ = level.Info(logger).Log("msg", "Enabled collectors", "collectors", strings.Join(e.Names(), ","))
	if os.Geteuid() == 0 {
		_ = level.Warn(logger).Log("msg", "Running as root. host_exporter is made to run as an ordinary user: few collectors need more.")
	}
	hangup := make(chan os.Signal, 1)
	signal.Notify(hangup, syscall.SIGHUP)
	defer signal.Stop(hangup)
	return e.Serve(ctx, p.toolkit, p.slog, hangup)
}

func (p *program) checkConfig(context.Context) error {
	if p.config.File == "" {
		return fmt.Errorf("which file? Give it as an argument or with --config.file")
	}
	if _, err := exporter.New(p.config); err != nil {
		return fmt.Errorf("the configuration is not valid:\n%w", err)
	}
	_, err := fmt.Fprintln(p.stdout, p.config.File+": valid")
	return err
}

func (p *program) once(ctx context.Context) error {
	if len(p.names) > 0 {
		if err := p.config.Settings.Only(collector.Catalog(), p.names); err != nil {
			return err
		}
	}
	p.config.ProcessMetrics = false
	e, err := exporter.New(p.config)
	if err != nil {
		return err
	}
	return e.Once(ctx, p.stdout, p.onceForm)
}

func (p *program) doctor(ctx context.Context) error {
	p.config.Log = nil // what there is to say is in the report
	e, err := exporter.New(p.config)
	if err != nil {
		return err
	}
	well, err := e.Doctor(ctx, p.stdout, p.names)
	if err == nil && !well {
		err = errors.New("not all is well")
	}
	return err
}

// configured returns the exporter that the configuration file asks for. It
// serves nothing.
func (p *program) configured() (*exporter.Exporter, error) {
	if p.config.File == "" {
		return nil, errors.New("which checks? Say where they are with --config.file")
	}
	p.config.Log = nil // what there is to say is in the answer
	return exporter.New(p.config)
}

func (p *program) listChecks(context.Context) error {
	e, err := p.configured()
	if err != nil {
		return err
	}
	return e.ListChecks(p.stdout)
}

func (p *program) runCheck(ctx context.Context) error {
	e, err := p.configured()
	if err != nil {
		return err
	}
	return e.RunCheck(ctx, p.check, p.stdout, p.stderr)
}

func (p *program) importCrontab(context.Context) error {
	in := os.Stdin
	if p.crontab != "-" && p.crontab != "" { // the parser of flags makes an empty word of a lone dash
		var err error
		if in, err = os.Open(p.crontab); err != nil {
			return err
		}
		defer in.Close()
	}
	return checks.ImportCrontab(in, p.stdout, p.stderr, p.lines, p.user)
}

// addFlag makes a kingpin flag of a collector's flag.
func addFlag(app *kingpin.Application, f exporter.Flag) {
	clause := app.Flag(f.Name, f.Help)
	if f.Hidden {
		clause = clause.Hidden()
	}
	if f.Default != "" && !f.Switch {
		clause = clause.PlaceHolder(fmt.Sprintf("%q", f.Default))
	}
	clause.SetValue(&flagValue{f})
}

// flagValue is a flag as kingpin wants it: with its default only in the help,
// so that Set is called for what the user said and for nothing else.
type flagValue struct{ exporter.Flag }

func (v *flagValue) Set(s string) error { return v.Flag.Set(s) }
func (v *flagValue) String() string     { return "" }
func (v *flagValue) IsBoolFlag() bool   { return v.Switch }
func (v *flagValue) IsCumulative() bool { return v.List }
