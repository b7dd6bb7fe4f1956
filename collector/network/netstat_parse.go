package network

import (
	"bytes"
	"slices"
	"strings"

	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
	"github.com/hostexporter/host_exporter/collector/internal/scan"
)

// A netstatTable has the families of a line of values, by position. The names
// change only with the kernel. So the table is built once, and each scrape only
// compares the line of names: to look up three hundred names would be most of
// its work.
type netstatTable struct {
	names    []byte           // the line that the table was built from
	families []*metric.Family // nil for counters that are not exported
	isAmount []bool           // whether the value cannot be less than 0
	values   []netstatNumber  // of the current line
}

type netstatNumber struct {
	value float64
	ok    bool
}

// rebuild builds the table of a line of names.
func (t *netstatTable) rebuild(names, protocol []byte, counters *metric.Keyed) {
	t.names = append(t.names[:0], names...)
	t.families, t.isAmount = t.families[:0], t.isAmount[:0]
	_, names = scan.Field(names)
	for name, rest := scan.Field(names); len(name) > 0; name, rest = scan.Field(rest) {
		t.families = append(t.families, counters.Family(slices.Concat(protocol, []byte("_"), name)))
		t.isAmount = append(t.isAmount, bytes.HasSuffix(name, []byte("CurrEstab")))
	}
}

// emit emits a line of values. It emits none of them if their number is not that
// of the names: they cannot be assigned then.
func (t *netstatTable) emit(line int, values []byte, out *metric.Sink) (err error) {
	t.values = t.values[:0]
	_, rest := scan.Field(values)
	for value, rest := scan.Field(rest); len(value) > 0; value, rest = scan.Field(rest) {
		i := len(t.values)
		if i == len(t.families) {
			return host.Bad(line, "a value for each name", values)
		}
		var v netstatNumber
		if t.families[i] != nil {
			if v.value, v.ok = t.value(i, value); !v.ok {
				err = host.Bad(line, "numbers", value)
			}
		}
		t.values = append(t.values, v)
	}
	if len(t.values) != len(t.families) {
		return host.Bad(line, "a value for each name", values)
	}
	for i, f := range t.families {
		if t.values[i].ok {
			out.Emit(f, t.values[i].value)
		}
	}
	return err
}

// value parses the value of a column. The kernel adds up the established
// connections of all CPUs, one of which may have closed what another has opened, so
// that their number falls below zero.
func (t *netstatTable) value(column int, b []byte) (float64, bool) {
	if t.isAmount[column] {
		v, ok := scan.Amount32(b)
		return float64(v), ok
	}
	return netstatValue(b)
}

// hasNamesOnly reports whether a file has names without any values, as on gVisor:
// each line starts with another protocol than the one before.
func hasNamesOnly(b []byte) bool {
	if len(b) == 0 || b[len(b)-1] != '\n' {
		return false
	}
	var last []byte
	for len(b) > 0 {
		var line []byte
		line, b = scan.Line(b)
		protocol, names := scan.Field(line)
		name, _ := scan.Field(names)
		if len(name) == 0 || bytes.Equal(protocol, last) || !bytes.HasSuffix(protocol, []byte(":")) {
			return false
		}
		if c := name[0] | 0x20; c < 'a' || c > 'z' {
			return false
		}
		last = protocol
	}
	return true
}

// netstatProtocol returns the protocol, the first field of a line without its
// colon.
func netstatProtocol(line []byte) ([]byte, bool) {
	first, _ := scan.Field(line)
	protocol, ok := bytes.CutSuffix(first, []byte(":"))
	return protocol, ok && len(protocol) > 0
}

// splitKey6 returns Ip6_InReceives for Ip6InReceives: the protocol ends at the
// first 6. A name without a 6 has no protocol.
func splitKey6(name string) (string, bool) {
	i := strings.IndexByte(name, '6')
	if i < 0 {
		return "", false
	}
	return name[:i+1] + "_" + name[i+1:], true
}

// netstatValue parses a value. Some are not counters and may be negative, such
// as MaxConn of Tcp.
func netstatValue(b []byte) (float64, bool) {
	if u, ok := scan.Uint(b); ok {
		return float64(u), true
	}
	i, ok := scan.Int(b)
	return float64(i), ok
}
