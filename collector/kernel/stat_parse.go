package kernel

import (
	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/scan"
)

// The lines of /proc/stat that hold a number for the whole machine.
const (
	statIntr = iota
	statCtxt
	statProcesses
	statBtime
	statRunning
	statBlocked
	statLines // how many they are
)

// kernelStat is what /proc/stat tells of the whole machine. A line that is not
// there is not known, which is not the same as zero.
type kernelStat struct {
	numbers  [statLines]statNumber
	softirqs []uint64 // by vector; empty: not known
}

type statNumber struct {
	value uint64
	known bool
}

// parseStat reads /proc/stat. It hands what is wrong with a line to skip and
// goes on. The line of soft interrupts is read into softirqs, unless that is
// nil.
//
// No line is taken apart further than needed: on a machine with many CPUs and
// devices that of the interrupts alone has 100 kB, and its first number is
// their sum.
func parseStat(b []byte, softirqs []uint64, skip func(error)) (s kernelStat, err error) {
	whole, known := b, false
	for n := 1; len(b) > 0; n++ {
		var line []byte
		line, b = scan.Line(b)
		key, values := scan.Field(line)
		if i := statLine(key); i >= 0 {
			known = true
			field, _ := scan.Field(values)
			if s.numbers[i].value, s.numbers[i].known = scan.Uint(field); !s.numbers[i].known {
				skip(host.Bad(n, "a number", line))
			}
		} else if string(key) == "softirq" {
			known = true
			switch {
			case softirqs == nil:
			case parseSoftirqs(softirqs, values):
				s.softirqs = softirqs
			default:
				skip(host.Bad(n, "numbers of soft interrupts", line))
			}
		}
	}
	if !known {
		return s, host.Bad(1, "kernel statistics", whole)
	}
	return s, nil
}

// statLine returns the place of a line's number by its first word, and -1 for
// other lines.
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

// parseSoftirqs reads the sum of all soft interrupts, which is left out, and
// then a number for each vector into dst. What a kernel counts beyond has no
// name here; one that counts less cannot be told which it leaves out.
func parseSoftirqs(dst []uint64, b []byte) bool {
	field, b := scan.Field(b)
	_, ok := scan.Uint(field)
	for i := 0; ok && i < len(dst); i++ {
		field, b = scan.Field(b)
		dst[i], ok = scan.Uint(field)
	}
	return ok
}
