package exporter

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
	"time"

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
	if err := e.checkRoots(); err != nil {
		return err
	}
	// The toolkit reads this file again when it serves.
	if err := validateWebConfig(*toolkit.WebConfigFile); err != nil {
		return err
	}
	e.startsChecks = true
	e.webConfigFile, e.addresses = *toolkit.WebConfigFile, addressesOf(listeners)
	if e.config.SaveMemory {
		e.memory = newMemorySaver()
	}
	if err := e.seal(); err != nil {
		return err
	}
	ready, accepting := make(chan struct{}), atomic.Int64{}
	accepting.Store(int64(len(listeners)))
	accepts := func() {
		if accepting.Add(-1) == 0 {
			close(ready)
		}
	}
	// The toolkit sets up a server for one listener at a time.
	servers := make([]server, len(listeners))
	ended := make(chan error, len(listeners))
	for i, l := range listeners {
		servers[i] = server{e.newServer(), e.connections.Listener(l, accepts)}
		go func() { ended <- web.Serve(servers[i].listener, servers[i].Server, toolkit, logger) }()
	}
	defer e.config.stopChecks(e.checks)
	var err error
	select {
	case <-ready:
		err = e.serveUntil(ctx, ended, hangup)
	case err = <-ended:
	case <-ctx.Done():
	}
	if err != nil {
		for _, s := range servers {
			_ = s.Close()
		}
		return err
	}
	e.stop(servers, ended)
	return nil
}

// A server is an HTTP server with its only listener.
type server struct {
	*http.Server
	listener net.Listener
}

// serveUntil runs the checks and reloads until ctx is done or a server ends,
// whose error it returns.
func (e *Exporter) serveUntil(ctx context.Context, ended <-chan error, hangup <-chan os.Signal) error {
	manager := e.manager()
	e.serving.Store(true)
	if e.snapshot == nil {
		e.checks.Start()
	}
	manager.notifyReady(e.statusLine())
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go manager.notifyWatchdog(ctx)
	go e.reloadOn(ctx, hangup, manager)
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
		return nil
	}
}

// stopTimeout is how long a stop waits for requests in progress, silentTimeout
// for the first request of a connection.
const (
	stopTimeout   = 5 * time.Second
	silentTimeout = 500 * time.Millisecond
)

// stop stops servers, which send their errors to ended. Clients that have
// connected before are answered; then connections are closed. What is unfinished
// after stopTimeout ends: a client that does not read is no failure of the
// exporter.
func (e *Exporter) stop(servers []server, ended <-chan error) {
	ctx, cancel := context.WithTimeout(context.Background(), stopTimeout)
	defer cancel()
	for _, s := range servers {
		s.SetKeepAlivesEnabled(false)
		_ = s.listener.Close()
	}
	// A server that shuts down drops the requests that it has not read yet.
	for range servers {
		<-ended
	}
	e.manager().notifyStopping()
	e.connections.CloseSilent(silentTimeout)
	var stopping sync.WaitGroup
	for _, s := range servers {
		stopping.Go(func() {
			if s.Shutdown(ctx) != nil {
				_ = s.Close()
			}
		})
	}
	stopping.Wait()
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
