package host

import (
	"encoding/binary"
	"errors"
	"slices"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// message returns a netlink message as the kernel sends it.
func message(typ, flags uint16, sequence uint32, data []byte) []byte {
	b := binary.NativeEndian.AppendUint32(nil, uint32(unix.SizeofNlMsghdr+len(data)))
	b = binary.NativeEndian.AppendUint16(b, typ)
	b = binary.NativeEndian.AppendUint16(b, flags)
	b = binary.NativeEndian.AppendUint32(b, sequence)
	b = append(binary.NativeEndian.AppendUint32(b, 0), data...)
	for len(b)%4 != 0 {
		b = append(b, 0)
	}
	return b
}

func code(errno syscall.Errno) []byte {
	return binary.NativeEndian.AppendUint32(nil, uint32(-int32(errno)))
}

func TestEachMessage(t *testing.T) {
	const link = unix.RTM_NEWLINK
	for _, c := range []struct {
		name        string
		datagram    []byte
		want        []string
		done        bool
		interrupted bool
		err         error
	}{
		{"two messages", slices.Concat(message(link, 0, 1, []byte("a")), message(link, 0, 1, []byte("bcdef"))), []string{"a", "bcdef"}, false, false, nil},
		{"the end", slices.Concat(message(link, 0, 1, []byte("a")), message(unix.NLMSG_DONE, 0, 1, code(0))), []string{"a"}, true, false, nil},
		{"an end without a code", message(unix.NLMSG_DONE, 0, 1, nil), nil, true, false, nil},
		{"an end that failed", message(unix.NLMSG_DONE, 0, 1, code(syscall.ENOMEM)), nil, true, false, syscall.ENOMEM},
		{"refused", message(unix.NLMSG_ERROR, 0, 1, code(syscall.EPERM)), nil, true, false, syscall.EPERM},
		{"overrun", message(unix.NLMSG_OVERRUN, 0, 1, nil), nil, true, false, syscall.ENOBUFS},
		{"another sequence", slices.Concat(message(link, 0, 7, []byte("x")), message(link, 0, 1, []byte("a"))), []string{"a"}, false, false, nil},
		{"interrupted", message(unix.NLMSG_DONE, unix.NLM_F_DUMP_INTR, 1, nil), nil, true, true, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			var have []string
			interrupted := false
			done, err := eachMessage(c.datagram, 1, &interrupted, func(b []byte) error {
				have = append(have, string(b))
				return nil
			})
			if done != c.done || interrupted != c.interrupted || !errors.Is(err, c.err) || !slices.Equal(have, c.want) {
				t.Errorf("have %q, done %v, interrupted %v, error %v", have, done, interrupted, err)
			}
		})
	}
}

func TestTruncatedMessage(t *testing.T) {
	whole := message(unix.RTM_NEWLINK, 0, 1, []byte("abcdefgh"))
	for n := unix.SizeofNlMsghdr; n < len(whole); n++ {
		interrupted := false
		if _, err := eachMessage(whole[:n], 1, &interrupted, func([]byte) error { return nil }); err == nil {
			t.Errorf("%d bytes of a message of %d are accepted", n, len(whole))
		}
	}
}

func TestLiveNetlink(t *testing.T) {
	netlink := liveNetlink()
	links := 0
	stop := errors.New("stop")
	var stopAfter error
	request := func() error {
		links = 0
		return netlink(NetlinkRequest{Protocol: unix.NETLINK_ROUTE, Type: unix.RTM_GETLINK, Body: make([]byte, unix.SizeofIfInfomsg)}, func([]byte) error {
			links++
			return stopAfter
		})
	}
	if err := request(); err != nil {
		t.Skipf("no netlink here: %v", err)
	}
	want := links
	if want == 0 {
		t.Error("no link, not even lo")
	}
	// The socket of a dump that stops early is not used again.
	stopAfter = stop
	if err := request(); err != stop || links != 1 {
		t.Errorf("%d links, %v", links, err)
	}
	stopAfter = nil
	for range 3 {
		if err := request(); err != nil || links != want {
			t.Errorf("%d links, want %d, %v", links, want, err)
		}
	}
}
