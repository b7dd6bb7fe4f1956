package growth

import (
	"context"
	"net"
	"sync/atomic"

	"golang.org/x/sys/unix"

	"github.com/hostexporter/host_exporter/collector/internal/host"
)

// CountCalls makes a host count netlink dumps, and calls of statfs, ethtool, device
// mapper and btrfs. Files are not counted.
func CountCalls(h *host.Host, calls *atomic.Int64) {
	if dump := h.Netlink; dump != nil {
		h.Netlink = func(r host.NetlinkRequest, each func([]byte) error) error {
			calls.Add(1)
			return dump(r, each)
		}
	}
	if statfs := h.Statfs; statfs != nil {
		h.Statfs = func(path string) (unix.Statfs_t, error) {
			calls.Add(1)
			return statfs(path)
		}
	}
	if open := h.Ethtool; open != nil {
		h.Ethtool = func() (host.Ethtool, error) {
			e, err := open()
			return countingEthtool{e, calls}, err
		}
	}
	if targets := h.DeviceMapper; targets != nil {
		h.DeviceMapper = func(name string, table bool) ([]host.Target, error) {
			calls.Add(1)
			return targets(name, table)
		}
	}
	if btrfs := h.Btrfs; btrfs != nil {
		h.Btrfs = func(mountPoint string, withErrors bool) (host.Btrfs, error) {
			calls.Add(1)
			return btrfs(mountPoint, withErrors)
		}
	}
}

type countingEthtool struct {
	host.Ethtool
	calls *atomic.Int64
}

func (e countingEthtool) Ioctl(device string, data []byte) error {
	e.calls.Add(1)
	return e.Ethtool.Ioctl(device, data)
}

// A busDialer is a host.Host.DialBus.
type busDialer = func(ctx context.Context, private bool) (net.Conn, error)

// countingDial returns a dialer whose connections count reads and writes.
func countingDial(dial busDialer, calls *atomic.Int64) busDialer {
	return func(ctx context.Context, private bool) (net.Conn, error) {
		conn, err := dial(ctx, private)
		if err != nil {
			return nil, err
		}
		return countingConn{conn, calls}, nil
	}
}

type countingConn struct {
	net.Conn
	calls *atomic.Int64
}

func (c countingConn) Read(b []byte) (int, error) {
	c.calls.Add(1)
	return c.Conn.Read(b)
}

func (c countingConn) Write(b []byte) (int, error) {
	c.calls.Add(1)
	return c.Conn.Write(b)
}
