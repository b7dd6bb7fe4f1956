package storage

import (
	"bytes"

	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
	"github.com/hostexporter/host_exporter/collector/internal/scan"
)

func (c *bcachefsCollector) emitFileSystem(uuid string, out *metric.Sink) {
	if v, ok := c.number(out, uuid, "", "btree_cache_size"); ok {
		out.Emit(c.cacheSize, v, uuid)
	}
	emitBcachefsRows(c.lines(out, uuid, "", "compression_stats"), "compressed", c.compressed, c.uncompressed, uuid)
	emitBcachefsRows(c.lines(out, uuid, "", "btree_write_stats"), "nr", c.writes, c.writeSize, uuid)
	lines := c.lines(out, uuid, "", "errors")
	for lines.next() {
		if name, count, ok := parseBcachefsError(lines.line); ok {
			out.Emit(c.errors, float64(count), string(name), uuid)
		} else {
			lines.report("an error type and a number")
		}
	}
}

// emitBcachefsRows emits rows of a name and two numbers, below a header that
// contains a given word.
func emitBcachefsRows(lines bcachefsLines, header string, first, second *metric.Family, uuid string) {
	if !lines.next() {
		return
	}
	if !bytes.Contains(lines.line, []byte(header)) {
		lines.report("a header with " + header)
		return
	}
	for lines.next() {
		name, values, ok := parseBcachefsRow(lines.line)
		if !ok {
			lines.report("a name and two numbers such as 19.3G")
			continue
		}
		label := string(name)
		lines.out.Emit(first, values[0], label, uuid)
		lines.out.Emit(second, values[1], label, uuid)
	}
}

func (c *bcachefsCollector) emitDevice(uuid, dir, device string, out *metric.Sink) {
	label, hasLabel := c.text(out, uuid, dir, "label")
	state, hasState := c.text(out, uuid, dir, "state")
	present := hasLabel || hasState
	for _, f := range [...]struct {
		name   string
		family *metric.Family
	}{
		{"bucket_size", c.bucketSize},
		{"nbuckets", c.buckets},
		{"durability", c.durability},
	} {
		if v, ok := c.number(out, uuid, dir, f.name); ok {
			out.Emit(f.family, v, device, uuid)
			present = true
		}
	}
	if present { // a device that leaves the file system has no files
		out.Emit(c.deviceInfo, 1, device, label, state, uuid)
	}
	c.emitIO(c.lines(out, uuid, dir, "io_done"), device, uuid)
	c.emitIOErrors(c.lines(out, uuid, dir, "io_errors"), device, uuid)
}

// emitIO emits the lines of io_done, which has bytes below read: and write:
//
//	read:
//
//		sb          :     3989504
//		btree       :  4411097088
func (c *bcachefsCollector) emitIO(lines bcachefsLines, device, uuid string) {
	operation := ""
	for lines.next() {
		name, value, ok := scan.Cut(lines.line, ':')
		if ok && len(value) == 0 {
			operation = string(name)
			continue
		}
		v, isNumber := scan.Uint(value)
		switch {
		case !isNumber || operation == "":
			lines.report("read:, write:, or a type of data and bytes below one of them")
		case operation == "read" || operation == "write":
			lines.out.Emit(c.deviceIO, float64(v), string(name), device, operation, uuid)
		}
	}
}

// emitIOErrors emits the first part of io_errors, which is since the creation:
//
//	IO errors since filesystem creation
//
//		read:    197346
//		write:   0
//
//	IO errors since 8 y ago
func (c *bcachefsCollector) emitIOErrors(lines bcachefsLines, device, uuid string) {
	for parts := 0; lines.next(); {
		if bytes.HasPrefix(lines.line, []byte("IO errors since ")) {
			if parts++; parts > 1 {
				return
			}
			continue
		}
		name, value, _ := scan.Cut(lines.line, ':')
		if v, ok := scan.Uint(value); ok && parts > 0 {
			lines.out.Emit(c.deviceErrors, float64(v), device, string(name), uuid)
		} else {
			lines.report("an error type and a number, below a line IO errors since")
		}
	}
}

// text returns the text of a file, empty if it is unreadable, and whether the
// file exists.
func (c *bcachefsCollector) text(out *metric.Sink, uuid, dir, name string) (string, bool) {
	b, err := c.sys.Text(bcachefsDir, uuid, dir, name)
	host.ReportUnlessGone(err, out.Error)
	return string(b), !host.Gone(err)
}

// number returns the number in a file.
func (c *bcachefsCollector) number(out *metric.Sink, uuid, dir, name string) (float64, bool) {
	b, err := c.sys.Text(bcachefsDir, uuid, dir, name)
	if !host.ReportUnlessGone(err, out.Error) {
		return 0, false
	}
	v, ok := parseBcachefsNumber(b)
	if !ok {
		out.Error(c.sys.At(host.Bad(1, "a number such as 12 or 1.5G", b)))
	}
	return v, ok
}

// bcachefsLines iterates over the lines of a file that are not blank.
type bcachefsLines struct {
	sys    *host.Reader
	out    *metric.Sink
	rest   []byte
	line   []byte // the current one
	number int    // of line
}

// lines returns the lines of a file, or none if it is unreadable.
func (c *bcachefsCollector) lines(out *metric.Sink, uuid, dir, name string) bcachefsLines {
	b, err := c.sys.Read(bcachefsDir, uuid, dir, name)
	host.ReportUnlessGone(err, out.Error)
	return bcachefsLines{sys: c.sys, out: out, rest: b}
}

func (l *bcachefsLines) next() bool {
	for len(l.rest) > 0 {
		l.line, l.rest = scan.Line(l.rest)
		l.number++
		if len(scan.Trim(l.line)) > 0 {
			return true
		}
	}
	return false
}

// report reports the current line as malformed.
func (l *bcachefsLines) report(want string) {
	l.out.Error(l.sys.At(host.Bad(l.number, want, l.line)))
}
