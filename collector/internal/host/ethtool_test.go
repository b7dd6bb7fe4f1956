package host

import (
	"encoding/binary"
	"errors"
	"net"
	"testing"

	"golang.org/x/sys/unix"
)

// TestRealEthtoolGuard leaves too little room before the page without access:
// the call must fail, where it would overwrite what is behind the buffer.
func TestRealEthtoolGuard(t *testing.T) {
	opened, err := openEthtool()
	if err != nil {
		t.Skip(err)
	}
	defer opened.Close()
	e := opened.(*liveEthtool)
	whole := e.buffer
	interfaces, err := net.Interfaces()
	if err != nil {
		t.Skip(err)
	}
	const header = 12 // struct ethtool_gstrings
	request := func() []byte {
		b := make([]byte, header)
		binary.NativeEndian.PutUint32(b, unix.ETHTOOL_GSTRINGS)
		binary.NativeEndian.PutUint32(b[4:], 1) // ETH_SS_STATS
		return b
	}
	for _, i := range interfaces {
		b := request()
		if err := e.Ioctl(i.Name, b); err != nil || binary.NativeEndian.Uint32(b[8:]) == 0 {
			continue // no statistics
		}
		e.buffer = whole[len(whole)-header-4:]
		if err := e.Ioctl(i.Name, request()); !errors.Is(err, unix.EFAULT) {
			t.Errorf("%s: have %v, want EFAULT", i.Name, err)
		}
		e.buffer = whole
		if err := e.Ioctl(i.Name, request()); err != nil {
			t.Errorf("%s, with room again: %v", i.Name, err)
		}
		return
	}
	t.Skip("no interface with statistics here")
}
