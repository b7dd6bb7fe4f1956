package network

import (
	"encoding/binary"
	"encoding/hex"
	"net/netip"
	"strconv"

	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/scan"
)

// An ipvsBackend is what tells one backend of a service from another. What is
// not to be a label is left empty, so that equal ones are added up.
type ipvsBackend struct {
	local, remote netip.AddrPort
	proto, mark   string
}

// An ipvsSeries is what is told of a backend.
type ipvsSeries struct {
	labels  []string
	values  [3]float64 // weight, active and inactive connections
	reading uint64     // the last one that it was seen in
}

// ipvsSums adds up the values of backends. It keeps the labels of those that
// it has seen, so that nothing is allocated for the thousands of backends that
// a node of a cluster has.
type ipvsSums struct {
	labels  []string
	words   map[string]string // the few that there are
	series  map[ipvsBackend]*ipvsSeries
	order   []*ipvsSeries // those of the reading in hand
	reading uint64
	service ipvsBackend // the one whose backends follow, without a remote
	broken  bool        // its line could not be read
}

// begin starts a reading.
func (s *ipvsSums) begin() {
	s.reading++
	s.order = s.order[:0]
	s.service, s.broken = ipvsBackend{}, false
}

// end returns what was added up, in the order of the file, and forgets the
// backends that are long gone.
func (s *ipvsSums) end() []*ipvsSeries {
	if len(s.series) > 2*len(s.order)+64 {
		for b, series := range s.series {
			if series.reading != s.reading {
				delete(s.series, b)
			}
		}
	}
	if len(s.words) > len(s.order)+64 {
		clear(s.words)
	}
	return s.order
}

// add takes a line of /proc/net/ip_vs.
func (s *ipvsSums) add(n int, line []byte) error {
	first, rest := scan.Field(line)
	switch string(first) {
	case "", "IP", "Prot": // headings
		return nil
	case "->":
		return s.addBackend(n, line, rest)
	}
	address, _ := scan.Field(rest)
	s.service, s.broken = ipvsBackend{}, false
	var ok bool
	if string(first) == "FWM" { // packets that the firewall has marked, wherever they go
		if _, ok = scan.Hex(address); ok {
			s.service = ipvsBackend{proto: s.word(first), mark: s.word(address)}
		}
	} else if s.service.local, ok = parseIPVSAddress(address); ok {
		s.service.proto = s.word(first)
	}
	if !ok {
		s.broken = true
		return host.Bad(n, "a service of IPVS", line)
	}
	return nil
}

// addBackend takes the line of a backend, without its arrow.
func (s *ipvsSums) addBackend(n int, line, rest []byte) error {
	var f [5][]byte // address, how packets get there, weight, active, inactive
	count := scan.Fields(f[:], rest)
	if string(f[0]) == "RemoteAddress:Port" || s.broken {
		return nil // a heading, or a backend of nobody knows what: that is told already
	}
	b := s.service
	var ok bool
	if b.remote, ok = parseIPVSAddress(f[0]); !ok || count < len(f) || b.proto == "" {
		return host.Bad(n, "a backend of a service of IPVS", line)
	}
	var values [3]uint64
	for i := range values {
		if values[i], ok = scan.Uint(f[2+i]); !ok {
			return host.Bad(n, "weight and connections of a backend", line)
		}
	}
	series := s.find(s.labelled(b))
	if series.reading != s.reading {
		series.reading, series.values = s.reading, [3]float64{}
		s.order = append(s.order, series)
	}
	for i, v := range values {
		series.values[i] += float64(v)
	}
	return nil
}

// labelled returns a backend without what is not to be a label.
func (s *ipvsSums) labelled(b ipvsBackend) ipvsBackend {
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

// find returns the series of a backend, which is new when it was not seen yet.
func (s *ipvsSums) find(b ipvsBackend) *ipvsSeries {
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

// label returns the value of a label. An address that there is not is empty, a
// port that there is not is 0.
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

// word returns bytes as a string that is allocated once.
func (s *ipvsSums) word(b []byte) string {
	w, ok := s.words[string(b)]
	if !ok {
		w = string(b)
		s.words[w] = w
	}
	return w
}

// parseIPVSAddress reads C0A80016:0CEA, or an IPv6 address in brackets with
// all its zeros: [2620:0000:0000:0000:0000:0000:0000:0001]:0050.
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
