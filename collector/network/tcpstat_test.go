package network

import (
	"testing"

	"golang.org/x/sys/unix"

	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/netlink"
	"github.com/hostexporter/host_exporter/collector/internal/test/golden"
)

// socketMessage builds a struct inet_diag_msg with the attributes that a kernel
// adds unasked.
func socketMessage(state uint8, rx, tx uint32) []byte {
	b := make([]byte, 72)
	b[0], b[1] = unix.AF_INET, state
	netlink.Native.PutUint32(b[56:], rx)
	netlink.Native.PutUint32(b[60:], tx)
	b = netlink.AppendAttribute(b, 8, []byte{0})           // INET_DIAG_SHUTDOWN
	return netlink.AppendAttribute(b, 21, make([]byte, 8)) // INET_DIAG_CGROUP_ID
}

// socketHost returns a host with n TCP sockets of IPv4 and as many of IPv6, and
// nothing else that takes memory.
func socketHost(n int) *host.Host {
	message := socketMessage(1, 1, 2)
	return &host.Host{Netlink: func(_ host.NetlinkRequest, each func([]byte) error) error {
		for i := range n {
			message[1] = uint8(i%11) + 1
			if err := each(message); err != nil {
				return err
			}
		}
		return nil
	}}
}

// TestTCPRequest checks that the kernel is asked for all states that are counted,
// and for nothing else.
func TestTCPRequest(t *testing.T) {
	b := tcpRequest(unix.AF_INET6)
	if len(b) != 56 || b[0] != unix.AF_INET6 || b[1] != unix.IPPROTO_TCP || b[2] != 0 {
		t.Errorf("% x", b)
	}
	states := netlink.Native.Uint32(b[4:])
	for state := range 32 {
		if wanted := states&(1<<state) != 0; wanted != (state > 0 && state < len(tcpStates)) {
			t.Errorf("state %d is asked for: %v", state, wanted)
		}
	}
}

func FuzzTCPSocket(f *testing.F) {
	f.Add(socketMessage(1, 2, 3))
	f.Add([]byte{1})
	f.Fuzz(func(t *testing.T, b []byte) {
		var s tcpSums
		err := s.take(b)
		total := uint64(0)
		for _, n := range s.byState {
			total += n
		}
		if total != 1 && err == nil || total != 0 && err != nil {
			t.Errorf("%d sockets, error %v", total, err)
		}
	})
}

func TestTcpstatAllocations(t *testing.T) {
	for _, n := range []int{10, 10000} {
		golden.NewWorkbenchOn(t, tcpstat.Build, socketHost(n), nil).Allocs(20)
	}
}

func BenchmarkTcpstat(b *testing.B) {
	b.Run("sockets-1000000", func(b *testing.B) {
		golden.NewWorkbenchOn(b, tcpstat.Build, socketHost(500000), nil).Steady()
	})
}
