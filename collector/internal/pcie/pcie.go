// Package pcie parses what sysfs says about the link of a PCI Express device. It
// knows nothing of where a device is found. See
// https://www.kernel.org/doc/Documentation/ABI/testing/sysfs-bus-pci.
package pcie

import (
	"bytes"

	"github.com/hostexporter/host_exporter/collector/internal/scan"
)

// ParseSpeed parses the speed of a link, such as 8.0 GT/s PCIe, into transfers
// per second of each lane. It is zero for Unknown.
func ParseSpeed(b []byte) (float64, bool) {
	if bytes.HasPrefix(b, []byte("Unknown")) {
		return 0, true
	}
	number, _, ok := bytes.Cut(b, []byte(" GT/s"))
	if !ok {
		return 0, false
	}
	v, ok := scan.Float(number)
	return v * 1e9, ok && v >= 0
}

// IsWidth reports whether a number is the width of a link in lanes. A device
// that does not answer reads as all ones, and 255 stands for unknown.
func IsWidth(lanes uint64) bool { return lanes < 63 }
