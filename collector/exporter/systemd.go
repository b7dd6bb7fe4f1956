package exporter

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
	"github.com/go-kit/log"
	"github.com/go-kit/log/level"
	"golang.org/x/sys/unix"

	"github.com/hostexporter/host_exporter/collector/checks"
)

// A systemd is the service manager that started the exporter, as far as it
// wants to hear of it (sd_notify(3)): systemd, or whatever sets NOTIFY_SOCKET.
type systemd struct{ log log.Logger }

func (m systemd) notify(state string) {
	if _, err := daemon.SdNotify(false, state); err != nil {
		_ = level.Warn(m.log).Log("msg", "Cannot tell the service manager", "state", state, "err", err)
	}
}

// notifyReady says that the exporter serves, and how things stand: a line that
// systemctl status shows.
func (m systemd) notifyReady(status string) { m.notify(daemon.SdNotifyReady + "\nSTATUS=" + status) }

// notifyReloading says that a reload has begun, and when: newer managers tell by the
// time whether it is the one that they asked for.
func (m systemd) notifyReloading() {
	var now unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &now); err == nil {
		m.notify(fmt.Sprintf("%s\nMONOTONIC_USEC=%d", daemon.SdNotifyReloading, now.Nano()/1000))
	}
}

// statusLine is in one line what is in effect, and what is wrong with it.
func (e *Exporter) statusLine() string {
	g := e.current.Load()
	checks := slices.DeleteFunc(slices.Clone(g.checks), func(d checks.Definition) bool { return !d.Enabled })
	s := fmt.Sprintf("%d collectors, %d checks", len(g.units), len(checks))
	c := e.configuration()
	if c.FailedAt.IsZero() || len(c.Errors) == 0 {
		return s
	}
	return fmt.Sprintf("%s; the configuration was refused at %s, the one before is in effect: %s", s, c.FailedAt.Format(time.TimeOnly), c.Errors[0])
}

// notifyWatchdog shows the manager's watchdog that the process is alive, twice in the
// time after which it would be restarted.
func (m systemd) notifyWatchdog(ctx context.Context) {
	timeout, err := daemon.SdWatchdogEnabled(false)
	if err != nil || timeout == 0 {
		return
	}
	ticker := time.NewTicker(timeout / 2)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			m.notify(daemon.SdNotifyWatchdog)
		}
	}
}
