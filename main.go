// Host_exporter serves what the kernel of a Linux host tells, for Prometheus.
package main

import (
	"context"
	_ "embed"
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
	"github.com/go-kit/log/level"
	"github.com/prometheus/common/version"
	"github.com/prometheus/exporter-toolkit/web/kingpinflag"

	"github.com/hostexporter/host_exporter/collector"
)

// release is what this is when the build does not say.
//
//go:embed VERSION
var release string

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "host_exporter:", err)
		os.Exit(1)
	}
}

// run is the whole program: it serves until ctx ends.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	if version.Version == "" {
		version.Version = strings.TrimSpace(release)
	}
	var c collector.Config
	var flags []collector.Flag
	c.Settings, flags = collector.NewSettings()

	app := kingpin.New("host_exporter", "Serves the metrics of a Linux host for Prometheus.")
	app.UsageWriter(stdout)
	app.ErrorWriter(stderr)
	answered := false // by --help or --version
	app.Terminate(func(int) { answered = true })
	app.HelpFlag.Short('h')
	app.Flag("version", "Print the version and exit.").PreAction(func(*kingpin.ParseContext) error {
		_, err := fmt.Fprintln(stdout, version.Print("host_exporter"))
		answered = true
		return err
	}).Bool()
	toolkit := kingpinflag.AddFlags(app, ":9100")
	app.Flag("web.telemetry-path", "Path under which metrics are served.").Default("/metrics").StringVar(&c.MetricsPath)
	noProcess := app.Flag("web.disable-exporter-metrics", "Leave out the metrics about the exporter itself (promhttp_*, process_*, go_*).").Bool()
	app.Flag("web.max-requests", "Most scrapes served at the same time; more are answered with 503. 0 for no limit.").Default("40").IntVar(&c.MaxRequests)
	app.Flag("web.enable-pprof", "Serve profiles of the exporter itself under /debug/pprof/.").BoolVar(&c.Pprof)
	app.Flag("collector.disable-defaults", "Run only the collectors that are enabled by a flag of their own.").BoolVar(&c.Settings.DisableDefaults)
	app.Flag("path.procfs", "Where procfs is mounted.").Default("/proc").StringVar(&c.Paths.Procfs)
	app.Flag("path.sysfs", "Where sysfs is mounted.").Default("/sys").StringVar(&c.Paths.Sysfs)
	app.Flag("path.rootfs", "Where the host's root file system is mounted.").Default("/").StringVar(&c.Paths.Rootfs)
	app.Flag("path.udev.data", "Where udev keeps its database.").Default("/run/udev/data").StringVar(&c.Paths.UdevData)
	procs := app.Flag("runtime.gomaxprocs", "Most CPUs the exporter may keep busy (GOMAXPROCS).").Envar("GOMAXPROCS").Default("1").Int()
	logLevel := app.Flag("log.level", "Least severe messages to log: debug, info, warn or error.").Default("info").Enum("debug", "info", "warn", "error")
	logFormat := app.Flag("log.format", "Form of log messages: logfmt or json.").Default("logfmt").Enum("logfmt", "json")
	for _, f := range flags {
		addFlag(app, f)
	}
	switch _, err := app.Parse(args); {
	case answered:
		return nil
	case err != nil:
		return fmt.Errorf("%w, try --help", err)
	}

	var slogger *slog.Logger
	c.Log, slogger = collector.NewLogger(stderr, *logLevel, *logFormat)
	c.ProcessMetrics = !*noProcess
	runtime.GOMAXPROCS(max(*procs, 1))
	if os.Getenv("GOGC") == "" {
		// A scrape leaves little garbage behind: collecting it twice as often costs
		// nothing that can be measured, and saves more than a megabyte.
		debug.SetGCPercent(50)
	}
	exporter, err := collector.New(c)
	if err != nil {
		return err
	}
	_ = level.Info(c.Log).Log("msg", "Starting host_exporter", "version", version.Info())
	_ = level.Info(c.Log).Log("msg", "Build context", "build_context", version.BuildContext())
	_ = level.Info(c.Log).Log("msg", "Enabled collectors", "collectors", strings.Join(exporter.Names(), ","))
	if os.Geteuid() == 0 {
		_ = level.Warn(c.Log).Log("msg", "Running as root. host_exporter is made to run as an ordinary user: few collectors need more.")
	}
	return exporter.Serve(ctx, toolkit, slogger)
}

// addFlag makes a kingpin flag of a collector's flag.
func addFlag(app *kingpin.Application, f collector.Flag) {
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
type flagValue struct{ collector.Flag }

func (v *flagValue) Set(s string) error { return v.Flag.Set(s) }
func (v *flagValue) String() string     { return "" }
func (v *flagValue) IsBoolFlag() bool   { return v.Switch }
func (v *flagValue) IsCumulative() bool { return v.List }
