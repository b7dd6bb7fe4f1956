package scsihost

import (
	"fmt"
	"strings"

	"github.com/hostexporter/host_exporter/collector/internal/metric"
	"github.com/hostexporter/host_exporter/collector/internal/scan"
)

// Label returns a driver's string as a label value: drivers pad with blanks
// and NUL bytes, and have several words for "nothing".
func Label(b []byte) string {
	s := strings.TrimSpace(metric.Printable(string(scan.Trim(b))))
	switch s {
	case "(null)", "<NULL>", "N/A", "Unknown", "none":
		return ""
	}
	return s
}

// WWN returns a world wide name such as 0x21000024ff00a000 as 16 digits
// without 0x. Zero and all-ones mean that there is none.
func WWN(b []byte) (name string, ok bool) {
	v, ok := scan.Hex(b)
	if !ok {
		return "", false
	}
	if v == 0 || v == 1<<64-1 {
		return "", true
	}
	return fmt.Sprintf("%016x", v), true
}
