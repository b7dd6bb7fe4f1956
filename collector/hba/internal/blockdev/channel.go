package blockdev

import (
	"strings"

	"github.com/hostexporter/host_exporter/collector/hba/internal/attr"
	"github.com/hostexporter/host_exporter/collector/internal/scan"
)

// maxChannelPaths is how many channel paths a subchannel has.
const maxChannelPaths = 8

// masks are a bit for each channel path of a subchannel, the first one being the
// highest: whether it is installed, available and operational.
type masks [3]uint64

// channelPaths returns the identifiers of the channel paths that lead to a device
// and work, such as "40 41": the device is reached over any of them.
func channelPaths(a attr.Reader, subchannel string) string {
	m, ok := attr.Parsed(a, "three masks of channel paths", parseMasks, subchannel, "pimpampom")
	if !ok {
		m = masks{0xff, 0xff, 0xff}
	}
	b, ok := a.Text(subchannel, "chpids")
	if !ok {
		return ""
	}
	return usablePaths(string(b), m[0]&m[1]&m[2])
}

func parseMasks(b []byte) (m masks, ok bool) {
	for i := range m {
		var field []byte
		if field, b = scan.Field(b); len(field) == 0 {
			return m, false
		}
		if m[i], ok = scan.Hex(field); !ok || m[i] > 0xff {
			return m, false
		}
	}
	return m, len(scan.Trim(b)) == 0
}

// usablePaths returns those of eight identifiers whose bit is set in a mask.
func usablePaths(chpids string, mask uint64) string {
	ids := strings.Fields(chpids)
	usable := ids[:0]
	for i, id := range ids {
		if i < maxChannelPaths && mask&(0x80>>i) != 0 {
			usable = append(usable, id)
		}
	}
	return strings.Join(usable, " ")
}
