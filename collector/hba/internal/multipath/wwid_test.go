package multipath

import "testing"

func TestWWID(t *testing.T) {
	type verdict struct{ equal, comparable bool }
	same, different, unknown := verdict{true, true}, verdict{false, true}, verdict{}
	for _, c := range []struct {
		ofMap, ofPath string
		want          verdict
	}{
		{"36001405ab12cd3400000000000000001", "naa.6001405ab12cd3400000000000000001", same},
		{"36001405ab12cd34000000000000000ff", "naa.6001405AB12CD34000000000000000FF", same},
		{"36001405ab12cd3400000000000000001", "naa.6001405ab12cd3400000000000000002", different},
		{"35000c500a1b2c3d4", "naa.5000c500a1b2c3d4", same},
		{"35000c500a1b2c3d4", "naa.6001405ab12cd3400000000000000001", unknown}, // two designators of one LUN
		{"20025385b71b00a1c", "eui.0025385b71b00a1c", same},
		{"20025385b71b00a1c", "eui.0025385b71b00a1d", different},
		{"eui.0025385b71b00a1c", "eui.0025385b71b00a1c", same},
		{"uuid.6c8d1d6e-0000-4000-8000-000000000001", "uuid.6c8d1d6e-0000-4000-8000-000000000002", different},
		{"nvme.1af4-71656d75-51454d55-00000001", "nvme.1af4-71656d75-51454d55-00000001", same},
		{"nvme.1af4-71656d75-51454d55-00000001", "nvme.1af4-71656d75-51454d55-00000002", unknown},
		{"1LIO-ORG_disk0", "t10.LIO-ORG disk0", same},
		{"1ATA     QEMU HARDDISK                           QM00001", "t10.ATA     QEMU HARDDISK                           QM00001", same},
		{"1LIO-ORG_disk0", "t10.LIO-ORG disk1", unknown},
		{"0x6001405ab12cd3400000000000000001", "naa.6001405ab12cd3400000000000000001", same},
		{"0x6001405ab12cd340", "naa.6001405ab12cd3400000000000000001", unknown}, // the first half only
		{"36001405ab12cd3400000000000000001", "eui.0025385b71b00a1c", unknown},
		{"36001405ab12cd3400000000000000001", "t10.LIO-ORG disk1", unknown},
		{"IBM.75000000092461.2a00.1a", "IBM.75000000092461.2a00.1a", same},
		{"IBM.75000000092461.2a00.1a", "IBM.75000000092461.2a00.1b", unknown},
		{"WDC_WD10EZEX-08WN4A0_WD-WCC6Y5", "naa.50014ee2b5e7a6d1", unknown},
		{"3short", "naa.3", unknown}, {"3", "naa.", unknown}, {"", "", unknown}, {"1", "t10.", unknown},
	} {
		equal, comparable := parseWWID(c.ofMap).equals(parseWWID(c.ofPath))
		if have := (verdict{equal, comparable}); have != c.want {
			t.Errorf("%q and %q: %+v, want %+v", c.ofMap, c.ofPath, have, c.want)
		}
	}
}

func FuzzWWID(f *testing.F) {
	f.Add("36001405ab12cd3400000000000000001", "naa.6001405ab12cd3400000000000000001")
	f.Add("1LIO-ORG_disk0", "t10.LIO-ORG  disk0 ")
	f.Add("0x", "uuid.")
	f.Fuzz(func(t *testing.T, a, b string) {
		v, w := parseWWID(a), parseWWID(b)
		equal, comparable := v.equals(w)
		if other, ok := w.equals(v); other != equal || ok != comparable || equal && !comparable && v.value != "" {
			t.Errorf("%q and %q: %v %v, the other way %v %v", a, b, equal, comparable, other, ok)
		}
	})
}
