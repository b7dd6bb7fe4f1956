package network

import (
	"bytes"
	"slices"
	"strings"

	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
	"github.com/hostexporter/host_exporter/collector/internal/scan"
)

// A netstatTable pairs the values of a line with families, by position. The
// names change only with the kernel, so that a table is made once and the
// line of names is merely compared from then on: most of the work of a scrape
// would be looking up three hundred names.
type netstatTable struct {
	names    []byte           // the line that the table was made from
	families []*metric.Family // nil for what is not exported
	values   []float64        // of the line in hand
}

// make makes the table of a line of names.
func (t *netstatTable) make(names, protocol []byte, counters *metric.Keyed) {
	t.names = append(t.names[:0], names...)
	t.families = t.families[:0]
	_, names = scan.Field(names)
	for name, rest := scan.Field(names); len(name) > 0; name, rest = scan.Field(rest) {
		f := counters.Family(slices.Concat(protocol, []byte("_"), name))
		if slices.Contains(t.families, f) {
			f = nil // a name that stands there twice would be a series that is there twice
		}
		t.families = append(t.families, f)
	}
}

// emit emits a line of values. When their number is not that of the names,
// nobody can tell which is which, and none is emitted.
func (t *netstatTable) emit(line int, values []byte, out *metric.Sink) error {
	t.values = t.values[:0]
	_, rest := scan.Field(values)
	for value, rest := scan.Field(rest); len(value) > 0; value, rest = scan.Field(rest) {
		i := len(t.values)
		if i == len(t.families) {
			return host.Bad(line, "as many values as names", values)
		}
		v, ok := 0.0, true
		if t.families[i] != nil {
			v, ok = netstatValue(value)
		}
		if !ok {
			return host.Bad(line, "numbers", value)
		}
		t.values = append(t.values, v)
	}
	if len(t.values) != len(t.families) {
		return host.Bad(line, "as many values as names", values)
	}
	for i, f := range t.families {
		if f != nil {
			out.Emit(f, t.values[i])
		}
	}
	return nil
}

// netstatProtocol returns what stands before the colon in a line's first field.
func netstatProtocol(line []byte) ([]byte, bool) {
	first, _ := scan.Field(line)
	protocol, ok := bytes.CutSuffix(first, []byte(":"))
	return protocol, ok && len(protocol) > 0
}

// netstatKey6 makes Ip6_InReceives of Ip6InReceives: the protocol ends at the
// first 6. A name without one is of no protocol.
func netstatKey6(name string) (string, bool) {
	i := strings.IndexByte(name, '6')
	if i < 0 {
		return "", false
	}
	return name[:i+1] + "_" + name[i+1:], true
}

// netstatValue reads a counter. A few are not counters and can be negative,
// such as Tcp MaxConn.
func netstatValue(b []byte) (float64, bool) {
	if u, ok := scan.Uint(b); ok {
		return float64(u), true
	}
	i, ok := scan.Int(b)
	return float64(i), ok
}
