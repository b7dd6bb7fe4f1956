package scan

import (
	"math"
	"strconv"
	"testing"
)

func TestFields(t *testing.T) {
	var f [2][]byte
	if n := Fields(f[:], []byte(" a\tbb  ccc\n")); n != 3 || string(f[0]) != "a" || string(f[1]) != "bb" {
		t.Errorf("Fields = %d, %q", n, f)
	}
	if n := Fields(f[:], []byte(" \n\t")); n != 0 {
		t.Errorf("Fields of blanks = %d, want 0", n)
	}
}

func TestTrim(t *testing.T) {
	for in, want := range map[string]string{"": "", "\x00\x00": "", " x y\x00\x00\n": "x y", "\t": "", "x": "x"} {
		if got := string(Trim([]byte(in))); got != want {
			t.Errorf("Trim(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestCut(t *testing.T) {
	k, v, ok := Cut([]byte("model name\t: Xeon : X"), ':')
	if string(k) != "model name" || string(v) != "Xeon : X" || !ok {
		t.Errorf("Cut = %q, %q, %v", k, v, ok)
	}
	if k, v, ok = Cut([]byte(" alone "), ':'); string(k) != "alone" || v != nil || ok {
		t.Errorf("Cut without separator = %q, %q, %v", k, v, ok)
	}
}

func TestNumbers(t *testing.T) {
	if v, ok := Uint([]byte("18446744073709551615")); !ok || v != math.MaxUint64 {
		t.Errorf("Uint of the maximum = %d, %v", v, ok)
	}
	for _, in := range []string{"", "18446744073709551616", "99999999999999999999", "-1", "+1", "1x", "0x1", " 1"} {
		if v, ok := Uint([]byte(in)); ok {
			t.Errorf("Uint(%q) = %d, want none", in, v)
		}
	}
	if v, ok := Int([]byte("-9223372036854775808")); !ok || v != math.MinInt64 {
		t.Errorf("Int of the minimum = %d, %v", v, ok)
	}
	for _, in := range []string{"", "-", "9223372036854775808", "--1", "1-"} {
		if v, ok := Int([]byte(in)); ok {
			t.Errorf("Int(%q) = %d, want none", in, v)
		}
	}
	if v, ok := Hex([]byte("0xFFffffffffffffff")); !ok || v != math.MaxUint64 {
		t.Errorf("Hex of the maximum = %x, %v", v, ok)
	}
	for _, in := range []string{"", "0x", "10000000000000000", "g", "-1"} {
		if v, ok := Hex([]byte(in)); ok {
			t.Errorf("Hex(%q) = %x, want none", in, v)
		}
	}
	if v, ok := Float([]byte("-0.25")); !ok || v != -0.25 {
		t.Errorf("Float = %v, %v", v, ok)
	}
	for _, in := range []string{"", "nan", "inf", "0x1p4", "1_000", "1e999", "."} {
		if v, ok := Float([]byte(in)); ok {
			t.Errorf("Float(%q) = %v, want none", in, v)
		}
	}
}

func TestNumberAfter(t *testing.T) {
	for name, want := range map[string]string{
		"thermal_zone0": "0", "thermal_zone12": "12", "thermal_zone": "", "thermal_zonex": "", "thermal_zone1x": "", "cooling_device1": "",
	} {
		if digits, ok := NumberAfter("thermal_zone", name); ok != (want != "") || ok && digits != want {
			t.Errorf("NumberAfter(%q) = %q, %v, want %q", name, digits, ok, want)
		}
	}
}

// FuzzNumbers compares the allocation-free parsers with strconv.
func FuzzNumbers(f *testing.F) {
	for _, s := range []string{"0", "18446744073709551615", "-9223372036854775808", "0x1f", "3.14", "007"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		u, ok := Uint([]byte(s))
		if want, err := strconv.ParseUint(s, 10, 64); ok && (err != nil || u != want) || !ok && err == nil && len(s) <= 20 {
			t.Errorf("Uint(%q) = %d, %v; strconv %d, %v", s, u, ok, want, err)
		}
		i, ok := Int([]byte(s))
		if want, err := strconv.ParseInt(s, 10, 64); ok && (err != nil || i != want) || !ok && err == nil && len(s) <= 20 {
			t.Errorf("Int(%q) = %d, %v; strconv %d, %v", s, i, ok, want, err)
		}
		if v, ok := Float([]byte(s)); ok {
			if want, err := strconv.ParseFloat(s, 64); err != nil || v != want {
				t.Errorf("Float(%q) = %v; strconv %v, %v", s, v, want, err)
			}
		}
	})
}
