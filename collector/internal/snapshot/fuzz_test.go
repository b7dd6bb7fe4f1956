package snapshot_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"net"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/hostexporter/host_exporter/collector/internal/dbus"
	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/snapshot"
)

// FuzzReplay reads hosts of any text, as others may send them, whole and redacted.
func FuzzReplay(f *testing.F) {
	f.Add([]byte(planted()))
	f.Add([]byte("A host.\n-- a -> b --\n-- b -> a --\n-- c/d !EIO --\n-- c !EACCES --\n-- e unread --\nf\n\"g\\n\"\n-- e/f --\nx\n-- e/f/h --\ny\n"))
	f.Add([]byte("A host.\n-- syscall/dbus --\n/a b.C a{sv} 1 \"x\" v v v s \"y\"\n-- syscall/perf --\n0 software 3 1 2 3\nopen-files 7\n-- syscall/device-mapper --\na status 0 1 x y\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if bytes.Contains(data, []byte("fifo")) || bytes.Contains(data, []byte("hang")) {
			t.Skip() // it hangs, as it should
		}
		for _, redacted := range []bool{false, true} {
			a, err := snapshot.Parse(data)
			if err != nil {
				return
			}
			if redacted {
				snapshot.RedactWith(a, []byte("a key"))
				if a, err = snapshot.Parse(a.Format()); err != nil {
					t.Fatal(err)
				}
			}
			h, err := snapshot.Replay(a)
			if err != nil {
				return
			}
			use(h, a)
		}
	})
}

// use reads all of a host.
func use(h *host.Host, a *snapshot.Archive) {
	r := h.Root.Reader()
	for _, e := range a.Entries {
		p := "/" + e.Path
		_, _ = r.Read(p)
		_, _ = r.Names(p)
		_, _ = r.Link(p)
		_, _ = r.Stat(p, "..")
		_ = r.Lines(func([]byte) error { return nil }, p)
	}
	_, _ = h.Uname()
	_, _, _ = h.Adjtimex()
	_, _ = h.Statfs("/home/mustermann")
	if h.Btrfs != nil {
		_, _ = h.Btrfs("/b", true)
	}
	if h.DeviceMapper != nil {
		_, _ = h.DeviceMapper("a", false)
	}
	if h.OpenPerf != nil {
		_, _ = h.OpenPerf(host.PerfEvent{Type: 1, Config: 3}, 0)
		_, _ = h.MaxOpenFiles()
	}
	if h.Netlink != nil {
		_ = h.Netlink(host.NetlinkRequest{Protocol: unix.NETLINK_ROUTE, Type: unix.RTM_GETLINK}, func([]byte) error { return nil })
	}
	if h.Ethtool != nil {
		e, _ := h.Ethtool()
		_ = e.Ioctl("eth0", []byte{unix.ETHTOOL_GSTATS, 0, 0, 0, 0, 0, 0, 0})
	}
	c := dbus.Client{Service: "b", Dial: func(ctx context.Context) (net.Conn, error) { return h.DialBus(ctx, false) }}
	defer c.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	if _, err := c.Begin(ctx); err == nil {
		c.Call("/a", "b", "C")
		_ = c.Do()
	}
}

// FuzzBusValue encodes values of any signature.
func FuzzBusValue(f *testing.F) {
	f.Add("a(susso)", `1 "3" 1000 "alice" "seat0" "/org"`)
	f.Add("v", "v v v s x")
	f.Add("a{sv}", `1 "a" s "b"`)
	f.Fuzz(func(t *testing.T, signature, words string) {
		var e snapshot.DBusEncoder
		_ = e.Encode(signature, strings.Fields(words))
	})
}

// TestBomb refuses an archive that is small only while it is compressed.
func TestBomb(t *testing.T) {
	if testing.Short() {
		t.Skip("it compresses 256 MiB")
	}
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	block := bytes.Repeat([]byte("0"), 1<<20)
	for range 257 {
		if _, err := z.Write(block); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := snapshot.Parse(b.Bytes()); err == nil || !strings.Contains(err.Error(), "when it is unpacked") {
		t.Errorf("%d bytes: %v", b.Len(), err)
	}
}
