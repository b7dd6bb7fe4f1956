// Host_exporter serves what the kernel of a Linux host tells, for Prometheus.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"runtime"
	"strings"
	"syscall"
	"time"

	"github.com/alecthomas/kingpin/v2"
	"github.com/go-kit/log"
	"github.com/go-kit/log/level"
	"github.com/prometheus/common/version"
	"github.com/prometheus/exporter-toolkit/web"
	"github.com/prometheus/exporter-toolkit/web/kingpinflag"
	slgk "github.com/tjhop/slog-gokit"

	"github.com/hostexporter/host_exporter/collector"
)

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

	c.Log = newLogger(stderr, *logLevel, *logFormat)
	c.ProcessMetrics = !*noProcess
	runtime.GOMAXPROCS(max(*procs, 1))
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
	return serve(ctx, exporter, toolkit, slog.New(slgk.NewGoKitHandler(c.Log, slgkLevel(*logLevel))))
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

func newLogger(out io.Writer, lvl, format string) log.Logger {
	w := log.NewSyncWriter(out)
	logger := log.NewLogfmtLogger(w)
	if format == "json" {
		logger = log.NewJSONLogger(w)
	}
	logger = log.With(logger, "ts", log.DefaultTimestampUTC, "caller", log.Caller(5))
	return level.NewFilter(logger, level.Allow(level.ParseDefault(lvl, level.InfoValue())))
}

func slgkLevel(lvl string) *slog.LevelVar {
	var v slog.LevelVar
	_ = v.UnmarshalText([]byte(lvl)) // the flag allows nothing else
	return &v
}

// serve answers HTTP until ctx ends, then lets scrapes in progress finish.
func serve(ctx context.Context, h http.Handler, toolkit *web.FlagConfig, logger *slog.Logger) error {
	server := &http.Server{
		Handler:           h,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
		WriteTimeout:      2 * time.Minute, // of a whole scrape; a response that is ready has less
		IdleTimeout:       5 * time.Minute, // longer than any sensible scrape interval
		MaxHeaderBytes:    64 << 10,
	}
	listeners, err := listen(toolkit)
	if err != nil {
		return err
	}
	stopped := make(chan error, 1)
	go func() {
		<-ctx.Done()
		late, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		stopped <- server.Shutdown(late)
	}()
	if listeners != nil {
		err = web.ServeMultiple(listeners, server, toolkit, logger)
	} else {
		err = web.ListenAndServe(server, toolkit, logger)
	}
	if errors.Is(err, http.ErrServerClosed) && ctx.Err() != nil {
		return <-stopped
	}
	return err
}

// listen opens the listeners itself when one of them is a unix socket, which
// the toolkit does not know. Otherwise it returns none.
func listen(toolkit *web.FlagConfig) ([]net.Listener, error) {
	unix := false
	for _, a := range *toolkit.WebListenAddresses {
		unix = unix || strings.HasPrefix(a, "unix://")
	}
	if !unix || *toolkit.WebSystemdSocket {
		return nil, nil
	}
	var listeners []net.Listener
	for _, a := range *toolkit.WebListenAddresses {
		network := "tcp"
		if path, ok := strings.CutPrefix(a, "unix://"); ok {
			network, a = "unix", path
			removeDeadSocket(path)
		}
		l, err := net.Listen(network, a)
		if err != nil {
			return nil, err
		}
		listeners = append(listeners, l)
	}
	return listeners, nil
}

// removeDeadSocket removes a socket that nobody listens on: one that a killed
// exporter left behind.
func removeDeadSocket(path string) {
	info, err := os.Lstat(path)
	if err != nil || info.Mode()&os.ModeSocket == 0 {
		return
	}
	if conn, err := net.Dial("unix", path); err == nil {
		_ = conn.Close()
	} else if errors.Is(err, syscall.ECONNREFUSED) {
		_ = os.Remove(path)
	}
}
