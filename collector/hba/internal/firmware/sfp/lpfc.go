package sfp

import (
	"bytes"
	"strconv"

	"github.com/hostexporter/host_exporter/collector/internal/scan"
)

// DecodeText decodes what lpfc makes of the pages. Of the measured quantities
// it hands out the words as they are, whatever unit it writes behind them:
//
//	VendorName:	FINISAR CORP.
//	Wavelength:	850 nm
//	Temperature:	x1a80 C
//
// Limits and the kind of calibration are not among it. It returns false for
// what is something else, and a nil module where there is none.
func DecodeText(b []byte) (*Module, bool) {
	if bytes.HasPrefix(b, []byte("SFP info NA")) {
		return nil, true
	}
	m, known := &Module{}, 0
	for len(b) > 0 {
		var line []byte
		line, b = scan.Line(b)
		key, value, found := scan.Cut(line, ':')
		if !found {
			if len(scan.Trim(line)) > 0 {
				return nil, false
			}
			continue
		}
		matched, ok := m.set(string(scan.Trim(key)), scan.Trim(value))
		if !ok {
			return nil, false
		}
		if matched {
			known++
		}
	}
	// A transceiver that measures nothing runs on no voltage.
	if v, ok := m.Value(Voltage); ok && v == 0 {
		m.Readings = Readings{}
	}
	return m, known > 0
}

// set sets what one line says. It reports whether the line is of use, and
// whether it says what it should.
func (m *Module) set(key string, value []byte) (matched, ok bool) {
	switch key {
	case "VendorName":
		m.Vendor = text(value)
	case "VendorPN":
		m.PartNumber = text(value)
	case "VendorSN":
		m.Serial = text(value)
	case "Connector":
		code, err := strconv.ParseUint(string(bytes.TrimSuffix(value, []byte("h"))), 16, 8)
		m.Connector = Connector(byte(code))
		return true, err == nil
	case "Wavelength":
		nm, err := strconv.ParseUint(string(bytes.TrimSuffix(value, []byte(" nm"))), 10, 16)
		m.Wavelength = uint16(nm)
		return true, err == nil
	case "Temperature":
		return true, m.setText(Temperature, value)
	case "Vcc":
		return true, m.setText(Voltage, value)
	case "TxBiasCurrent":
		return true, m.setText(BiasCurrent, value)
	case "TxPower":
		return true, m.setText(TxPower, value)
	case "RxPower":
		return true, m.setText(RxPower, value)
	default:
		return false, true
	}
	return true, true
}

func (m *Module) setText(q Quantity, value []byte) bool {
	number, _ := scan.Field(value)
	digits, found := bytes.CutPrefix(number, []byte("x"))
	raw, err := strconv.ParseUint(string(digits), 16, 16)
	if !found || err != nil {
		return false
	}
	m.SetRaw(q, uint16(raw))
	return true
}
