package host

import (
	"errors"
	"io/fs"
	"net"
	"path/filepath"
	"testing"

	"github.com/hostexporter/host_exporter/collector/internal/test/testfile"
)

func TestBusAddress(t *testing.T) {
	for address, want := range map[string]string{
		"unix:path=/run/dbus/system_bus_socket":                        "/run/dbus/system_bus_socket",
		"unix:guid=00,path=/a%20b%2c":                                  "/a b,",
		"unix:abstract=/tmp/bus,guid=00":                               "@/tmp/bus",
		"tcp:host=localhost,port=1;unix:path=/second;unix:path=/third": "/second",
		"unix:tmpdir=/tmp;unix:path=/a":                                "/a",
	} {
		if have, err := busAddress(address); have != want || err != nil {
			t.Errorf("%s: %s, %v, want %s", address, have, err, want)
		}
	}
	for _, address := range []string{"", "/run/dbus/system_bus_socket", "tcp:host=localhost", "autolaunch:", "unix:path=%zz"} {
		if have, err := busAddress(address); err == nil {
			t.Errorf("%s: %s", address, have)
		}
	}
}

func TestDialBus(t *testing.T) {
	listen := func(path string) {
		testfile.Dir(t, filepath.Dir(path))
		listener, err := net.Listen("unix", path)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = listener.Close() })
	}
	root := t.TempDir()
	dial := liveDialBus(NewTree(root))
	connects := func(private bool, want string) {
		t.Helper()
		conn, err := dial(t.Context(), private)
		if want == "" {
			if !errors.Is(err, fs.ErrNotExist) || !Gone(err) {
				t.Error(err)
			}
			return
		}
		if err != nil {
			t.Error(err)
			return
		}
		if have := conn.RemoteAddr().String(); have != want {
			t.Errorf("connected to %s, want %s", have, want)
		}
		_ = conn.Close()
	}
	t.Setenv("DBUS_SYSTEM_BUS_ADDRESS", "")
	connects(false, "")
	connects(true, "")
	listen(root + oldBusSocket)
	connects(false, root+oldBusSocket)
	listen(root + busSocket)
	connects(false, root+busSocket)
	listen(root + privateSocket)
	connects(true, root+privateSocket)
	listen(root + "/own")
	t.Setenv("DBUS_SYSTEM_BUS_ADDRESS", "unix:path="+root+"/own")
	connects(false, root+"/own")
	connects(true, root+privateSocket)
	t.Setenv("DBUS_SYSTEM_BUS_ADDRESS", "nonsense")
	if _, err := dial(t.Context(), false); err == nil || Gone(err) {
		t.Error(err)
	}
}
