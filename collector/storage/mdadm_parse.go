package storage

import (
	"bytes"

	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/scan"
)

// An mdArray is what /proc/mdstat says of one array.
type mdArray struct {
	name   string
	state  string
	failed int
	spare  int
	disks  struct {
		known         bool
		active, total uint64
	}
	blocks, synced mdCount
}

// An mdCount is a number that may not be told.
type mdCount struct {
	known bool
	n     uint64
}

// parseMdstat reads /proc/mdstat. An array is a line that starts with its name,
// and lines that start with blanks:
//
//	md1 : active raid5 sdc[3] sdd[1] sdb[0](F)
//	      815104 blocks super 1.2 level 5, 512k chunk, algorithm 2 [3/2] [UU_]
//	      [===========>.........]  recovery = 57.2% (233472/407552) finish=2.6min speed=1096K/sec
//	      bitmap: 1/1 pages [4KB], 65536KB chunk
//
// What cannot be understood of an array costs that alone.
func parseMdstat(b []byte) (arrays []mdArray, errs []error) {
	var p mdParser
	for n := 1; len(b) > 0; n++ {
		var line []byte
		line, b = scan.Line(b)
		p.line(n, line)
	}
	p.finish()
	return p.arrays, p.errs
}

type mdParser struct {
	arrays []mdArray
	errs   []error

	in      bool // an array
	current mdArray
	number  int    // of the array's first line
	header  []byte // after the colon
	status  bool   // its second line has been seen
	sync    bool   // a line about a synchronisation has been seen
}

func (p *mdParser) fail(line int, want string, have []byte) {
	p.errs = append(p.errs, host.Bad(line, want, have))
}

func (p *mdParser) line(number int, line []byte) {
	switch {
	case len(scan.Trim(line)) == 0:
		p.finish()
	case line[0] == ' ' || line[0] == '\t':
		if p.in && !p.status {
			p.parseStatus(number, line)
		} else if p.in {
			p.parseSync(number, line)
		}
	case bytes.HasPrefix(line, []byte("Personalities")) || bytes.HasPrefix(line, []byte("unused devices")):
		p.finish()
	default:
		p.finish()
		p.begin(number, line)
	}
}

func (p *mdParser) begin(number int, line []byte) {
	name, rest, ok := scan.Cut(line, ':')
	state, rest := scan.Field(rest)
	if !ok || len(name) == 0 || bytes.IndexByte(name, ' ') >= 0 || len(state) == 0 {
		p.fail(number, "an array and its state", line)
		return
	}
	*p = mdParser{arrays: p.arrays, errs: p.errs, in: true, number: number, header: rest}
	p.current.name = string(name)
	switch s := string(state); s {
	case "active", "inactive", "broken":
		p.current.state = s
	default:
		p.current.state = "unknown"
	}
	p.current.failed = bytes.Count(rest, []byte("(F)"))
	p.current.spare = bytes.Count(rest, []byte("(S)"))
}

// striped reports whether the array has no redundancy, so that the kernel does
// not count its disks.
func (p *mdParser) striped() bool {
	for field, rest := scan.Field(p.header); len(field) > 0; field, rest = scan.Field(rest) {
		if s := string(field); s == "raid0" || s == "linear" {
			return true
		}
	}
	return false
}

// parseStatus reads the line with the size and, of an array with redundancy,
// with its disks as [wanted/working].
func (p *mdParser) parseStatus(number int, line []byte) {
	p.status = true
	a := &p.current
	size, rest := scan.Field(line)
	blocks, _ := scan.Field(rest)
	if n, ok := scan.Uint(size); ok && string(blocks) == "blocks" {
		a.blocks = mdCount{true, n}
	} else {
		p.fail(number, "a number of blocks", line)
	}
	switch {
	case p.striped():
		members := uint64(bytes.Count(p.header, []byte("[")))
		a.disks.known, a.disks.active, a.disks.total = true, members, members
	case a.state == "inactive": // not put together: no disk works in it
		a.disks.known = true
	default:
		a.disks.total, a.disks.active, a.disks.known = diskRatio(rest)
		if !a.disks.known {
			p.fail(number, "the array's disks, as [2/1]", line)
		}
	}
}

// diskRatio finds the field [wanted/working].
func diskRatio(b []byte) (total, active uint64, ok bool) {
	for field, rest := scan.Field(b); len(field) > 0; field, rest = scan.Field(rest) {
		if field[0] != '[' || field[len(field)-1] != ']' {
			continue
		}
		if total, active, ok = ratio(field[1 : len(field)-1]); ok {
			return total, active, true
		}
	}
	return 0, 0, false
}

func ratio(b []byte) (x, y uint64, ok bool) {
	left, right, _ := bytes.Cut(b, []byte("/"))
	x, ok1 := scan.Uint(left)
	y, ok2 := scan.Uint(right)
	return x, y, ok1 && ok2
}

// parseSync reads a line about a synchronisation, if it is one: one with
// progress, or a word such as resync=DELAYED.
func (p *mdParser) parseSync(number int, line []byte) {
	state, rest := mdSync(line)
	if state == "" || p.sync {
		return
	}
	p.sync = true
	p.current.state = state
	if word := scan.Trim(rest); len(word) > 0 && word[0] >= 'A' && word[0] <= 'Z' {
		// DELAYED until another array is done, or PENDING until the first
		// write: nothing is done yet. With REMOTE, another host does it.
		p.current.synced.known = string(word) == "DELAYED" || string(word) == "PENDING"
		return
	}
	open, end := bytes.IndexByte(rest, '('), bytes.IndexByte(rest, ')')
	if open >= 0 && end > open {
		if done, _, ok := ratio(rest[open+1 : end]); ok {
			p.current.synced = mdCount{true, done}
			return
		}
	}
	p.fail(number, "progress, as (233472/407552)", line)
}

// mdSync returns the state that a line tells of, and what follows its equals
// sign.
func mdSync(line []byte) (state string, rest []byte) {
	for _, s := range []struct{ word, state string }{
		{"recovery", "recovering"}, {"reshape", "reshape"}, {"check", "check"}, {"resync", "resync"},
	} {
		i := bytes.Index(line, []byte(s.word))
		if i < 0 {
			continue
		}
		after := scan.Trim(line[i+len(s.word):])
		if len(after) > 0 && after[0] == '=' {
			return s.state, after[1:]
		}
	}
	return "", nil
}

// finish ends the array, where there is one.
func (p *mdParser) finish() {
	if !p.in {
		return
	}
	p.in = false
	if !p.status {
		p.fail(p.number, "a second line about the array", []byte(p.current.name))
	}
	if !p.sync {
		p.current.synced = p.current.blocks
	}
	for _, a := range p.arrays {
		if a.name == p.current.name {
			p.fail(p.number, "each array once", []byte(a.name))
			return
		}
	}
	p.arrays = append(p.arrays, p.current)
}
