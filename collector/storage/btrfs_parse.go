package storage

import (
	"slices"

	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/scan"
)

// btrfsRows are the numbers in a file, in the order of the names passed to
// parseBtrfsRows.
type btrfsRows struct {
	values [5]uint64
	has    [5]bool
}

// parseBtrfsRows parses a file of named numbers, such as commit_stats:
//
//	commits 2
//	last_commit_ms 173
//
// It skips rows of other names. With the error of a malformed row it returns
// the other rows.
func parseBtrfsRows(b []byte, names []string, number func([]byte) (uint64, bool)) (rows btrfsRows, err error) {
	hasRow := false
	for n, rest := 1, b; len(rest) > 0; n++ {
		var line []byte
		line, rest = scan.Line(rest)
		name, value := scan.Field(line)
		i := slices.Index(names, string(name))
		if i < 0 {
			continue
		}
		hasRow = true
		v, ok := number(scan.Trim(value))
		if !ok {
			err = host.Bad(n, "a name and a number", line)
			continue
		}
		rows.values[i], rows.has[i] = v, true
	}
	if !hasRow {
		err = host.Bad(1, "named numbers", b)
	}
	return rows, err
}

// btrfsRatio returns the number of bytes on devices for each byte of data, and
// whether the profile is known. With parity it assumes that a stripe covers all
// devices, which it does unless some are full.
func btrfsRatio(mode string, devices int) (float64, bool) {
	switch mode {
	case "single", "raid0":
		return 1, true
	case "dup", "raid1", "raid10":
		return 2, true
	case "raid1c3":
		return 3, true
	case "raid1c4":
		return 4, true
	case "raid5":
		return float64(devices) / float64(devices-1), devices > 1
	case "raid6":
		return float64(devices) / float64(devices-2), devices > 2
	}
	return 0, false
}
