package host

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/url"
	"os"
	"strings"
)

// Sockets of D-Bus: of the system bus, where newer hosts and older ones have it,
// and of systemd itself.
const (
	busSocket     = "/run/dbus/system_bus_socket"
	oldBusSocket  = "/var/run/dbus/system_bus_socket"
	privateSocket = "/run/systemd/private"
)

// liveDialBus returns a function that connects to the system bus of the host
// whose files are below root, unless DBUS_SYSTEM_BUS_ADDRESS has another one, or
// to the private socket of systemd.
func liveDialBus(root Tree) func(ctx context.Context, private bool) (net.Conn, error) {
	var d net.Dialer
	return func(ctx context.Context, private bool) (net.Conn, error) {
		if private {
			return d.DialContext(ctx, "unix", root.Path(privateSocket))
		}
		if address := os.Getenv("DBUS_SYSTEM_BUS_ADDRESS"); address != "" {
			socket, err := busAddress(address)
			if err != nil {
				return nil, fmt.Errorf("DBUS_SYSTEM_BUS_ADDRESS: %w", err)
			}
			return d.DialContext(ctx, "unix", socket)
		}
		conn, err := d.DialContext(ctx, "unix", root.Path(busSocket))
		if errors.Is(err, fs.ErrNotExist) {
			if old, oldErr := d.DialContext(ctx, "unix", root.Path(oldBusSocket)); oldErr == nil {
				return old, nil
			}
		}
		return conn, err
	}
}

// busAddress returns the first unix socket in a D-Bus address, such as
// unix:path=/run/dbus/system_bus_socket;unix:abstract=/tmp/bus,guid=00. See
// https://dbus.freedesktop.org/doc/dbus-specification.html#addresses.
func busAddress(address string) (string, error) {
	for one := range strings.SplitSeq(address, ";") {
		keys, ok := strings.CutPrefix(one, "unix:")
		if !ok {
			continue
		}
		for pair := range strings.SplitSeq(keys, ",") {
			key, value, _ := strings.Cut(pair, "=")
			path, err := url.PathUnescape(value)
			switch {
			case err != nil:
				return "", err
			case key == "path":
				return path, nil
			case key == "abstract":
				return "@" + path, nil
			}
		}
	}
	return "", fmt.Errorf("want unix:path=PATH or unix:abstract=NAME, have %q", address)
}
