package network

import (
	"fmt"
	"slices"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/netlink"
	"github.com/hostexporter/host_exporter/collector/internal/test/golden"
)

// qdiscHost returns a host with n interfaces that have a queueing discipline and
// one more for each of their queues.
func qdiscHost(n, queues int) *host.Host {
	u32 := func(v uint32) []byte { return netlink.Native.AppendUint32(nil, v) }
	message := func(index int, kind string, parent uint32) []byte {
		return slices.Concat([]byte{0, 0, 0, 0}, u32(uint32(index)), u32(0), u32(parent), u32(2), netlinkAttribute(unix.TCA_KIND, []byte(kind+"\x00")),
			netlinkAttribute(unix.TCA_STATS2, slices.Concat(netlinkAttribute(1, make([]byte, 16)), netlinkAttribute(3, make([]byte, 20)))), netlinkAttribute(unix.TCA_STATS, make([]byte, 40)))
	}
	var links, qdiscs [][]byte
	for i := 1; i <= n; i++ {
		links = append(links, linkMessage(i, fmt.Sprintf("eth%d", i), "", 1))
		qdiscs = append(qdiscs, message(i, "mq", 0xffffffff))
		for q := range queues {
			qdiscs = append(qdiscs, message(i, "fq_codel", uint32(q+1)))
		}
	}
	return &host.Host{Netlink: func(req host.NetlinkRequest, each func([]byte) error) error {
		list := links
		if req.Type == unix.RTM_GETQDISC {
			list = qdiscs
		}
		for _, m := range list {
			if err := each(m); err != nil {
				return err
			}
		}
		return nil
	}}
}

func TestQdiscAllocations(t *testing.T) {
	for _, n := range []int{10, 500} {
		golden.NewWorkbenchOn(t, qdisc.Build, qdiscHost(n, 4), nil).Allocs(30)
	}
}

func BenchmarkQdisc(b *testing.B) {
	b.Run("devices-1000-queues-64", func(b *testing.B) {
		golden.NewWorkbenchOn(b, qdisc.Build, qdiscHost(1000, 64), nil).Steady()
	})
}
