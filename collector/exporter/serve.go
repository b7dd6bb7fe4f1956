package exporter

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
	"github.com/go-kit/log/level"
	"github.com/prometheus/exporter-toolkit/web"
)

// Serve answers HTTP until ctx is done, and then waits up to 5 s for scrapes in
// progress. The toolkit provides TLS, authentication, systemd sockets and
// vsock; Serve itself adds unix sockets (unix:///run/host_exporter.sock). Each
// signal from hangup reloads the configuration. Serve notifies the service
// manager, if there is one, of readiness, reloads and the end.
func (e *Exporter) Serve(ctx context.Context, toolkit *web.FlagConfig, logger *slog.Logger, hangup <-chan os.Signal) error {
	server := &http.Server{
		Handler:           e,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
		WriteTimeout:      2 * time.Minute, // of a whole scrape; a rendered response has less
		IdleTimeout:       5 * time.Minute, // longer than any sensible scrape interval
		MaxHeaderBytes:    64 << 10,
		// Without it the server writes to standard error, past the queue of the log.
		ErrorLog: slog.NewLogLogger(logger.Handler(), slog.LevelWarn),
	}
	if err := e.checkRoots(); err != nil {
		return err
	}
	// The toolkit reads this file only when it serves, after the exporter is
	// ready.
	if err := web.Validate(*toolkit.WebConfigFile); err != nil {
		return err
	}
	listeners, err := listen(toolkit)
	if err != nil {
		return err
	}
	manager := systemd{e.config.Log}
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
		manager.notify(daemon.SdNotifyStopping)
		shutdownCtx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		shutdown <- server.Shutdown(shutdownCtx)
	}()
	if listeners != nil {
		err = web.ServeMultiple(listeners, server, toolkit, logger)
	} else {
		err = web.ListenAndServe(server, toolkit, logger)
	}
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
func (e *Exporter) reloadOn(ctx context.Context, hangup <-chan os.Signal, manager systemd) {
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

// listen opens the listeners. It returns none for systemd sockets and vsock,
// which only the toolkit can open.
func listen(toolkit *web.FlagConfig) ([]net.Listener, error) {
	has := func(scheme string) bool {
		return slices.ContainsFunc(*toolkit.WebListenAddresses, func(a string) bool { return strings.HasPrefix(a, scheme) })
	}
	switch {
	case *toolkit.WebSystemdSocket, has("vsock://") && !has("unix://"):
		return nil, nil
	case has("vsock://"):
		return nil, errors.New("unix:// and vsock:// addresses cannot be used together")
	}
	var listeners []net.Listener
	for _, a := range *toolkit.WebListenAddresses {
		network := "tcp"
		if path, ok := strings.CutPrefix(a, "unix://"); ok {
			network, a = "unix", path
			removeStaleSocket(path)
		}
		l, err := net.Listen(network, a)
		if err != nil {
			return nil, err
		}
		listeners = append(listeners, l)
	}
	return listeners, nil
}

// removeStaleSocket removes a socket without a listener, which a killed
// exporter left behind.
func removeStaleSocket(path string) {
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
