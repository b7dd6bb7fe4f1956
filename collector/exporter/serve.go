package exporter

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/go-kit/log/level"
	"github.com/prometheus/exporter-toolkit/web"
)

// Serve answers HTTP until ctx is done, and then waits up to 5 s for scrapes in
// progress. It opens the listeners that [Listen] opens; the toolkit provides TLS
// and authentication. Each signal from hangup reloads the configuration. Serve
// notifies the service manager, if there is one, of readiness, reloads and the
// end.
//
// If Config.Sandbox is set, Serve takes from the whole process, for good, what the
// collectors do not need, before it is ready: see docs/security.md.
func (e *Exporter) Serve(ctx context.Context, toolkit *web.FlagConfig, logger *slog.Logger, hangup <-chan os.Signal) error {
	listeners, err := Listen(toolkit)
	if err != nil {
		return err
	}
	return e.ServeOn(ctx, listeners, toolkit, logger, hangup)
}

// ServeOn is Serve with listeners that are open already. It closes them.
func (e *Exporter) ServeOn(ctx context.Context, listeners []net.Listener, toolkit *web.FlagConfig, logger *slog.Logger, hangup <-chan os.Signal) error {
	defer closeListeners(listeners)
	server := &http.Server{
		Handler:           e,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
		WriteTimeout:      2 * time.Minute, // of a whole scrape; a rendered response has less
		IdleTimeout:       5 * time.Minute, // longer than any sensible scrape interval
		MaxHeaderBytes:    64 << 10,
	}
	if err := e.checkRoots(); err != nil {
		return err
	}
	// The toolkit reads this file only when it serves, after the exporter is
	// ready.
	if err := web.Validate(*toolkit.WebConfigFile); err != nil {
		return err
	}
	e.webConfigFile = *toolkit.WebConfigFile
	if err := e.seal(); err != nil {
		return err
	}
	manager := e.manager()
	manager.notifyReady(e.statusLine())
	e.serving.Store(true)
	e.checks.Start()
	defer e.stopChecks()
	serveCtx, cancel := context.WithCancel(ctx)
	defer cancel()
	go manager.notifyWatchdog(serveCtx)
	go e.reloadOn(serveCtx, hangup, manager)
	shutdown := make(chan error, 1)
	go func() {
		<-ctx.Done()
		manager.notifyStopping()
		shutdownCtx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		shutdown <- server.Shutdown(shutdownCtx)
	}()
	err := web.ServeMultiple(listeners, server, toolkit, logger)
	if errors.Is(err, http.ErrServerClosed) && ctx.Err() != nil {
		return <-shutdown
	}
	return err
}

// stopChecks stops the running checks. It waits for the default grace period of
// a check, and for the removal of what a check left behind.
func (e *Exporter) stopChecks() {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := e.checks.Close(ctx); err != nil {
		_ = level.Warn(e.config.Log).Log("msg", "Checks are still running", "err", err)
	}
}

// reloadOn reloads the configuration at every signal.
func (e *Exporter) reloadOn(ctx context.Context, hangup <-chan os.Signal, manager manager) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-hangup:
			manager.notifyReloading()
			_ = e.Reload() // it logs its error
			manager.notifyReady(e.statusLine())
		}
	}
}
