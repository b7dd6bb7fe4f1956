package network

import (
	"fmt"
	"regexp"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
	"github.com/hostexporter/host_exporter/collector/internal/netlink"
)

// ethtoolStats exports the statistics that drivers name as they like. Where a
// driver has one name for several, such as one for each queue, their sum is
// exported. Statistics with different names of which only one would be left are
// not exported, except that one with a fixed name takes precedence.
type ethtoolStats struct {
	metrics *metric.Set
	include collect.Regexp
	fixed   map[string]*metric.Family // by the name of the driver

	known map[string]*ethtoolStat // by the name of the driver
	uses  map[string]*nameUse     // by the name of a family
	round uint64

	names, values ethtoolBuffer
	current       []*ethtoolStat // of the device at hand, each once
}

// An ethtoolStat is a statistic with a family.
type ethtoolStat struct {
	family *metric.Family // nil if it is not exported
	own    *nameUse       // of the name that follows from the driver's
	fixed  *nameUse       // of the family's name, if that is another one
	round  uint64         // in which a device had it last
	sum    uint64
}

// A nameUse counts how many statistics of a device, with different names from
// the driver, get the same name.
type nameUse struct {
	round uint64
	count int
}

func (u *nameUse) add(round uint64) {
	if u.round != round {
		*u = nameUse{round: round}
	}
	u.count++
}

func newEthtoolStats(m *metric.Set, include collect.Regexp) *ethtoolStats {
	m.AllowDynamic()
	fixed := func(name, help string) *metric.Family {
		return m.Untyped(ethtoolPrefix+name, help+", as its driver counts.", "device")
	}
	return &ethtoolStats{
		metrics: m,
		include: include,
		fixed: map[string]*metric.Family{
			"rx_bytes":   fixed("received_bytes_total", "Bytes that the interface received"),
			"rx_dropped": fixed("received_dropped_total", "Packets received and dropped by the interface"),
			"rx_errors":  fixed("received_errors_total", "Packets with errors that the interface received"),
			"rx_packets": fixed("received_packets_total", "Packets that the interface received"),
			"tx_bytes":   fixed("transmitted_bytes_total", "Bytes that the interface sent"),
			"tx_errors":  fixed("transmitted_errors_total", "Packets that the interface could not send because of errors"),
			"tx_packets": fixed("transmitted_packets_total", "Packets that the interface sent"),
		},
		known: map[string]*ethtoolStat{},
		uses:  map[string]*nameUse{},
	}
}

const (
	ethtoolPrefix = "node_ethtool_"
	ethtoolInfo   = ethtoolPrefix + "info"

	sizeofStatName = 32 // ETH_GSTRING_LEN
	sizeofStat     = 8

	maxEthtoolItems = 1 << 20 // far above what drivers have
)

func (s *ethtoolStats) update(e host.Ethtool, device string, out *metric.Sink) error {
	names, values, err := s.read(e, device)
	if err != nil {
		return err
	}
	s.round++
	s.current = s.current[:0]
	for ; len(names) > 0; names, values = names[sizeofStatName:], values[sizeofStat:] {
		stat := s.statOf(cString(names[:sizeofStatName]))
		if stat.family == nil {
			continue
		}
		if stat.round != s.round {
			stat.begin(s.round)
			s.current = append(s.current, stat)
		}
		stat.sum += netlink.Native.Uint64(values)
	}
	for _, stat := range s.current {
		if stat.own.count == 1 {
			out.Emit(stat.family, float64(stat.sum), device)
		}
	}
	return nil
}

// begin prepares a statistic for a device that has it.
func (s *ethtoolStat) begin(round uint64) {
	s.round, s.sum = round, 0
	s.own.add(round)
	if s.fixed != nil {
		s.fixed.add(round)
	}
}

// read returns the names and the values of the statistics of a device. There may
// be more or less of them at any time, so that it reads both again if their
// numbers differ.
func (s *ethtoolStats) read(e host.Ethtool, device string) (names, values []byte, err error) {
	const setOfStatistics = 1 // ETH_SS_STATS
	for range 3 {
		// struct ethtool_gstrings: command, set, number of names, names.
		names, err = s.names.read(e, device, [3]uint32{unix.ETHTOOL_GSTRINGS, setOfStatistics, 0}, 12, sizeofStatName)
		if err != nil || len(names) == 0 {
			return nil, nil, err
		}
		// struct ethtool_stats: command, number of values, values.
		values, err = s.values.read(e, device, [3]uint32{unix.ETHTOOL_GSTATS, 0}, 8, sizeofStat)
		if err != nil {
			return nil, nil, err
		}
		if len(names)/sizeofStatName == len(values)/sizeofStat {
			return names, values, nil
		}
	}
	return nil, nil, fmt.Errorf("want as many values as names, have %d and %d", len(values)/sizeofStat, len(names)/sizeofStatName)
}

// An ethtoolBuffer holds an answer of any length.
type ethtoolBuffer []byte

// read makes a call whose request is some numbers, and whose answer has a header
// of a size with the number of items at its end, and items. It returns the
// items, which are valid until the next call.
func (b *ethtoolBuffer) read(e host.Ethtool, device string, request [3]uint32, header, item int) ([]byte, error) {
	for size := header; ; {
		if len(*b) < size {
			*b = make([]byte, size+size/8)
		}
		for i, v := range request[:header/4] {
			netlink.Native.PutUint32((*b)[4*i:], v)
		}
		if err := e.Ioctl(device, *b); err != nil {
			return nil, err
		}
		count := netlink.Native.Uint32((*b)[header-4:])
		if count > maxEthtoolItems {
			return nil, fmt.Errorf("want at most %d statistics, have %d", maxEthtoolItems, count)
		}
		size = header + item*int(count)
		if size <= len(*b) {
			return (*b)[header:size], nil
		}
	}
}

// statOf returns what becomes of a statistic.
func (s *ethtoolStats) statOf(name []byte) *ethtoolStat {
	stat := s.known[string(name)]
	if stat == nil {
		stat = s.add(string(name))
		s.known[string(name)] = stat
	}
	return stat
}

func (s *ethtoolStats) add(name string) *ethtoolStat {
	stat := &ethtoolStat{}
	own := ethtoolPrefix + ethtoolName(name)
	if own == ethtoolPrefix || own == ethtoolInfo || !s.include.Match(name) {
		return stat
	}
	if stat.family = s.fixed[name]; stat.family == nil {
		stat.family = s.metrics.Untyped(own, "Statistic "+name+" of a network driver.", "device")
	}
	stat.own = s.use(own)
	if name := stat.family.Name(); name != own {
		stat.fixed = s.use(name)
	}
	return stat
}

func (s *ethtoolStats) use(name string) *nameUse {
	use := s.uses[name]
	if use == nil {
		use = &nameUse{}
		s.uses[name] = use
	}
	return use
}

// ethtoolName returns the name that a statistic has in a family: in lower case,
// without characters that cannot be in it, with the words rx and tx replaced.
func ethtoolName(name string) string {
	name = strings.ToLower(strings.TrimLeft(notInNames.ReplaceAllString(name, "_"), "_"))
	name = wordRx.ReplaceAllString(name, "${1}received${2}")
	return wordTx.ReplaceAllString(name, "${1}transmitted${2}")
}

var (
	notInNames = regexp.MustCompile(`_*[^0-9A-Za-z_]+_*`)
	wordRx     = regexp.MustCompile(`(^|_)rx(_|$)`)
	wordTx     = regexp.MustCompile(`(^|_)tx(_|$)`)
)
