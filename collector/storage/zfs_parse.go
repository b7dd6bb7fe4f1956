package storage

import (
	"bytes"

	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
	"github.com/hostexporter/host_exporter/collector/internal/scan"
)

// A zfsTable finds the families of the names in a kind of file. The files of
// one kind have the same names in the same order, but for the release of
// OpenZFS: the names of the last file are kept and merely compared.
type zfsTable struct {
	families *metric.Keyed
	columns  []zfsColumn
}

// A zfsColumn is a name, and its family unless it is not exported.
type zfsColumn struct {
	name   []byte
	family *metric.Family
}

// column returns the family of a name that is the i-th of a file.
func (t *zfsTable) column(i int, name []byte) *metric.Family {
	if i < len(t.columns) && bytes.Equal(t.columns[i].name, name) {
		return t.columns[i].family
	}
	f := t.families.Family(name)
	for _, c := range t.columns[:i] {
		if c.family == f {
			f = nil // a name that is there twice would be a series that is there twice
			break
		}
	}
	if i < cap(t.columns) {
		t.columns = t.columns[:i+1] // what follows is of another file, and its memory is used again
	} else {
		t.columns = append(t.columns[:i], zfsColumn{})
	}
	c := &t.columns[i]
	c.name, c.family = append(c.name[:0], name...), f
	return f
}

// A kstatLine is a line of a file of named values.
type kstatLine struct{ name, kind, data []byte }

// emitNamed emits the numbers of a file of named values. A line that is broken
// costs only itself.
func (t *zfsTable) emitNamed(b []byte, out *metric.Sink, proc *host.Reader, labels ...string) error {
	rest, n := kstatBody(b)
	if n == 0 {
		return host.Bad(1, "a table of name, type and data", b)
	}
	for i := 0; len(rest) > 0; n++ { // i counts the names of numbers
		var line []byte
		line, rest = scan.Line(rest)
		l := parseKstatLine(line)
		if len(l.name) == 0 {
			continue
		}
		v, number, ok := l.value()
		if !ok {
			out.Error(proc.At(host.Bad(n, "a name, a type and data", line)))
		}
		if !number || !ok {
			continue
		}
		if f := t.column(i, l.name); f != nil {
			out.Emit(f, v, labels...)
		}
		i++
	}
	return nil
}

// kstatBody returns the lines below the heading, and the number of the first
// of them, which is 0 when there is no heading.
func kstatBody(b []byte) (body []byte, line int) {
	for n := 2; len(b) > 0; n++ {
		var heading []byte
		heading, b = scan.Line(b)
		var f [3][]byte
		if scan.Fields(f[:], heading) == 3 && string(f[0]) == "name" && string(f[1]) == "type" && string(f[2]) == "data" {
			return b, n
		}
	}
	return nil, 0
}

// parseKstatLine takes a line apart. The data of a text goes to the end of the
// line.
func parseKstatLine(line []byte) kstatLine {
	name, rest := scan.Field(line)
	kind, rest := scan.Field(rest)
	return kstatLine{name, kind, scan.Trim(rest)}
}

// value returns the number that a line holds. It reports whether it holds a
// number and not a text, and whether the line is in order.
func (l kstatLine) value() (v float64, number, ok bool) {
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
