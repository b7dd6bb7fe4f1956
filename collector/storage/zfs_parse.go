package storage

import (
	"bytes"
	"strings"

	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
	"github.com/hostexporter/host_exporter/collector/internal/scan"
)

// A zfsTable has the families of the names in files of one kind. These files
// have the same names in the same order, so that the names of the last file are
// kept, and the next file is only compared with them.
type zfsTable struct {
	families *metric.Keyed
	columns  []zfsColumn // of the last file
}

// A zfsColumn is a name with its family.
type zfsColumn struct {
	name   []byte
	family *metric.Family // nil if the name is not exported
}

// column returns the family of a name that is the i-th of a file.
func (t *zfsTable) column(i int, name []byte) *metric.Family {
	if i < len(t.columns) && bytes.Equal(t.columns[i].name, name) {
		return t.columns[i].family
	}
	f := t.families.Family(name)
	if i < cap(t.columns) {
		t.columns = t.columns[:i+1] // reuses the memory of the other columns
	} else {
		t.columns = append(t.columns[:i], zfsColumn{})
	}
	c := &t.columns[i]
	c.name, c.family = append(c.name[:0], name...), f
	return f
}

// A kstatLine is a line of a file of named values.
type kstatLine struct{ name, kind, data []byte }

// emitNamed emits the numbers in a file of named values. It reports a malformed
// line and goes on with the next one.
func (t *zfsTable) emitNamed(b []byte, out *metric.Sink, proc *host.Reader, labels ...string) error {
	rest, n := kstatBody(b)
	if n == 0 {
		return host.Bad(1, "a table with the header name, type and data", b)
	}
	for i := 0; len(rest) > 0; n++ { // i counts the numbers
		var line []byte
		line, rest = scan.Line(rest)
		l := parseKstatLine(line)
		if len(l.name) == 0 {
			continue
		}
		v, isNumber, ok := l.value()
		if !ok {
			out.Error(proc.At(host.Bad(n, "a name, a type and data", line)))
		}
		if !isNumber || !ok {
			continue
		}
		if l.isUnsigned() && v >= 1<<63 {
			v = 0 // sizes are added up over CPUs, and may be below zero for a moment
		}
		if f := t.column(i, l.name); f != nil {
			out.Emit(f, v, labels...)
		}
		i++
	}
	return nil
}

// kstatBody returns the lines below the header, and the number of the first of
// them, or 0 if there is no header.
func kstatBody(b []byte) (body []byte, line int) {
	for n := 2; len(b) > 0; n++ {
		var header []byte
		header, b = scan.Line(b)
		var f [3][]byte
		if scan.Fields(f[:], header) == 3 && string(f[0]) == "name" && string(f[1]) == "type" && string(f[2]) == "data" {
			return b, n
		}
	}
	return nil, 0
}

// parseKstatLine parses a line into its three columns. The data is the rest of
// the line, because a text may have blanks.
func parseKstatLine(line []byte) kstatLine {
	name, rest := scan.Field(line)
	kind, rest := scan.Field(rest)
	return kstatLine{name, kind, scan.Trim(rest)}
}

// isUnsigned reports whether the number in a line has an unsigned type.
func (l kstatLine) isUnsigned() bool {
	return len(l.kind) == 1 && strings.Contains("246", string(l.kind))
}

// value returns the number in a line. isNumber reports whether the line has a
// number, not a text, and ok whether the line is well-formed.
func (l kstatLine) value() (v float64, isNumber, ok bool) {
	if len(l.kind) != 1 {
		return 0, false, false
	}
	// See KSTAT_DATA_* in sys/kstat.h.
	switch l.kind[0] {
	case '0', '7': // characters, text
		return 0, false, true
	case '1', '3', '5': // int32, int64, long
		i, ok := scan.Int(l.data)
		return float64(i), true, ok
	case '2', '4', '6': // uint32, uint64, ulong
		u, ok := scan.Uint(l.data)
		return float64(u), true, ok
	}
	return 0, false, false
}
