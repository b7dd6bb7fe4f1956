package network

import (
	"encoding/binary"
	"encoding/hex"
	"net/netip"
	"strconv"

	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/scan"
)

// An ipvsBackend identifies a backend of a service. What is not exported as a
// label is zero, so that backends that differ only in that are equal.
type ipvsBackend struct {
	local, remote netip.AddrPort
	proto, mark   string
}

// An ipvsSeries has the label values and the sample values of a backend.
type ipvsSeries struct {
	labels  []string
	values  [3]float64 // weight, active and inactive connections
	reading uint64     // the last reading that listed the backend
}

// ipvsSums adds up the values of backends. It keeps the label values of known
// backends, so that a reading allocates nothing for the thousands of backends
// of a cluster node.
type ipvsSums struct {
	labels           []string
	strings          map[string]string // protocols and marks, interned
	series           map[ipvsBackend]*ipvsSeries
	current          []*ipvsSeries // of this reading, in the order of the file
	reading          uint64        // counts readings
	service          ipvsBackend   // of the lines that follow, without a remote address
	serviceMalformed bool
}

// begin starts a reading.
func (s *ipvsSums) begin() {
	s.reading++
	s.current = s.current[:0]
	s.service, s.serviceMalformed = ipvsBackend{}, false
}

// end returns the series of the reading, in the order of the file. It drops the
// series of removed backends when they are more than half of all.
func (s *ipvsSums) end() []*ipvsSeries {
	if len(s.series) > 2*len(s.current)+64 {
		for b, series := range s.series {
			if series.reading != s.reading {
				delete(s.series, b)
			}
		}
	}
	if len(s.strings) > len(s.current)+64 {
		clear(s.strings)
	}
	return s.current
}

// add adds line n of /proc/net/ip_vs.
func (s *ipvsSums) add(n int, line []byte) error {
	first, rest := scan.Field(line)
	switch string(first) {
	case "", "IP", "Prot": // the header
		return nil
	case "->":
		return s.addBackend(n, line, rest)
	}
	address, _ := scan.Field(rest)
	s.service, s.serviceMalformed = ipvsBackend{}, false
	var ok bool
	if string(first) == "FWM" { // a service by firewall mark has no address
		if _, ok = scan.Hex(address); ok {
			s.service = ipvsBackend{proto: s.intern(first), mark: s.intern(address)}
		}
	} else if s.service.local, ok = parseIPVSAddress(address); ok {
		s.service.proto = s.intern(first)
	}
	if !ok {
		s.serviceMalformed = true
		return host.Bad(n, "an IPVS service", line)
	}
	return nil
}

// addBackend adds the line of a backend; rest is the line without its arrow.
func (s *ipvsSums) addBackend(n int, line, rest []byte) error {
	var f [5][]byte // address, forwarding method, weight, active, inactive
	count := scan.Fields(f[:], rest)
	if string(f[0]) == "RemoteAddress:Port" || s.serviceMalformed {
		return nil // the header, or a backend of a service that is reported as malformed
	}
	b := s.service
	var ok bool
	if b.remote, ok = parseIPVSAddress(f[0]); !ok || count < len(f) || b.proto == "" {
		return host.Bad(n, "a backend of an IPVS service", line)
	}
	var values [3]uint64
	for i := range values {
		if values[i], ok = scan.Amount32(f[2+i]); !ok { // connections may be -1 while they are synchronized
			return host.Bad(n, "weight and connections of a backend", line)
		}
	}
	series := s.seriesOf(s.keyOf(b))
	if series.reading != s.reading {
		series.reading, series.values = s.reading, [3]float64{}
		s.current = append(s.current, series)
	}
	for i, v := range values {
		series.values[i] += float64(v)
	}
	return nil
}

// keyOf returns a backend without what is not exported as a label.
func (s *ipvsSums) keyOf(b ipvsBackend) ipvsBackend {
	var l ipvsBackend
	localAddr, localPort := netip.Addr{}, uint16(0)
	remoteAddr, remotePort := netip.Addr{}, uint16(0)
	for _, label := range s.labels {
		switch label {
		case "local_address":
			localAddr = b.local.Addr()
		case "local_port":
			localPort = b.local.Port()
		case "remote_address":
			remoteAddr = b.remote.Addr()
		case "remote_port":
			remotePort = b.remote.Port()
		case "proto":
			l.proto = b.proto
		case "local_mark":
			l.mark = b.mark
		}
	}
	l.local, l.remote = netip.AddrPortFrom(localAddr, localPort), netip.AddrPortFrom(remoteAddr, remotePort)
	return l
}

// seriesOf returns the series of a backend, and makes it if it is new.
func (s *ipvsSums) seriesOf(b ipvsBackend) *ipvsSeries {
	series := s.series[b]
	if series == nil {
		series = &ipvsSeries{}
		for _, label := range s.labels {
			series.labels = append(series.labels, b.label(label))
		}
		s.series[b] = series
	}
	return series
}

// label returns the value of a label. A missing address is empty, a missing
// port is 0.
func (b ipvsBackend) label(name string) string {
	address := func(a netip.Addr) string {
		if !a.IsValid() {
			return ""
		}
		return a.String()
	}
	switch name {
	case "local_address":
		return address(b.local.Addr())
	case "local_port":
		return strconv.Itoa(int(b.local.Port()))
	case "remote_address":
		return address(b.remote.Addr())
	case "remote_port":
		return strconv.Itoa(int(b.remote.Port()))
	case "proto":
		return b.proto
	}
	return b.mark
}

// intern returns bytes as a string, which is allocated once.
func (s *ipvsSums) intern(b []byte) string {
	text, ok := s.strings[string(b)]
	if !ok {
		text = string(b)
		s.strings[text] = text
	}
	return text
}

// parseIPVSAddress parses an IPv4 address such as C0A80016:0CEA, or an IPv6
// address such as [2620:0000:0000:0000:0000:0000:0000:0001]:0050.
func parseIPVSAddress(b []byte) (netip.AddrPort, bool) {
	const v4, v6 = len("C0A80016:0CEA"), len("[2620:0000:0000:0000:0000:0000:0000:0001]:0050")
	var a [16]byte
	var port [2]byte
	switch {
	case len(b) == v4 && b[8] == ':' && unhex(a[:4], b[:8]) && unhex(port[:], b[9:]):
		return netip.AddrPortFrom(netip.AddrFrom4([4]byte(a[:4])), binary.BigEndian.Uint16(port[:])), true
	case len(b) == v6 && b[0] == '[' && b[40] == ']' && b[41] == ':' && unhex(port[:], b[42:]):
		for i := range 8 {
			group := b[1+5*i:]
			if !unhex(a[2*i:2*i+2], group[:4]) || i < 7 && group[4] != ':' {
				return netip.AddrPort{}, false
			}
		}
		return netip.AddrPortFrom(netip.AddrFrom16(a).Unmap(), binary.BigEndian.Uint16(port[:])), true
	}
	return netip.AddrPort{}, false
}

// unhex fills dst from twice as many hexadecimal digits.
func unhex(dst, digits []byte) bool {
	_, err := hex.Decode(dst, digits)
	return err == nil
}
