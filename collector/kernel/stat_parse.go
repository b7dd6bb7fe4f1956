package kernel

import (
	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/scan"
)

// The lines of /proc/stat with a number for the whole machine.
const (
	statIntr = iota
	statCtxt
	statProcesses
	statBtime
	statRunning
	statBlocked
	statLines // number of lines
)

// A kernelStat has the numbers of /proc/stat for the whole machine. The number
// of an absent line is not known, which is not zero.
type kernelStat struct {
	numbers  [statLines]statNumber
	softirqs []uint64 // by vector; empty if not known
}

type statNumber struct {
	value uint64 // of statBtime, an int64
	known bool
}

// parseStat parses /proc/stat. It reports a malformed line and goes on. It
// parses the line of soft interrupts into softirqs, unless that is nil.
//
// It parses no line further than needed: with many CPUs and devices the line of
// interrupts alone has 100 kB, and its first number is the sum.
func parseStat(b []byte, softirqs []uint64, report func(error)) (s kernelStat, err error) {
	input, hasKnown := b, false
	for n := 1; len(b) > 0; n++ {
		var line []byte
		line, b = scan.Line(b)
		key, values := scan.Field(line)
		if i := statLine(key); i >= 0 {
			hasKnown = true
			field, _ := scan.Field(values)
			if s.numbers[i] = parseStatNumber(i, field); !s.numbers[i].known {
				report(host.Bad(n, "a number", line))
			}
		} else if string(key) == "softirq" {
			hasKnown = true
			switch {
			case softirqs == nil:
			case parseSoftirqs(softirqs, values):
				s.softirqs = softirqs
			default:
				report(host.Bad(n, "numbers of soft interrupts", line))
			}
		}
	}
	if !hasKnown {
		return s, host.Bad(1, "kernel statistics", input)
	}
	return s, nil
}

// parseStatNumber parses the number of a line by the type that the kernel keeps it
// in. The clock may have been set to a time before 1970 plus the time since boot:
// then the boot time is negative.
func parseStatNumber(i int, b []byte) statNumber {
	parse := scan.Counter
	switch i {
	case statRunning, statBlocked:
		parse = scan.Amount32
	case statBtime:
		if seconds, ok := scan.Int(b); ok {
			return statNumber{uint64(seconds), true}
		}
		parse = scan.Uint
	}
	v, ok := parse(b)
	return statNumber{v, ok}
}

// statLine returns the index of a line by its first word, or -1 for other lines.
func statLine(key []byte) int {
	switch string(key) {
	case "intr":
		return statIntr
	case "ctxt":
		return statCtxt
	case "processes":
		return statProcesses
	case "btime":
		return statBtime
	case "procs_running":
		return statRunning
	case "procs_blocked":
		return statBlocked
	}
	return -1
}

// parseSoftirqs parses the sum of all soft interrupts, which it discards, and a
// number for each vector into dst. It ignores additional vectors, which have no
// name here, and fails if there are too few, which could be any.
func parseSoftirqs(dst []uint64, b []byte) bool {
	field, b := scan.Field(b)
	_, ok := scan.Counter(field)
	for i := 0; ok && i < len(dst); i++ {
		field, b = scan.Field(b)
		dst[i], ok = scan.Counter(field)
	}
	return ok
}
