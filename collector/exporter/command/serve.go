package command

import (
	"context"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"syscall"

	"github.com/go-kit/log/level"
	"github.com/prometheus/common/version"

	"github.com/hostexporter/host_exporter/collector/exporter"
)

// addServe adds the default command.
func (p *program) addServe() {
	p.command(p.app, "serve", "Serve metrics over HTTP (the default). SIGHUP reloads the configuration file, SIGTERM ends it.", p.serve).Default()
}

// serve serves until ctx is done. Its end is logged, with its error: the log of a
// service has one format to the last line.
func (p *program) serve(ctx context.Context) error {
	p.service.Store(&p.config.Log)
	// Without a handler, a log reader that exits would kill the process at the next
	// line. Ignoring the signal would be inherited by the checks.
	brokenPipe := make(chan os.Signal, 1)
	signal.Notify(brokenPipe, syscall.SIGPIPE)
	defer func() {
		p.config.LogWriter.Flush(flushTimeout) // the last lines may find that the reader is gone
		signal.Stop(brokenPipe)
	}()
	logged := p.logStop(ctx)
	err := p.buildAndServe(ctx)
	if err != nil {
		_ = level.Error(p.config.Log).Log("msg", "Cannot serve", "err", err)
		return loggedError{err}
	}
	logged()
	return nil
}

// logStop logs that ctx is done. The returned function logs that the exporter has
// stopped. A process that a runner started logs neither: the runner does.
func (p *program) logStop(ctx context.Context) (logged func()) {
	if exporter.StartedByRunner() {
		return func() {}
	}
	stopping := make(chan struct{})
	cancel := context.AfterFunc(ctx, func() {
		_ = level.Info(p.config.Log).Log("msg", "Stopping host_exporter", "reason", context.Cause(ctx))
		close(stopping)
	})
	return func() {
		if !cancel() {
			<-stopping
		}
		_ = level.Info(p.config.Log).Log("msg", "Stopped host_exporter")
	}
}

func (p *program) buildAndServe(ctx context.Context) error {
	p.config.Flags = p.flagValues()
	p.app, p.commands = nil, nil // a quarter of a megabyte
	p.config.SaveMemory = true
	if err := exporter.RelaxTimers(); err != nil {
		_ = level.Debug(p.config.Log).Log("msg", "Cannot relax timers: scrapes take more CPU time", "err", err)
	}
	switch {
	case exporter.StartedByRunner():
		signal.Ignore(syscall.SIGHUP) // the runner reloads
		return exporter.ServeForRunner(ctx, p.config, p.toolkit, p.slog)
	case p.config.File != "" && p.config.From == "":
		return p.runChecksAndServe(ctx)
	}
	e, err := exporter.New(p.config)
	if err != nil {
		return err
	}
	p.logStart()
	_ = level.Info(p.config.Log).Log("msg", "Enabled collectors", "names", strings.Join(e.Names(), ","))
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
