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

// Serve answers HTTP until ctx ends, then lets scrapes in progress finish. TLS,
// authentication, systemd sockets and vsock come from the toolkit; unix
// sockets (unix:///run/host_exporter.sock) are served besides. Every signal
// from hangup has the configuration read again. A service manager that asks
// for it is told when all this begins and ends.
func (e *Exporter) Serve(ctx context.Context, toolkit *web.FlagConfig, logger *slog.Logger, hangup <-chan os.Signal) error {
	server := &http.Server{
		Handler:           e,
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
	manager := systemd{e.config.Log}
	manager.notifyReady(e.statusLine())
	e.serving.Store(true)
	e.checks.Start()
	defer e.stopChecks()
	serving, served := context.WithCancel(ctx)
	defer served()
	go manager.notifyWatchdog(serving)
	go e.reloadOn(serving, hangup, manager)
	stopped := make(chan error, 1)
	go func() {
		<-ctx.Done()
		manager.notify(daemon.SdNotifyStopping)
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

// stopChecks ends what runs: with the grace that a check has by default, and
// some time to sweep up what it left behind.
func (e *Exporter) stopChecks() {
	late, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := e.checks.Close(late); err != nil {
		_ = level.Warn(e.config.Log).Log("msg", "Checks are still running", "err", err)
	}
}

// reloadOn reads the configuration again at every signal.
func (e *Exporter) reloadOn(ctx context.Context, hangup <-chan os.Signal, manager systemd) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-hangup:
			manager.notifyReloading()
			_ = e.Reload() // which tells in the log and in the metrics
			manager.notifyReady(e.statusLine())
		}
	}
}

// listen opens the listeners, except for those that only the toolkit knows
// how to open: it returns none then.
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

// removeStaleSocket removes a socket that nobody listens on: one that a killed
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
