package storage

import (
	"errors"

	"github.com/hostexporter/host_exporter/collector/internal/scan"
)

const (
	diskColumns    = 17 // numbers after the name that are exported
	minDiskColumns = 11 // numbers that every kernel has
	diskInFlight   = 8  // the one column that is not a counter

	// oldPartitionColumns is the number of numbers of a partition before Linux
	// 2.6.25, which have another meaning.
	oldPartitionColumns = 4
)

var (
	errDiskHead  = errors.New("major, minor and name of a device")
	errDiskStats = errors.New("11 or more numbers after the name of a device")
	errDiskTwice = errors.New("each device once")
)

// A diskHead is the first part of a line.
type diskHead struct {
	major, minor uint64
	name         []byte
}

// parseDiskName parses a line up to the name, which is nil for an empty line.
func parseDiskName(line []byte) (head diskHead, rest []byte, err error) {
	var major, minor, name []byte
	major, rest = scan.Field(line)
	if len(major) == 0 {
		return head, nil, nil
	}
	minor, rest = scan.Field(rest)
	name, rest = scan.Field(rest)
	var ok1, ok2 bool
	head.major, ok1 = scan.Uint(major)
	head.minor, ok2 = scan.Uint(minor)
	if !ok1 || !ok2 || len(name) == 0 {
		return diskHead{}, nil, errDiskHead
	}
	head.name = name
	return head, rest, nil
}

// A diskLine is the content of a line.
type diskLine struct {
	major, minor uint64
	stats        [diskColumns]uint64
	columns      int // of stats; 0 for a partition before Linux 2.6.25
}

// parse parses the numbers after the name. A later kernel may have more than
// diskColumns of them.
func (l *diskLine) parse(b []byte) error {
	n := 0
	l.columns = 0
	for {
		var field []byte
		if field, b = scan.Field(b); len(field) == 0 {
			break
		}
		parse := scan.Counter
		if n == diskInFlight {
			parse = scan.Amount32 // a driver may complete a request twice
		}
		v, ok := parse(field)
		if !ok {
			return errDiskStats
		}
		if n < diskColumns {
			l.stats[n] = v
		}
		n++
	}
	switch {
	case n == oldPartitionColumns:
	case n < minDiskColumns:
		return errDiskStats
	default:
		l.columns = min(n, diskColumns)
	}
	return nil
}
