package exporter

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// TestManagerThatDoesNotRead has a service manager whose socket is full: neither
// the start nor the end of the exporter may wait for it for ever.
func TestManagerThatDoesNotRead(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "notify")
	socket, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Close()
	began := time.Now()
	for range 10_000 {
		if err = sendState(path, "WATCHDOG=1"); err != nil {
			break
		}
	}
	if !errors.Is(err, os.ErrDeadlineExceeded) || time.Since(began) > 10*notifyTimeout {
		t.Errorf("after %v: %v", time.Since(began), err)
	}
	if err := sendState("", "WATCHDOG=1"); err != nil {
		t.Error(err)
	}
}
