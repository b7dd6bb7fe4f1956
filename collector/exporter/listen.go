package exporter

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"strconv"
	"strings"
	"syscall"

	"github.com/coreos/go-systemd/v22/activation"
	"github.com/mdlayher/vsock"
	"github.com/prometheus/exporter-toolkit/web"
	"golang.org/x/sys/unix"
)

// Listen opens the listeners that the flags of the toolkit name: TCP
// addresses, vsock://:PORT and unix://PATH, or the sockets that systemd has
// passed if --web.systemd-socket is set. It takes systemd's sockets once: the
// environment that names them is removed. On an error no listener stays open.
//
// Every listener has a method File, as net.TCPListener has, so that another
// process can inherit it: see [InheritedListener]. To close a unix listener
// without removing its socket, call its SetUnlinkOnClose(false) before.
func Listen(toolkit *web.FlagConfig) ([]net.Listener, error) {
	if toolkit.WebSystemdSocket != nil && *toolkit.WebSystemdSocket {
		return systemdListeners()
	}
	var listeners []net.Listener
	for _, address := range *toolkit.WebListenAddresses {
		l, err := listen(address)
		if err != nil {
			closeListeners(listeners)
			return nil, err
		}
		listeners = append(listeners, l)
	}
	if len(listeners) == 0 {
		return nil, web.ErrNoListeners
	}
	return listeners, nil
}

func listen(address string) (net.Listener, error) {
	if path, ok := strings.CutPrefix(address, "unix://"); ok {
		removeStaleSocket(path)
		return net.Listen("unix", path)
	}
	if strings.HasPrefix(address, "vsock://") {
		l, err := listenVsock(address)
		if err != nil {
			return nil, fmt.Errorf("--web.listen-address=%s: %w", address, err)
		}
		return l, nil
	}
	return net.Listen("tcp", address)
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

func systemdListeners() ([]net.Listener, error) {
	files := activation.Files(true)
	if len(files) == 0 {
		return nil, errors.New("--web.systemd-socket: want sockets from systemd, have none: start the socket unit")
	}
	var listeners []net.Listener
	var errs []error
	for _, f := range files {
		l, err := InheritedListener(f)
		if err != nil {
			errs = append(errs, fmt.Errorf("--web.systemd-socket: %w", err))
			continue
		}
		listeners = append(listeners, l)
	}
	if len(errs) > 0 {
		closeListeners(listeners)
		return nil, errors.Join(errs...)
	}
	return listeners, nil
}

// InheritedListener returns the listener of a descriptor that another process
// has opened, and closes f. A descriptor that is not a listening stream socket
// is an error. Closing the listener does not remove a unix socket.
func InheritedListener(f *os.File) (net.Listener, error) {
	defer f.Close()
	l, err := fileListener(f)
	if err != nil {
		return nil, fmt.Errorf("%s: want a listening stream socket: %w", f.Name(), err)
	}
	return l, nil
}

func fileListener(f *os.File) (net.Listener, error) {
	fd := int(f.Fd())
	if listens, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_ACCEPTCONN); err != nil || listens == 0 {
		return nil, errors.Join(err, errors.New("it does not listen"))
	}
	if domain, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_DOMAIN); err == nil && domain == unix.AF_VSOCK {
		return newVsockListener(f)
	}
	return net.FileListener(f)
}

// A vsockListener adds to a vsock.Listener what net.TCPListener has.
type vsockListener struct {
	*vsock.Listener
	file *os.File // has the same socket
}

// listenVsock listens on the port of an address such as vsock://:9100, on every
// context ID of the machine, for which it needs no /dev/vsock.
func listenVsock(address string) (net.Listener, error) {
	port, err := vsockPort(address)
	if err != nil {
		return nil, err
	}
	fd, err := unix.Socket(unix.AF_VSOCK, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, os.NewSyscallError("socket", err)
	}
	f := os.NewFile(uintptr(fd), address)
	defer f.Close()
	if err := unix.Bind(fd, &unix.SockaddrVM{CID: unix.VMADDR_CID_ANY, Port: port}); err != nil {
		return nil, os.NewSyscallError("bind", err)
	}
	if err := unix.Listen(fd, unix.SOMAXCONN); err != nil {
		return nil, os.NewSyscallError("listen", err)
	}
	return newVsockListener(f)
}

// vsockPort returns the port of an address; 0 stands for any.
func vsockPort(address string) (uint32, error) {
	u, err := url.Parse(address)
	if err != nil {
		return 0, err
	}
	_, text, err := net.SplitHostPort(u.Host)
	if err != nil {
		return 0, err
	}
	port, err := strconv.ParseUint(text, 10, 32)
	if port == 0 && err == nil {
		port = unix.VMADDR_PORT_ANY
	}
	return uint32(port), err
}

// newVsockListener returns a listener with copies of f.
func newVsockListener(f *os.File) (*vsockListener, error) {
	fd, err := unix.FcntlInt(f.Fd(), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return nil, os.NewSyscallError("fcntl", err)
	}
	file := os.NewFile(uintptr(fd), f.Name())
	l, err := vsock.FileListener(f)
	if err != nil {
		_ = file.Close()
		return nil, err
	}
	return &vsockListener{Listener: l, file: file}, nil
}

// File returns a copy of the socket, as net.TCPListener's does.
func (l *vsockListener) File() (*os.File, error) {
	fd, err := unix.FcntlInt(l.file.Fd(), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return nil, os.NewSyscallError("fcntl", err)
	}
	return os.NewFile(uintptr(fd), l.file.Name()), nil
}

// Close implements net.Listener.
func (l *vsockListener) Close() error {
	return errors.Join(l.Listener.Close(), l.file.Close())
}

func closeListeners(listeners []net.Listener) {
	for _, l := range listeners {
		_ = l.Close()
	}
}
