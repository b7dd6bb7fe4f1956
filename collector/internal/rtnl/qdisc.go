package rtnl

import (
	"fmt"

	"golang.org/x/sys/unix"

	"github.com/hostexporter/host_exporter/collector/internal/netlink"
)

// A Qdisc is a queueing discipline in an RTM_NEWQDISC message: struct tcmsg and
// attributes. See tc(8) and include/uapi/linux/{rtnetlink,pkt_sched,gen_stats}.h.
type Qdisc struct {
	Index  int    // of the interface
	Parent uint32 // the class that it is attached to
	Kind   []byte // such as "fq_codel"; valid during the call only

	Bytes   uint64 // sent, as Packets
	Packets uint64

	QueueLength uint32 // packets
	Backlog     uint32 // bytes
	Drops       uint32
	Requeues    uint32
	Overlimits  uint32

	HasTraffic  bool // whether Bytes and Packets are known
	HasQueue    bool // whether the others are known, but for Requeues
	HasRequeues bool
}

const (
	sizeofTcMsg = 20

	rootParent = 0xffffffff // TC_H_ROOT

	// TCA_STATS_* of linux/gen_stats.h, within TCA_STATS2.
	statsBasic     = 1
	statsQueue     = 3
	statsPackets64 = 8 // since Linux 5.5, once packets do not fit in 32 bits

	// Sizes of the parts of struct gnet_stats_basic, gnet_stats_queue and
	// tc_stats that are in use; padding follows.
	sizeofBasic   = 12
	sizeofQueue   = 20
	sizeofTcStats = 36
)

// IsRoot reports whether all packets that the interface sends pass the qdisc.
func (q *Qdisc) IsRoot() bool { return q.Parent == 0 || q.Parent == rootParent }

// ParseQdisc parses an RTM_NEWQDISC message without its nlmsghdr.
func ParseQdisc(b []byte, q *Qdisc) error {
	if len(b) < sizeofTcMsg {
		return fmt.Errorf("qdisc message: want %d bytes, have %d", sizeofTcMsg, len(b))
	}
	*q = Qdisc{Index: int(int32(native.Uint32(b[4:]))), Parent: native.Uint32(b[12:])}
	err := netlink.EachAttribute(b[sizeofTcMsg:], func(a netlink.Attribute) error {
		switch a.Type {
		case unix.TCA_KIND:
			q.Kind = a.Text()
		case unix.TCA_STATS2:
			return a.Each(q.setStats)
		case unix.TCA_STATS:
			return q.setOldStats(a)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("qdisc %q of link %d: %w", q.Kind, q.Index, err)
	}
	return nil
}

func (q *Qdisc) setStats(a netlink.Attribute) error {
	b := a.Data
	switch a.Type {
	case statsBasic:
		if len(b) < sizeofBasic {
			return a.CheckSize(sizeofBasic)
		}
		q.Bytes = native.Uint64(b)
		if q.Packets>>32 == 0 {
			q.Packets = uint64(native.Uint32(b[8:]))
		}
		q.HasTraffic = true
	case statsPackets64:
		return a.Uint64(&q.Packets)
	case statsQueue:
		if len(b) < sizeofQueue {
			return a.CheckSize(sizeofQueue)
		}
		q.QueueLength, q.Backlog = native.Uint32(b), native.Uint32(b[4:])
		q.Drops, q.Requeues, q.Overlimits = native.Uint32(b[8:]), native.Uint32(b[12:]), native.Uint32(b[16:])
		q.HasQueue, q.HasRequeues = true, true
	}
	return nil
}

// setOldStats fills what a kernel without TCA_STATS2 has, from a struct
// tc_stats. The kernel sends both, and that one first or last.
func (q *Qdisc) setOldStats(a netlink.Attribute) error {
	b := a.Data
	if len(b) < sizeofTcStats {
		return a.CheckSize(sizeofTcStats)
	}
	if !q.HasTraffic {
		q.Bytes, q.Packets = native.Uint64(b), uint64(native.Uint32(b[8:]))
		q.HasTraffic = true
	}
	if !q.HasQueue {
		q.Drops, q.Overlimits = native.Uint32(b[12:]), native.Uint32(b[16:])
		q.QueueLength, q.Backlog = native.Uint32(b[28:]), native.Uint32(b[32:])
		q.HasQueue = true
	}
	return nil
}
