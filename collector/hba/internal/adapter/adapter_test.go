package adapter

import "testing"

func TestLpfcInFlight(t *testing.T) {
	for _, c := range []struct {
		in   string
		want uint64
		ok   bool
	}{
		{"HDWQ (0): Rd 1 Wr 2 IO 3 Cmpl 4 OutIO 5\nTotal FCP Cmpl 10 Issue 1a OutIO 0000000a\n", 10, true},
		{"Total FCP Cmpl 10 Issue 1a OutIO 0", 0, true},
		{"HDWQ (0): Rd 1 Wr 2 IO 3 Cmpl 4 OutIO 5\n", 0, false},
		{"Total FCP Cmpl 10", 0, false}, {"Total FCP OutIO xyz", 0, false}, {"", 0, false},
	} {
		if v, ok := lpfcInFlight([]byte(c.in)); ok != c.ok || v != c.want {
			t.Errorf("lpfcInFlight(%q) = %v, %v", c.in, v, ok)
		}
	}
}

func TestZfcpQueueFull(t *testing.T) {
	if v, ok := zfcpQueueFull([]byte("12 34567")); !ok || v != 12 {
		t.Errorf("%v, %v", v, ok)
	}
}

func FuzzParsers(f *testing.F) {
	for _, s := range []string{"Total FCP Cmpl 1 Issue 1 OutIO 0", "RxErr 0\nTOTAL_ERR_COR 5\n"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		lpfcInFlight(b)
		aerTotal(b)
	})
}
