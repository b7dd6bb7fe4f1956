package storage

import (
	"slices"

	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/scan"
)

// btrfsRows are the numbers of a file, in the order in which they are asked
// for.
type btrfsRows struct {
	values [5]uint64
	has    [5]bool
}

// parseBtrfsRows reads a file of named numbers, such as commit_stats:
//
//	commits 2
//	last_commit_ms 173
//
// Rows of other names are passed over. If one is broken, the others are
// returned beside the error.
func parseBtrfsRows(b []byte, names []string) (rows btrfsRows, err error) {
	known := false
	for n, rest := 1, b; len(rest) > 0; n++ {
		var line []byte
		line, rest = scan.Line(rest)
		name, value := scan.Field(line)
		i := slices.Index(names, string(name))
		if i < 0 {
			continue
		}
		known = true
		v, ok := scan.Uint(scan.Trim(value))
		if !ok {
			err = host.Bad(n, "a name and a number", line)
			continue
		}
		rows.values[i], rows.has[i] = v, true
	}
	if !known {
		err = host.Bad(1, "named numbers", b)
	}
	return rows, err
}

// btrfsRatio returns how many bytes on devices a byte takes, for the profiles
// where that is known. With parity it goes by the devices over which a stripe
// is laid, which are all unless some are full.
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
