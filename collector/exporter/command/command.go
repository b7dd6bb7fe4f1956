// Package command is the command line of host_exporter: flags, environment variables,
// signals, and one file for each command.
package command

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/alecthomas/kingpin/v2"
	"github.com/alecthomas/units"
	"github.com/go-kit/log"
	"github.com/go-kit/log/level"
	"github.com/prometheus/common/version"
	"github.com/prometheus/exporter-toolkit/web"

	"github.com/hostexporter/host_exporter/collector/checks"
	"github.com/hostexporter/host_exporter/collector/exporter"
)

// Main runs the command of the process's arguments, and ends the process if it fails.
// The release is the version of the program if the build has set none.
func Main(release string) {
	runtime.MemProfileRate = 0 // see prepare
	checks.Supervise()         // does not return if this process supervises a check
	version.Version = cmp.Or(version.Version, release)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	p := newProgram(os.Stdout, os.Stderr)
	context.AfterFunc(ctx, func() {
		stop() // a second signal ends the process at once
		time.AfterFunc(stopTimeout, func() { p.exit(fmt.Errorf("not stopped %v after the signal", stopTimeout)) })
	})
	if err := p.run(ctx, os.Args[1:]); err != nil {
		p.exit(err)
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
func (p *program) exit(err error) {
	code := 1
	if e, ok := errors.AsType[exitError](err); ok {
		code = e.code
	}
	if _, ok := errors.AsType[loggedError](err); !ok {
		if logger := p.service.Load(); logger != nil {
			_ = level.Error(*logger).Log("msg", "Cannot stop", "err", err)
			p.config.LogWriter.Flush(flushTimeout)
			os.Exit(code)
		}
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
	return newProgram(stdout, stderr).run(ctx, args)
}

func (p *program) run(ctx context.Context, args []string) error {
	// A reload may be requested before the exporter serves: it must not end it.
	hangup := make(chan os.Signal, 1)
	signal.Notify(hangup, syscall.SIGHUP)
	defer signal.Stop(hangup)
	p.hangup, p.args = hangup, args
	name, err := p.parse(args)
	if p.done || err != nil {
		return err
	}
	if err := p.checkFrom(name); err != nil {
		return err
	}
	c := p.commands[name]
	if name != "serve" {
		signal.Stop(hangup) // a terminal that closes ends the command
	}
	p.isTerminal = isTerminal(p.stdout)
	defer p.showProgress(c.busy)()
	if !c.raw || p.isTerminal && !c.colors {
		p.stdout = exporter.NewPrintableWriter(p.stdout)
	}
	p.stderr = exporter.NewPrintableWriter(p.stderr)
	p.prepare()
	defer p.config.LogWriter.Flush(flushTimeout)
	return c.run(ctx)
}

// parse parses the command line and the environment, and returns the name of the
// command. If args ask for help, it prints that, and p.done is true.
func (p *program) parse(args []string) (string, error) {
	if topic, ok := isHelp(args); ok {
		p.done = true
		text, err := p.helpOn(topic)
		if err == nil {
			_, err = io.WriteString(p.stdout, text)
		}
		return "", err
	}
	if len(args) > 1 && args[0] == completeCommand {
		p.done = true
		return "", p.complete(args[1], args[2:])
	}
	all, err := p.addEnvironment(args, os.Environ())
	var name string
	if err == nil {
		name, err = p.app.Parse(all)
	}
	if p.done || err == nil {
		return name, nil
	}
	err = fmt.Errorf("%w%s", err, cmp.Or(p.suggestion(err, args), ", try --help"))
	if p.isService(args) && !isTerminal(p.stderr) {
		return "", p.logUsageError(err, all)
	}
	return "", err
}

// isService reports whether args, which have an error, are those of a service: they
// name no other command than serve.
func (p *program) isService(args []string) bool {
	return !slices.ContainsFunc(args, func(a string) bool {
		c := p.app.GetCommand(a)
		return c != nil && a != "serve"
	})
}

// logUsageError logs the error of a command line in the format that it asks for.
func (p *program) logUsageError(err error, args []string) error {
	format := "logfmt"
	if slices.Contains(args, "--log.format=json") || strings.Contains(strings.Join(args, " "), "--log.format json") {
		format = "json"
	}
	out := exporter.NewLogWriter(exporter.NewPrintableWriter(p.stderr))
	logger, _ := exporter.NewLogger(out, "info", format)
	_ = level.Error(logger).Log("msg", "Cannot start", "err", err)
	out.Flush(flushTimeout)
	return loggedError{err}
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

// suggestion returns a hint to the flag or command that was probably meant, for an
// error of kingpin about an unknown one in args.
func (p *program) suggestion(err error, args []string) string {
	text := err.Error()
	parsed, _ := p.app.ParseContext(args)
	var selected *kingpin.CmdModel
	if parsed != nil && parsed.SelectedCommand != nil {
		selected = parsed.SelectedCommand.Model()
	}
	if name, ok := strings.CutPrefix(text, "unknown long flag '--"); ok {
		flags := p.app.Model().Flags
		if selected != nil {
			flags = append(flags, selected.Flags...)
		}
		name = strings.TrimSuffix(name, "'")
		no := ""
		if strings.HasPrefix(name, "no-") {
			no, name = "no-", strings.TrimPrefix(name, "no-")
		}
		return exporter.Suggest("--"+no+name, flagNames(flags, "--"+no))
	}
	if name, ok := strings.CutPrefix(text, "unknown short flag '"); ok {
		name = strings.TrimSuffix(name, "'")
		for _, a := range args {
			if f, _, _ := strings.Cut(a, "="); strings.HasPrefix(a, name) && p.app.GetFlag(f[1:]) != nil {
				return ", do you mean -" + a + "?"
			}
		}
		return ""
	}
	commands := p.app.Model().Commands
	name, ok := strings.CutPrefix(text, "unexpected ")
	if !ok {
		if name, ok = strings.CutPrefix(text, "expected command but got "); !ok {
			name, ok = "", strings.HasPrefix(text, "must select a subcommand")
		}
		if selected != nil {
			commands = selected.Commands
		}
	}
	if !ok || selected != nil && !selected.Default && len(selected.Commands) == 0 {
		return ""
	}
	var names []string
	for _, c := range commands {
		names = append(names, c.Name)
	}
	return exporter.Suggest(strings.Trim(name, `"'`), names)
}

// flagNames returns the names of the flags that are not hidden, with a prefix.
func flagNames(flags []*kingpin.FlagModel, prefix string) (names []string) {
	for _, f := range flags {
		if !f.Hidden {
			names = append(names, prefix+f.Name)
		}
	}
	return names
}

// A program is the command line with the values of its flags. The options of a
// command are in the file of its name.
type program struct {
	app        *kingpin.Application
	commands   map[string]*command // by full name
	stdout     io.Writer
	stderr     io.Writer
	isTerminal bool // stdout is one
	done       bool // help or the version was printed
	hangup     <-chan os.Signal
	args       []string

	config                 exporter.Config
	toolkit                *web.FlagConfig
	slog                   *slog.Logger
	withoutExporterMetrics bool
	help                   string // --web.help
	maxProcs               int
	memoryLimit            *units.Base2Bytes
	logLevel, logFormat    string

	replaced         map[string]string          // current names of deprecated flags
	unknownVariables []string                   // of the environment, with suggestions
	service          atomic.Pointer[log.Logger] // nil: the command is not serve
}

// A command is one command of the program.
type command struct {
	*kingpin.CmdClause
	program *program
	run     func(context.Context) error
	raw     bool   // programs read its output: characters that control a terminal are kept
	colors  bool   // its output is for terminals, and raw
	busy    string // what it does while it takes time; empty: nothing to show
}

// A commander is what commands are added to: the application or a command.
type commander interface {
	Command(name, help string) *kingpin.CmdClause
}

// command adds a command.
func (p *program) command(parent commander, name, help string, run func(context.Context) error) *command {
	c := &command{CmdClause: parent.Command(name, help), program: p, run: run}
	p.commands[c.FullCommand()] = c
	return c
}

func newProgram(stdout, stderr io.Writer) *program {
	p := &program{
		app:      kingpin.New("host_exporter", "Export Linux host metrics to Prometheus."),
		commands: map[string]*command{},
		replaced: map[string]string{},
		stdout:   stdout, stderr: stderr,
	}
	p.app.UsageWriter(stdout)
	p.app.ErrorWriter(stderr)
	p.app.Terminate(func(int) { p.done = true })
	p.addHelp()
	for _, add := range []func(){
		p.addServe, p.addOnce, p.addDoctor, p.addHealth, p.addSAN, p.addCheckConfig, p.addChecks,
		p.addExpect, p.addCompare, p.addMigrate, p.addSnapshot, p.addCompletion, p.addVersion,
	} {
		add()
	}
	p.addFlags()
	return p
}

// memProfileRate is the default rate of memory profiles in bytes: one allocation
// in so many is recorded.
const memProfileRate = 512 << 10

// prepare sets up the log and the Go runtime.
func (p *program) prepare() {
	p.config.LogWriter = exporter.NewLogWriter(p.stderr)
	p.config.Log, p.slog = exporter.NewLogger(p.config.LogWriter, p.logLevel, p.logFormat)
	if !exporter.StartedByRunner() { // which has logged them
		for _, v := range p.unknownVariables {
			_ = level.Warn(p.config.Log).Log("msg", "Unknown environment variable", "variable", v)
		}
	}
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
