package command

import (
	"fmt"
	"slices"
	"strings"

	"github.com/alecthomas/kingpin/v2"
	"github.com/prometheus/exporter-toolkit/web/kingpinflag"

	"github.com/hostexporter/host_exporter/collector/exporter"
)

func (p *program) addFlags() {
	app, c := p.app, &p.config
	var collectorFlags []exporter.Flag
	c.Settings, collectorFlags = exporter.NewSettings()
	c.Settings.Environment = map[string]string{}
	p.toolkit = kingpinflag.AddFlags(app, ":9100")
	app.GetFlag("web.listen-address").PlaceHolder("ADDRESS").Help("Address to listen on, such as :9100, [::1]:9100, vsock://:9100 or unix:///run/host_exporter.sock (default: :9100). The flag may be given more than once.")
	app.GetFlag("web.systemd-socket").Help("Listen on the sockets of systemd instead of --web.listen-address.")
	app.GetFlag("web.config.file").PlaceHolder("PATH").Help("Configuration file of exporter-toolkit for TLS and authentication (docs/operations.md).")
	flag := func(name, placeholder, value, help string) *kingpin.FlagClause {
		return app.Flag(name, withDefault(help, value)).PlaceHolder(placeholder).Default(value)
	}
	app.Flag("config.file", "Configuration file in YAML (docs/config.md). SIGHUP reloads it.").PlaceHolder("PATH").StringVar(&c.File)
	flag("web.telemetry-path", "PATH", "/metrics", "Path under which to serve the metrics.").StringVar(&c.MetricsPath)
	flag("web.help", "TEXT", "full", "Help texts of the metrics in the text format: full or none, which halves the size of a response.").SetValue(newEnum(&p.help, "full", "none"))
	app.Flag("web.disable-exporter-metrics", "Leave out the metrics of the exporter itself: promhttp_*, process_* and go_*.").BoolVar(&p.withoutExporterMetrics)
	flag("web.max-requests", "N", "40", "Maximum number of scrapes to serve at once, 0 for no limit; others are answered with 503.").IntVar(&c.MaxRequests)
	app.Flag("web.enable-pprof", "Serve profiles of the exporter itself under /debug/pprof/.").BoolVar(&c.Pprof)
	app.Flag("web.enable-lifecycle", "Reload the configuration file on POST /-/reload.").BoolVar(&c.Lifecycle)
	app.Flag("web.allowed-host", "Name to serve the status page under, in addition to those of the host; .example.com is every name below it. The flag may be given more than once.").PlaceHolder("NAME").StringsVar(&c.AllowedHosts)
	app.Flag("health.metrics", "Export host_exporter_health, with a series for each health rule that has something to judge (docs/health.md).").BoolVar(&c.HealthMetrics)
	app.Flag("web.show-check-runs", "Show command lines and standard error of checks to everyone, and not only to authenticated clients and on unix sockets.").BoolVar(&c.ShowCheckRuns)
	flag("checks.concurrency", "N", "4", "Maximum number of checks to run at once.").IntVar(&c.CheckSlots)
	flag("checks.user", "NAME", "host_exporter-checks", "User of the checks that name none, if the exporter may change users; otherwise its own.").StringVar(&c.CheckUser)
	flag("checks.slow-concurrency", "N", "2", "Maximum number of slow checks to run at once, in addition to --checks.concurrency.").IntVar(&c.SlowCheckSlots)
	app.Flag("collector.disable-defaults", "Run only the collectors that are enabled explicitly.").BoolVar(&c.Settings.DisableDefaults)
	flag("path.procfs", "PATH", "/proc", "Mount point of procfs.").StringVar(&c.Paths.Procfs)
	flag("path.sysfs", "PATH", "/sys", "Mount point of sysfs.").StringVar(&c.Paths.Sysfs)
	flag("path.rootfs", "PATH", "/", "Mount point of the host's root file system.").StringVar(&c.Paths.Rootfs)
	flag("path.udev.data", "PATH", "/run/udev/data", "Directory of udev's database.").StringVar(&c.Paths.UdevData)
	app.Flag("from", "Snapshot to read instead of this host (docs/snapshot.md): for "+strings.Join(fromCommands[:len(fromCommands)-1], ", ")+" and "+fromCommands[len(fromCommands)-1]+".").PlaceHolder("PATH").StringVar(&c.From)
	flag("sandbox", "MODE", "auto", "Restrict the process to what its collectors need: auto, as far as the kernel can; required, or fail; off (docs/security.md).").SetValue(newEnum(&c.Sandbox, "auto", "required", "off"))
	app.Flag("runtime.user", "User of the process that collects and serves, if there is a configuration file. The process that runs checks keeps its own.").PlaceHolder("NAME").StringVar(&c.User)
	flag("runtime.gomaxprocs", "N", "1", "Maximum number of CPUs to use at once.").Envar("GOMAXPROCS").IntVar(&p.maxProcs)
	p.memoryLimit = flag("runtime.memory-limit", "BYTES", "128MiB", "Soft memory limit, at most nine tenths of the control group's limit. GOMEMLIMIT takes precedence.").Bytes()
	flag("log.level", "LEVEL", "info", "Lowest level to log: debug, info, warn or error.").SetValue(newEnum(&p.logLevel, "debug", "info", "warn", "error"))
	flag("log.format", "FORMAT", "logfmt", "Log format: logfmt or json.").SetValue(newEnum(&p.logFormat, "logfmt", "json"))
	for _, f := range collectorFlags {
		addFlag(app, f)
		p.replaced[f.Name] = f.ReplacedBy
	}
	for _, f := range app.Model().Flags {
		app.GetFlag(f.Name).SetValue(&namedValue{f.Value, p, f.Name})
	}
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

// A namedValue is the value of a flag whose errors name the flag, or the variable that
// sets it.
type namedValue struct {
	kingpin.Value
	program *program
	name    string
}

func (v *namedValue) Set(s string) error {
	err := v.Value.Set(s)
	if err == nil {
		return nil
	}
	name := v.program.config.Settings.Environment[v.name]
	if name == "" {
		name = "--" + v.name
	}
	return fmt.Errorf("%s: %w", name, err)
}

func (v *namedValue) IsBoolFlag() bool {
	b, ok := v.Value.(interface{ IsBoolFlag() bool })
	return ok && b.IsBoolFlag()
}

func (v *namedValue) IsCumulative() bool { return isList(v.Value) }

// An enum is a flag's value that is one of several.
type enum struct {
	target  *string
	options []string
}

func newEnum(target *string, options ...string) *enum { return &enum{target, options} }

func (e *enum) Set(s string) error {
	if !slices.Contains(e.options, s) {
		last := len(e.options) - 1
		return fmt.Errorf("want %s or %s, have %q", strings.Join(e.options[:last], ", "), e.options[last], s)
	}
	*e.target = s
	return nil
}

func (e *enum) String() string { return *e.target }

// addEnum adds a flag of a command that is one of some options, by default the first.
func (c *command) addEnum(name, help string, target *string, options ...string) {
	c.Flag(name, withDefault(help, options[0])).PlaceHolder(strings.ToUpper(name)).Default(options[0]).SetValue(&namedValue{newEnum(target, options...), c.program, name})
}
