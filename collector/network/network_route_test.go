package network

import (
	"encoding/binary"
	"fmt"
	"hash/maphash"
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/netlink"
	"github.com/hostexporter/host_exporter/collector/internal/test/golden"
)

// routeHost returns a host with n IPv4 routes to different networks of 24 bits,
// as a router on the Internet has them. It makes messages when it is asked.
func routeHost(n int) *host.Host {
	u32 := func(v uint32) []byte { return netlink.Native.AppendUint32(nil, v) }
	var links [][]byte
	for i := range 10 {
		links = append(links, linkMessage(i+1, fmt.Sprintf("eth%d", i), "", 1))
	}
	head := slices.Concat([]byte{unix.AF_INET, 24, 0, 0, unix.RT_TABLE_MAIN, unix.RTPROT_BGP, 0, unix.RTN_UNICAST}, u32(0),
		netlinkAttribute(unix.RTA_TABLE, u32(254)))
	message := slices.Concat(head, netlinkAttribute(unix.RTA_DST, make([]byte, 4)), netlinkAttribute(unix.RTA_GATEWAY, []byte{192, 0, 2, 0}),
		netlinkAttribute(unix.RTA_PRIORITY, u32(20)), netlinkAttribute(unix.RTA_OIF, u32(1)))
	destination, gateway, index := message[len(head)+4:], message[len(head)+12:], message[len(head)+28:]
	return &host.Host{Netlink: func(req host.NetlinkRequest, each func([]byte) error) error {
		switch {
		case req.Type == unix.RTM_GETLINK:
			for _, l := range links {
				if err := each(l); err != nil {
					return err
				}
			}
		case req.Body[0] == unix.AF_INET:
			for i := range n {
				binary.BigEndian.PutUint32(destination, uint32(i)<<8)
				gateway[3] = byte(i % 100)
				netlink.Native.PutUint32(index, uint32(i%10)+1)
				if err := each(message); err != nil {
					return err
				}
			}
		}
		return nil
	}}
}

func TestNetworkRouteMany(t *testing.T) {
	b := golden.NewWorkbenchOn(t, networkRoute.Build, routeHost(50000), nil)
	samples, errs := b.Update()
	if errs != nil || len(samples) != 50010 {
		t.Errorf("%d samples, errors %v", len(samples), errs)
	}
	for _, series := range []string{
		`node_network_route_info{device="eth9",src="",dest="0.195.79.0/24",gw="192.0.2.99",priority="20",proto="bgp",weight=""}`,
		`node_network_routes{device="eth3"}`,
	} {
		if samples[series] == 0 {
			t.Errorf("no %s", series)
		}
	}
}

func TestNetworkRouteAllocations(t *testing.T) {
	for _, n := range []int{10, 20000} {
		golden.NewWorkbenchOn(t, networkRoute.Build, routeHost(n), nil).Allocs(40)
	}
}

// TestNetworkRouteMemory measures what a million routes take, without the
// samples.
func TestNetworkRouteMemory(t *testing.T) {
	if testing.Short() {
		t.Skip("a million routes")
	}
	s := hashSet{seed: maphash.MakeSeed()}
	measure := func() (taken uint64) {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		s.begin()
		text := make([]byte, 4)
		for i := range 1_000_000 {
			binary.LittleEndian.PutUint32(text, uint32(i))
			s.add(text)
		}
		runtime.ReadMemStats(&after)
		return after.TotalAlloc - before.TotalAlloc
	}
	measure()
	s.end()
	if taken := measure(); taken > 17<<20 || s.count != 1_000_000 {
		t.Errorf("%d texts take %d bytes, want 16 MiB", s.count, taken)
	}
	s.end()
	if s.slots != nil {
		t.Errorf("%d slots are kept", len(s.slots))
	}
}

func TestHashSet(t *testing.T) {
	s := hashSet{seed: maphash.MakeSeed()}
	random := rand.New(rand.NewPCG(1, 2))
	for range 20 {
		s.begin()
		want := map[string]bool{}
		for range random.IntN(5000) {
			text := fmt.Append(nil, random.IntN(2000))
			if have := s.add(text); have == want[string(text)] {
				t.Fatalf("%s is new: %v", text, have)
			}
			want[string(text)] = true
		}
		if s.count != len(want) {
			t.Fatalf("%d texts, want %d", s.count, len(want))
		}
		s.end()
	}
	s.begin()
	s.begin()
	if len(s.slots) != minHashSlots {
		t.Errorf("an empty set has %d slots", len(s.slots))
	}
}

func BenchmarkNetworkRoute(b *testing.B) {
	for _, n := range []int{1000, 1000000} {
		b.Run(fmt.Sprintf("routes-%d", n), func(b *testing.B) {
			golden.NewWorkbenchOn(b, networkRoute.Build, routeHost(n), nil).Steady()
		})
	}
}
