// Command host_exporter exports Linux host metrics to Prometheus.
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
	"time"

	"github.com/alecthomas/kingpin/v2"
	"github.com/alecthomas/units"
	"github.com/prometheus/common/version"
	"github.com/prometheus/exporter-toolkit/web"

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
	c := p.commands[command]
	if command != "serve" {
		signal.Stop(hangup) // a terminal that closes ends the command
	}
	p.prepare()
	defer p.config.LogWriter.Flush(flushTimeout)
	if !c.raw || isTerminal(stdout) && !c.colors {
		p.stdout = exporter.NewPrintableWriter(stdout)
	}
	p.stderr = exporter.NewPrintableWriter(stderr)
	return c.run(ctx)
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

// A program is the command line with the values of its flags. The options of a
// command are in the file of its name.
type program struct {
	app      *kingpin.Application
	commands map[string]*command // by full name
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
}

// A command is one command of the program.
type command struct {
	*kingpin.CmdClause
	run    func(context.Context) error
	raw    bool // programs read its output: characters that control a terminal are kept
	colors bool // its output is for terminals, and raw
}

// A commander is what commands are added to: the application or a command.
type commander interface {
	Command(name, help string) *kingpin.CmdClause
}

// command adds a command.
func (p *program) command(parent commander, name, help string, run func(context.Context) error) *command {
	c := &command{CmdClause: parent.Command(name, help), run: run}
	p.commands[c.FullCommand()] = c
	return c
}

func newProgram(stdout, stderr io.Writer) *program {
	p := &program{
		app:      kingpin.New("host_exporter", "Export Linux host metrics to Prometheus."),
		commands: map[string]*command{},
		stdout:   stdout, stderr: stderr,
	}
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
	for _, add := range []func(){
		p.addServe, p.addCheckConfig, p.addOnce, p.addDoctor, p.addHealth, p.addSAN,
		p.addCompare, p.addMigrate, p.addExpect, p.addChecks,
	} {
		add()
	}
	return p
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
