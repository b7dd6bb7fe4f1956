package network

import (
	"bytes"

	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/scan"
)

// netdevColumns is how many numbers a line of /proc/net/dev has.
const netdevColumns = 16

// parseNetdev parses /proc/net/dev, a header of two lines and then a line for
// each device. The name ends at the last colon, because names on very old
// kernels have colons. It reports a malformed line and goes on with the next
// one.
func parseNetdev(b []byte, each func(device []byte, values *[netdevColumns]uint64), report func(error)) {
	var values [netdevColumns]uint64
	rest := b
	for n := 1; len(rest) > 0; n++ {
		var line []byte
		line, rest = scan.Line(rest)
		switch {
		case n == 1 && !bytes.Contains(line, []byte("Receive")):
			report(host.Bad(n, "the header of network devices", line))
			return
		case n <= 2:
		default:
			device, ok := parseNetdevLine(line, &values)
			if !ok {
				report(host.Bad(n, "a device and 16 numbers", line))
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

// trimAlias trims the blanks around an alias, so that the label is the same as
// with an alias from sysfs.
func trimAlias(b []byte) []byte { return scan.Trim(b) }
