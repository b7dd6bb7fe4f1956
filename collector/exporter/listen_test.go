package exporter

import (
	"errors"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/mdlayher/vsock"
	"github.com/prometheus/exporter-toolkit/web"
	"golang.org/x/sys/unix"
)

func toolkitFlags(systemd bool, addresses ...string) *web.FlagConfig {
	file := ""
	return &web.FlagConfig{WebListenAddresses: &addresses, WebSystemdSocket: &systemd, WebConfigFile: &file}
}

// greet connects to a listener and sends one byte through it.
func greet(t *testing.T, l net.Listener, dial func() (net.Conn, error)) {
	t.Helper()
	client, err := dial()
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	server, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	if _, err := server.Write([]byte{'x'}); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(client, make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
}

// TestListen opens every kind of listener that the kernel has, and hands each to a
// second owner.
func TestListen(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.sock")
	addresses := []string{"127.0.0.1:0", "unix://" + path}
	fd, err := unix.Socket(unix.AF_VSOCK, unix.SOCK_STREAM, 0)
	if err == nil {
		unix.Close(fd)
		addresses = append(addresses, "vsock://:0")
	}
	listeners, err := Listen(toolkitFlags(false, addresses...))
	if err != nil {
		t.Fatal(err)
	}
	for i, l := range listeners {
		dial := func() (net.Conn, error) { return net.Dial(l.Addr().Network(), l.Addr().String()) }
		if a, ok := l.Addr().(*vsock.Addr); ok {
			dial = func() (net.Conn, error) { return vsock.Dial(unix.VMADDR_CID_LOCAL, a.Port, nil) }
			if conn, err := dial(); err != nil {
				t.Logf("not all of vsock is tested: %v", err) // no vsock_loopback
				l.Close()
				continue
			} else {
				conn.Close()
				if conn, err = l.Accept(); err == nil {
					conn.Close()
				}
			}
		}
		greet(t, l, dial)
		f, err := l.(interface{ File() (*os.File, error) }).File()
		if err != nil {
			t.Fatalf("%s: %v", addresses[i], err)
		}
		inherited, err := InheritedListener(f)
		if err != nil {
			t.Fatalf("%s: %v", addresses[i], err)
		}
		if u, ok := l.(*net.UnixListener); ok {
			u.SetUnlinkOnClose(false)
		}
		if err := l.Close(); err != nil {
			t.Errorf("%s: %v", addresses[i], err)
		}
		greet(t, inherited, dial)
		if err := inherited.Close(); err != nil {
			t.Errorf("%s: %v", addresses[i], err)
		}
		if conn, err := dial(); !errors.Is(err, syscall.ECONNREFUSED) {
			if err == nil {
				conn.Close()
			}
			t.Errorf("%s: still listening: %v", addresses[i], err)
		}
	}
}

// TestListenErrors opens addresses of which one cannot be opened: none stays
// open.
func TestListenErrors(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.sock")
	for _, last := range []string{"256.0.0.1:0", "unix:///no/such/folder/x", "vsock://:-1", "vsock://9100"} {
		if _, err := Listen(toolkitFlags(false, "unix://"+path, last)); err == nil {
			t.Errorf("%s is accepted", last)
		}
		if conn, err := net.Dial("unix", path); err == nil {
			conn.Close()
			t.Errorf("%s: the other address stays open", last)
		}
	}
}

// TestInheritedListenerErrors inherits descriptors that are not listening stream
// sockets.
func TestInheritedListenerErrors(t *testing.T) {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(pair[1])
	datagram, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	null, err := os.Open("/dev/null")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range []*os.File{null, os.NewFile(uintptr(pair[0]), "pair"), os.NewFile(uintptr(datagram), "datagram")} {
		if _, err := InheritedListener(f); err == nil || !strings.HasPrefix(err.Error(), f.Name()+": want a listening stream socket") {
			t.Errorf("%s: have error %v", f.Name(), err)
		}
	}
}

// TestSystemdSockets passes sockets to a process as systemd does.
func TestSystemdSockets(t *testing.T) {
	if os.Getenv("LISTEN_FDS") != "" {
		listeners, err := Listen(toolkitFlags(true))
		if err != nil {
			t.Fatal(err)
		}
		for _, l := range listeners {
			greet(t, l, func() (net.Conn, error) { return net.Dial(l.Addr().Network(), l.Addr().String()) })
		}
		if _, err := Listen(toolkitFlags(true)); err == nil || os.Getenv("LISTEN_FDS") != "" {
			t.Errorf("the sockets are taken twice: %v", err)
		}
		return
	}
	path := filepath.Join(t.TempDir(), "x.sock")
	listeners, err := Listen(toolkitFlags(false, "127.0.0.1:0", "unix://"+path))
	if err != nil {
		t.Fatal(err)
	}
	defer closeListeners(listeners)
	// The shell knows the number of the process that it becomes.
	cmd := exec.Command("/bin/sh", "-c", `LISTEN_PID=$$ exec "$0" -test.run='^TestSystemdSockets$'`, os.Args[0])
	cmd.Env = append(os.Environ(), "LISTEN_FDS=2")
	for _, l := range listeners {
		f, err := l.(interface{ File() (*os.File, error) }).File()
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		cmd.ExtraFiles = append(cmd.ExtraFiles, f)
	}
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
