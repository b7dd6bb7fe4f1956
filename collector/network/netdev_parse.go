package network

import (
	"bytes"

	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/scan"
)

// netdevColumns is how many numbers a line of /proc/net/dev has.
const netdevColumns = 16

// parseNetdev reads /proc/net/dev: two lines of headings, then a line for each
// device. The name ends at the last colon, for names of very old kernels had
// colons in them. A line that is not of that form is told, and costs its
// device only.
func parseNetdev(b []byte, each func(device []byte, values *[netdevColumns]uint64), bad func(error)) {
	var values [netdevColumns]uint64
	rest := b
	for n := 1; len(rest) > 0; n++ {
		var line []byte
		line, rest = scan.Line(rest)
		switch {
		case n == 1 && !bytes.Contains(line, []byte("Receive")):
			bad(host.Bad(n, "the headings of network devices", line))
			return
		case n <= 2:
		default:
			device, ok := parseNetdevLine(line, &values)
			if !ok {
				bad(host.Bad(n, "a device and 16 numbers", line))
				continue
			}
			each(device, &values)
		}
	}
}

func parseNetdevLine(line []byte, values *[netdevColumns]uint64) (device []byte, ok bool) {
	colon := bytes.LastIndexByte(line, ':')
	if colon < 0 {
		return nil, false
	}
	rest := line[colon+1:]
	for i := range values {
		var field []byte
		field, rest = scan.Field(rest)
		if values[i], ok = scan.Uint(field); !ok {
			return nil, false
		}
	}
	device = scan.Trim(line[:colon])
	return device, len(device) > 0
}

// trimAlias takes the blanks around an alias off, as reading it from sysfs
// does: the label must not depend on where it comes from.
func trimAlias(b []byte) []byte { return scan.Trim(b) }
