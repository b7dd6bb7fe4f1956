package sfp

import (
	"errors"
	"math"
	"strings"
	"testing"
)

// pages returns a module whose bytes were put together by hand from the tables
// of SFF-8472: a Finisar on 850 nm that calibrates itself.
func pages() []byte {
	b := make([]byte, Size)
	b[0], b[1], b[2] = 0x03, 0x04, 0x07 // pluggable, defined by its serial ID, LC
	copy(b[20:], "FINISAR CORP.   ")
	copy(b[40:], "FTLF8532P4BCV   ")
	b[60], b[61] = 0x03, 0x52 // 850
	copy(b[68:], "N3AB2XY         ")
	b[92] = 0x68 // diagnostics, internal calibration, average power
	seal(b)

	a2 := b[256:]
	for i, w := range [...]uint16{
		0x4b00, 0xfb00, 0x4600, 0x0000, // 75, -5, 70, 0 degrees
		36300, 29700, 34650, 31350, // 3.63, 2.97, 3.465, 3.135 V
		6000, 1000, 5000, 1250, // 12, 2, 10, 2.5 mA
		12589, 1259, 10000, 1585, // 1258.9, 125.9, 1000, 158.5 uW
		15849, 251, 12589, 398, // 1584.9, 25.1, 1258.9, 39.8 uW
	} {
		put(a2, 2*i, w)
	}
	for i, w := range [...]uint16{0x1a80, 33000, 3500, 5623, 300} {
		put(a2, 96+2*i, w)
	}
	return b
}

func put(b []byte, at int, w uint16) { b[at], b[at+1] = byte(w>>8), byte(w) }

// seal makes the checksums right.
func seal(b []byte) { b[63], b[95] = checksum(b[:63]), checksum(b[64:95]) }

func expect(t *testing.T, r *Readings, want [NumQuantities]float64) {
	t.Helper()
	for q, w := range want {
		if v, ok := r.Value(Quantity(q)); !ok || math.Abs(v-w) > 1e-12 {
			t.Errorf("%v is %v (there: %v), want %v", Quantity(q), v, ok, w)
		}
	}
}

func TestInternalCalibration(t *testing.T) {
	m, err := Decode(pages())
	if err != nil {
		t.Fatal(err)
	}
	if m.Vendor != "FINISAR CORP." || m.PartNumber != "FTLF8532P4BCV" || m.Serial != "N3AB2XY" || m.Connector != "LC" || m.Wavelength != 850 {
		t.Errorf("%+v", m)
	}
	// 0x1a80 is 26.5 * 256; 33000 * 100 uV; 3500 * 2 uA; 0.1 uW each.
	expect(t, &m.Readings, [...]float64{26.5, 3.3, 0.007, 562.3e-6, 30e-6})
	for q := range NumQuantities {
		for l := range NumLevels {
			// 30 uW is below the warning at 39.8, and above the alarm at 25.1.
			want := q == RxPower && l == LowWarning
			if passed, ok := m.Passed(q, l); !ok || passed != want {
				t.Errorf("%v %v: %v (there: %v), want %v", q, l, passed, ok, want)
			}
		}
	}
}

func TestNegativeTemperature(t *testing.T) {
	b := pages()
	put(b[256:], 96, 0xf680) // -9.5 * 256, below the alarm at -5
	m, err := Decode(b)
	if err != nil {
		t.Fatal(err)
	}
	if v, _ := m.Value(Temperature); v != -9.5 {
		t.Errorf("%v degrees, want -9.5", v)
	}
	for l, want := range [NumLevels]bool{LowAlarm: true, LowWarning: true} {
		if passed, _ := m.Passed(Temperature, Level(l)); passed != want {
			t.Errorf("%v: %v, want %v", Level(l), passed, want)
		}
	}
}

func TestExternalCalibration(t *testing.T) {
	b := pages()
	b[92] = 0x58
	seal(b)
	a2 := b[256:]
	put(a2, 56+16, 0xc120) // Rx_PWR(0): -10, as 0xc1200000
	put(a2, 56+12, 0x3f00) // Rx_PWR(1): 0.5, as 0x3f000000
	put(a2, 56+8, 0x3a80)  // Rx_PWR(2): 2^-10, as 0x3a800000
	put(a2, 76, 0x0200)    // current: twice
	put(a2, 78, 100)       // and 100 more
	put(a2, 80, 0x0180)    // power: one and a half
	put(a2, 82, 0xff9c)    // and 100 less
	put(a2, 84, 0x0100)    // temperature: once
	put(a2, 86, 0x0200)    // and two degrees more
	put(a2, 88, 0x0080)    // voltage: half
	put(a2, 90, 0)
	put(a2, 104, 1024) // received
	m, err := Decode(b)
	if err != nil {
		t.Fatal(err)
	}
	expect(t, &m.Readings, [...]float64{
		28.5,                   // 26.5 + 2
		1.65,                   // 3.3 / 2
		0.0142,                 // (3500*2 + 100) * 2 uA
		(5623*1.5 - 100) / 1e7, // 833.45 uW
		(1024 + 512 - 10) / 1e7,
	})
	// The limits go by the same line: 75 degrees become 77.
	if passed, ok := m.Passed(Temperature, HighAlarm); passed || !ok {
		t.Errorf("high alarm: %v, %v", passed, ok)
	}

	put(a2, 104, 0) // -10 on the curve: dark
	if m, err = Decode(b); err != nil {
		t.Fatal(err)
	}
	if v, ok := m.Value(RxPower); v != 0 || !ok {
		t.Errorf("dark: %v, %v", v, ok)
	}

	put(a2, 72, 0x7fc0) // not a number
	if m, err = Decode(b); err != nil {
		t.Fatal(err)
	}
	if v, ok := m.Value(RxPower); ok {
		t.Errorf("a curve that is none: %v", v)
	}
	if _, ok := m.Value(TxPower); !ok {
		t.Error("the other quantities have gone with it")
	}
}

func TestWithoutReadings(t *testing.T) {
	for what, change := range map[string]func([]byte){
		"no diagnostics":           func(b []byte) { b[92] = 0 },
		"behind a switch":          func(b []byte) { b[92] |= addressChange },
		"no word on calibration":   func(b []byte) { b[92] = implemented },
		"pulled out, all ones":     func(b []byte) { fill(b[256:], 0xff) },
		"no second page, all zero": func(b []byte) { fill(b[256:], 0) },
	} {
		b := pages()
		change(b)
		seal(b)
		m, err := Decode(b)
		if err != nil {
			t.Errorf("%s: %v", what, err)
			continue
		}
		if m.Vendor == "" {
			t.Errorf("%s: no vendor either", what)
		}
		for q := range NumQuantities {
			if v, ok := m.Value(q); ok {
				t.Errorf("%s: %v is %v", what, q, v)
			}
			if _, ok := m.Passed(q, HighAlarm); ok {
				t.Errorf("%s: %v has limits", what, q)
			}
		}
	}
}

func fill(b []byte, c byte) {
	for i := range b {
		b[i] = c
	}
}

func TestLimitsThatWereNotSet(t *testing.T) {
	b := pages()
	fill(b[256:256+40], 0)
	m, err := Decode(b)
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := m.Passed(Temperature, HighAlarm); ok {
		t.Error("a limit of zero to zero")
	}
	if _, ok := m.Value(Temperature); !ok {
		t.Error("no temperature without limits")
	}
}

func TestNothingToDecode(t *testing.T) {
	ones := make([]byte, Size)
	fill(ones, 0xff)
	qsfp := pages()
	qsfp[0] = 0x0d
	for what, b := range map[string][]byte{"all ones": ones, "all zero": make([]byte, Size), "QSFP": qsfp} {
		if m, err := Decode(b); !errors.Is(err, ErrNone) {
			t.Errorf("%s: %v, %v", what, m, err)
		}
	}
}

func TestDamaged(t *testing.T) {
	flipped, late := pages(), pages()
	flipped[25] ^= 1
	late[70] ^= 1
	for want, b := range map[string][]byte{
		"0 bytes":         nil,
		"256 bytes":       pages()[:256],
		"bytes 0 to 62":   flipped,
		"bytes 64 to 94":  late,
		"513 bytes, want": append(pages(), 0),
	} {
		if m, err := Decode(b); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want %s: %v, %v", want, m, err)
		}
	}
}

func TestCopperHasNoWavelength(t *testing.T) {
	b := pages()
	b[8], b[2], b[60], b[61] = 0x04, 0x21, 1, 0
	seal(b)
	if m, err := Decode(b); err != nil || m.Wavelength != 0 || m.Connector != "copper pigtail" {
		t.Errorf("%+v, %v", m, err)
	}
}

// What lpfc prints of a module: 0x80e8 is 33000, 0x0dac 3500, 0x15f7 5623 and
// 0x012c 300.
const printed = "VendorName:\tFINISAR CORP\nVendorOUI:\t009065\nVendorPN:\tFTLF8532P4BC\nVendorSN:\tN3AB2XY\nVendorRev:\tA\n" +
	"DateCode:\t19042\nIdentifier:\t3h\nExtIdentifier:\t4h\nConnector:\t7h\nWavelength:\t850 nm\nSpeeds: \t8GFC 16GFC 32GFC \n" +
	"Temperature:\tx1a80 C\nVcc:\t\tx80e8 V\nTxBiasCurrent:\tx0dac mA\nTxPower:\tx15f7 mW\nRxPower:\tx012c mW\n"

func TestText(t *testing.T) {
	m, ok := DecodeText([]byte(printed))
	if !ok {
		t.Fatal("not understood")
	}
	if m.Vendor != "FINISAR CORP" || m.PartNumber != "FTLF8532P4BC" || m.Serial != "N3AB2XY" || m.Connector != "LC" || m.Wavelength != 850 {
		t.Errorf("%+v", m)
	}
	expect(t, &m.Readings, [...]float64{26.5, 3.3, 0.007, 562.3e-6, 30e-6})
	if _, ok := m.Passed(RxPower, LowAlarm); ok {
		t.Error("limits that it does not print")
	}
	if m, ok := DecodeText([]byte("SFP info NA:\n")); m != nil || !ok {
		t.Errorf("no module: %v, %v", m, ok)
	}
	silent := strings.NewReplacer("x1a80", "x0000", "x80e8", "x0000", "x0dac", "x0000", "x15f7", "x0000", "x012c", "x0000").Replace(printed)
	if m, ok := DecodeText([]byte(silent)); !ok || m.Readings != (Readings{}) {
		t.Errorf("a module that measures nothing: %+v, %v", m, ok)
	}
	for _, bad := range []string{"", "garbage", "Serial: 3\n", "Vcc:\t12 V\n", "Vcc:\tx12345 V\n", "Wavelength:\tred\n", "Connector:\tzh\n", printed + "and more\n"} {
		if m, ok := DecodeText([]byte(bad)); ok {
			t.Errorf("%q: %+v", bad, m)
		}
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(pages(), true)
	f.Add(pages(), false)
	f.Add([]byte(printed), false)
	f.Fuzz(func(t *testing.T, b []byte, mend bool) {
		if mend && len(b) == Size {
			seal(b)
		}
		m, err := Decode(b)
		if (m == nil) != (err != nil) {
			t.Errorf("%v, %v", m, err)
		}
		sane(t, m)
		m, _ = DecodeText(b)
		sane(t, m)
	})
}

// sane compares readings with what is possible.
func sane(t *testing.T, m *Module) {
	if m == nil {
		return
	}
	for q := range NumQuantities {
		v, ok := m.Value(q)
		if math.IsNaN(v) || math.IsInf(v, 0) || q >= TxPower && v < 0 {
			t.Errorf("%v is %v", q, v)
		}
		if _, limits := m.Passed(q, HighAlarm); limits && !ok {
			t.Errorf("%v has limits and no value", q)
		}
	}
}
