package host

import (
	"errors"
	"testing"

	"golang.org/x/sys/unix"
)

// FuzzNetlinkMessages checks that datagrams cause no panic, and that each message is a
// part of them.
func FuzzNetlinkMessages(f *testing.F) {
	message := appendRequest(nil, NetlinkRequest{Type: unix.RTM_NEWLINK, Body: []byte("body")}, 1)
	f.Add(message)
	f.Add(append(message, message...))
	f.Add(message[:12])
	done := appendRequest(nil, NetlinkRequest{Type: unix.NLMSG_ERROR, Body: []byte{0xff, 0xff, 0xff, 0xff}}, 1)
	f.Add(append(message, done...))
	f.Fuzz(func(t *testing.T, b []byte) {
		total := 0
		interrupted := false
		_, _ = eachMessage(b, 1, &interrupted, func(data []byte) error {
			total += unix.SizeofNlMsghdr + len(data)
			return nil
		})
		if total > len(b) {
			t.Errorf("messages of %d bytes in %d", total, len(b))
		}
		stop := errors.New("stop")
		if total > 0 {
			if _, err := eachMessage(b, 1, &interrupted, func([]byte) error { return stop }); err != stop {
				t.Errorf("have %v, want the error of the first message", err)
			}
		}
	})
}

// FuzzDirents checks that entries of a folder cause no panic.
func FuzzDirents(f *testing.F) {
	f.Add([]byte("\x01\x00\x00\x00\x00\x00\x00\x00\x02\x00\x00\x00\x00\x00\x00\x00\x18\x00\x04abcd\x00"))
	f.Add(make([]byte, 24))
	f.Fuzz(func(t *testing.T, b []byte) {
		total := 0
		eachDirent(b, func(_ uint64, name []byte) {
			total += 19 + len(name)
			if string(name) == "." || string(name) == ".." {
				t.Errorf("%q is listed", name)
			}
		})
		if total > len(b) {
			t.Errorf("entries of %d bytes in %d", total, len(b))
		}
	})
}

// FuzzCompareNatural checks that natural order is an order.
func FuzzCompareNatural(f *testing.F) {
	f.Add("cpu2", "cpu10", "cpu02")
	f.Add("", "0", "00")
	f.Add("a1b", "a01", "a1")
	sign := func(n int) int { return max(-1, min(1, n)) }
	f.Fuzz(func(t *testing.T, a, b, c string) {
		ab, bc, ac := sign(CompareNatural(a, b)), sign(CompareNatural(b, c)), sign(CompareNatural(a, c))
		if sign(CompareNatural(b, a)) != -ab {
			t.Errorf("%q and %q are each before the other", a, b)
		}
		if ab == 0 && a != b {
			t.Errorf("%q and %q are the same", a, b)
		}
		if ab <= 0 && bc <= 0 && ac > 0 {
			t.Errorf("%q, %q and %q are in a circle", a, b, c)
		}
	})
}
