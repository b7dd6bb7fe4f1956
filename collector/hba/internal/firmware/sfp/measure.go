package sfp

import (
	"encoding/binary"
	"math"
)

// Places in the second page.
const (
	limits       = 0  // four words for each quantity
	rxConstants  = 56 // five floating-point numbers, from the fourth power down
	biasSlope    = 76 // each slope is followed by its offset
	txPowerSlope = 80
	tempSlope    = 84
	voltSlope    = 88
	values       = 96 // a word for each quantity
)

// measure reads the second page. A transceiver that calibrates itself puts
// physical quantities there; of another the constants are there too, for
// values and limits alike.
func (r *Readings) measure(page []byte, external bool) {
	if blank(page) {
		return
	}
	for q := range NumQuantities {
		convert := func(at int) float64 {
			if external {
				return scale(q, calibrated(page, q, word(page, at)))
			}
			return scale(q, plain(q, word(page, at)))
		}
		v := convert(values + 2*int(q))
		if math.IsNaN(v) || math.IsInf(v, 0) {
			continue // constants that are none
		}
		r.values[q], r.have[q] = v, true
		var limit [NumLevels]float64
		for l := range NumLevels {
			limit[l] = convert(limits + 8*int(q) + 2*int(l))
		}
		// Limits that were never programmed are all the same.
		if !(limit[HighAlarm] > limit[LowAlarm] && limit[HighWarning] > limit[LowWarning]) {
			continue
		}
		r.limits[q] = true
		r.passed[q] = [NumLevels]bool{
			HighAlarm:   v > limit[HighAlarm],
			LowAlarm:    v < limit[LowAlarm],
			HighWarning: v > limit[HighWarning],
			LowWarning:  v < limit[LowWarning],
		}
	}
}

// blank reports whether a page holds nothing but ones or nothing but zeros:
// the module was pulled out between the pages, or does not have this one.
func blank(page []byte) bool {
	for _, c := range page {
		if c != page[0] {
			return false
		}
	}
	return page[0] == 0 || page[0] == 0xff
}

// plain returns the number that a word stands for.
func plain(q Quantity, raw uint16) float64 {
	if q == Temperature {
		return float64(int16(raw))
	}
	return float64(raw)
}

// scale returns a number of the pages in the base unit of its quantity. The
// power of light that a curve puts below nothing is nothing.
func scale(q Quantity, v float64) float64 {
	switch q {
	case Temperature:
		return v / 256
	case Voltage:
		return v / 1e4
	case BiasCurrent:
		return v * 2 / 1e6
	}
	return math.Max(v, 0) / 1e7
}

// calibrated applies the constants of a quantity to a word: a line, or for the
// power received a curve of the fourth degree.
func calibrated(page []byte, q Quantity, raw uint16) float64 {
	v := plain(q, raw)
	switch q {
	case Temperature:
		return line(page, tempSlope, v)
	case Voltage:
		return line(page, voltSlope, v)
	case BiasCurrent:
		return line(page, biasSlope, v)
	case TxPower:
		return line(page, txPowerSlope, v)
	}
	sum := 0.0
	for at := rxConstants; at < biasSlope; at += 4 {
		sum = sum*v + float64(math.Float32frombits(binary.BigEndian.Uint32(page[at:])))
	}
	return sum
}

// line returns v on a line whose slope has eight bits behind the point.
func line(page []byte, at int, v float64) float64 {
	return float64(word(page, at))/256*v + float64(int16(word(page, at+2)))
}
