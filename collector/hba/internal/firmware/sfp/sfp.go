// Package sfp decodes what a pluggable transceiver says of itself: the two
// pages of SFF-8472, one about what it is (A0h) and one about how it is (A2h).
// The layout is that of SFF-8472 Rev 12.4, which SNIA publishes at
// https://members.snia.org/document/dl/25916.
package sfp

import (
	"errors"
	"fmt"

	"github.com/hostexporter/host_exporter/collector/internal/metric"
	"github.com/hostexporter/host_exporter/collector/internal/scan"
)

// Size is how long the two pages are together.
const Size = 512

// A Quantity is what a transceiver measures.
type Quantity uint8

// The quantities, in the order of the pages.
const (
	Temperature Quantity = iota // in degrees Celsius
	Voltage                     // in volts
	BiasCurrent                 // of the laser, in amperes
	TxPower                     // in watts
	RxPower                     // in watts

	// NumQuantities is how many there are.
	NumQuantities
)

func (q Quantity) String() string {
	return [NumQuantities]string{"temperature", "voltage", "bias_current", "tx_power", "rx_power"}[q]
}

// A Level is a limit that a quantity should not pass.
type Level uint8

// The levels, in the order of the pages.
const (
	HighAlarm Level = iota
	LowAlarm
	HighWarning
	LowWarning

	// NumLevels is how many there are.
	NumLevels
)

func (l Level) String() string {
	return [NumLevels]string{"high_alarm", "low_alarm", "high_warning", "low_warning"}[l]
}

// A Module is a transceiver.
type Module struct {
	Vendor     string
	PartNumber string
	Serial     string
	Connector  string // LC, say
	Wavelength uint16 // in nanometres; zero where there is no light, or it is unknown
	Readings
}

// Readings are the quantities that a transceiver measures.
type Readings struct {
	values [NumQuantities]float64
	have   [NumQuantities]bool
	passed [NumQuantities][NumLevels]bool
	limits [NumQuantities]bool
}

// Value returns a quantity, if it is measured.
func (r *Readings) Value(q Quantity) (float64, bool) { return r.values[q], r.have[q] }

// Passed reports whether a quantity has passed a limit, if it has one.
func (r *Readings) Passed(q Quantity, l Level) (passed, ok bool) {
	return r.passed[q][l], r.limits[q]
}

// SetRaw sets a quantity from the word that stands for it in the pages, as
// drivers hand it out that do not hand out the pages.
func (r *Readings) SetRaw(q Quantity, raw uint16) {
	r.values[q], r.have[q] = scale(q, plain(q, raw)), true
}

// ErrNone says that there is no transceiver, or one of another kind, whose
// pages mean something else.
var ErrNone = errors.New("no transceiver of SFF-8472")

// Places in the first page.
const (
	identifier    = 0
	connector     = 2
	technology    = 8
	vendor        = 20
	partNumber    = 40
	wavelength    = 60
	checkBase     = 63
	serial        = 68
	diagnosticsOf = 92
	checkExtended = 95
)

// Bits of diagnosticsOf.
const (
	implemented   = 1 << 6
	internally    = 1 << 5 // calibrated
	externally    = 1 << 4 // calibrated
	addressChange = 1 << 2 // the second page is behind a switch
)

// Decode decodes the two pages, one after the other. It returns ErrNone where
// there is nothing to decode, and another error where it is damaged.
func Decode(b []byte) (*Module, error) {
	if len(b) != Size {
		return nil, fmt.Errorf("%d bytes, want %d", len(b), Size)
	}
	page := b[:256]
	switch page[identifier] {
	case 0x02, 0x03, 0x0b: // soldered, pluggable, DWDM
	default:
		return nil, ErrNone
	}
	for _, sum := range [...]struct{ from, at int }{{0, checkBase}, {checkBase + 1, checkExtended}} {
		if have, want := checksum(page[sum.from:sum.at]), page[sum.at]; have != want {
			return nil, fmt.Errorf("bytes %d to %d add up to %#02x, want %#02x", sum.from, sum.at-1, have, want)
		}
	}
	m := &Module{
		Vendor:     text(page[vendor : vendor+16]),
		PartNumber: text(page[partNumber : partNumber+16]),
		Serial:     text(page[serial : serial+16]),
		Connector:  Connector(page[connector]),
	}
	if page[technology]&0x0c == 0 { // not a copper cable, of which these bytes say something else
		m.Wavelength = word(page, wavelength)
	}
	kind := page[diagnosticsOf]
	if kind&implemented != 0 && kind&addressChange == 0 && kind&(internally|externally) != 0 {
		m.measure(b[256:], kind&internally == 0)
	}
	return m, nil
}

func checksum(b []byte) (sum byte) {
	for _, c := range b {
		sum += c
	}
	return sum
}

// text returns a field that is filled up with blanks. What a vendor programs
// need not be text.
func text(b []byte) string { return metric.Printable(string(scan.Trim(b))) }

func word(b []byte, at int) uint16 { return uint16(b[at])<<8 | uint16(b[at+1]) }

// Connector returns the name of a connector's code.
func Connector(code byte) string {
	switch code {
	case 0x00:
		return ""
	case 0x01:
		return "SC"
	case 0x07:
		return "LC"
	case 0x08:
		return "MT-RJ"
	case 0x09:
		return "MU"
	case 0x0b:
		return "optical pigtail"
	case 0x0c:
		return "MPO 1x12"
	case 0x0d:
		return "MPO 2x16"
	case 0x21:
		return "copper pigtail"
	case 0x22:
		return "RJ45"
	case 0x23:
		return "none"
	}
	return fmt.Sprintf("%#02x", code)
}
