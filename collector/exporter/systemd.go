package exporter

import (
	"context"
	"fmt"
	"net"
	"os"
	"slices"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
	"github.com/go-kit/log"
	"github.com/go-kit/log/level"
	"golang.org/x/sys/unix"

	"github.com/hostexporter/host_exporter/collector/checks"
)

// A manager takes the state of the exporter: the service manager, or the runner that
// relays it.
type manager interface {
	notifyReady(status string)
	notifyReloading()
	notifyStopping()
	notifyStatus(status string)
	notifyWatchdog(ctx context.Context)
}

// manager returns what takes the state of this process.
func (e *Exporter) manager() manager {
	if e.config.child != nil {
		return e.config.child
	}
	return systemd{e.config.Log}
}

// A systemd is the service manager that started the exporter: systemd, or
// another one that sets NOTIFY_SOCKET. See sd_notify(3).
type systemd struct{ log log.Logger }

// notify sends a state to the service manager, if there is one.
func (m systemd) notify(state string) {
	if err := sendState(os.Getenv("NOTIFY_SOCKET"), state); err != nil {
		_ = level.Warn(m.log).Log("msg", "Cannot notify the service manager", "state", state, "err", err)
	}
}

// notifyTimeout is how long to wait for a service manager that does not read.
const notifyTimeout = time.Second

// sendState sends a state to a socket, unless its path is empty. Unlike SdNotify
// of go-systemd it does not wait for ever for a manager that does not read its
// socket: the exporter would neither become ready nor end.
func sendState(socket, state string) error {
	if socket == "" {
		return nil
	}
	conn, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: socket, Net: "unixgram"})
	if err != nil {
		return err
	}
	defer conn.Close()
	if err := conn.SetWriteDeadline(time.Now().Add(notifyTimeout)); err != nil {
		return err
	}
	_, err = conn.Write([]byte(state))
	return err
}

// notifyReady notifies that the exporter is ready, with the status line that
// systemctl status shows.
func (m systemd) notifyReady(status string) { m.notify(daemon.SdNotifyReady + "\nSTATUS=" + status) }

func (m systemd) notifyStopping() { m.notify(daemon.SdNotifyStopping) }

func (m systemd) notifyStatus(status string) { m.notify("STATUS=" + status) }

// notifyReloading notifies that a reload begins. With Type=notify-reload
// systemd takes the time to recognize the reload that it requested.
func (m systemd) notifyReloading() {
	var now unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &now); err == nil {
		m.notify(fmt.Sprintf("%s\nMONOTONIC_USEC=%d", daemon.SdNotifyReloading, now.Nano()/1000))
	}
}

// statusLine returns a summary in one line, with the first error of the last
// reload if it failed.
func (e *Exporter) statusLine() string {
	g := e.current.Load()
	checks := slices.DeleteFunc(slices.Clone(g.checks), func(d checks.Definition) bool { return !d.Enabled })
	s := fmt.Sprintf("%d collectors, %d checks", len(g.units), len(checks))
	c := e.configuration()
	if c.FailedAt.IsZero() || len(c.Errors) == 0 {
		return s
	}
	return fmt.Sprintf("%s; reload failed at %s, the previous configuration is in effect: %s", s, c.FailedAt.Format(time.TimeOnly), c.Errors[0])
}

// notifyWatchdog notifies the manager's watchdog twice in each of its timeouts,
// until ctx is done.
func (m systemd) notifyWatchdog(ctx context.Context) {
	timeout, err := daemon.SdWatchdogEnabled(false)
	if err != nil {
		return
	}
	twiceIn(ctx, timeout, func() { m.notify(daemon.SdNotifyWatchdog) })
}

// twiceIn calls notify twice in each timeout, until ctx is done; never if there is no
// timeout.
func twiceIn(ctx context.Context, timeout time.Duration, notify func()) {
	if timeout <= 0 {
		return
	}
	ticker := time.NewTicker(timeout / 2)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			notify()
		}
	}
}
