package kernel

import (
	"bytes"

	"github.com/hostexporter/host_exporter/collector/internal/scan"
)

// cpuColumns are the CPUs in the heading of /proc/interrupts, which are those
// online, and of /proc/softirqs, which are all that the host may ever have:
//
//	CPU0       CPU1       CPU3
type cpuColumns struct {
	heading []byte
	numbers []string
	counts  []uint64 // of a line, one for each CPU
}

// parse parses a heading. It returns false if that has something else than CPUs, or
// none.
func (c *cpuColumns) parse(heading []byte) bool {
	if len(c.numbers) > 0 && bytes.Equal(heading, c.heading) {
		return true
	}
	c.numbers = nil
	c.heading = append(c.heading[:0], heading...)
	for field, rest := scan.Field(heading); len(field) > 0; field, rest = scan.Field(rest) {
		number, ok := bytes.CutPrefix(field, []byte("CPU"))
		if _, isNumber := scan.Uint(number); !ok || !isNumber {
			c.numbers = nil
			return false
		}
		c.numbers = append(c.numbers, string(number))
	}
	c.counts = make([]uint64, len(c.numbers))
	return len(c.numbers) > 0
}

// parseLine parses a line such as
//
//	LOC:      84880      83261      78961   Local timer interrupts
//
// up to the first word that is no number, and up to one number for each CPU. It
// returns how many numbers it stored in counts, and the rest of the line.
func (c *cpuColumns) parseLine(line []byte) (name []byte, n int, text []byte, ok bool) {
	name, rest, ok := bytes.Cut(line, []byte(":"))
	if name = scan.Trim(name); !ok || len(name) == 0 {
		return nil, 0, nil, false
	}
	for n < len(c.counts) {
		field, next := scan.Field(rest)
		if c.counts[n], ok = scan.Uint(field); !ok {
			break
		}
		n++
		rest = next
	}
	return name, n, scan.Trim(rest), true
}
