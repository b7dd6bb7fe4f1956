package cpu

import (
	"slices"
	"testing"
)

func TestParseCPUList(t *testing.T) {
	for _, c := range []struct {
		text string
		ok   bool
		want []uint64 // those from 0 to 12 in the list
	}{
		{"", true, nil},
		{"0", true, []uint64{0}},
		{"0-3,8", true, []uint64{0, 1, 2, 3, 8}},
		{"1,3-4,11-12", true, []uint64{1, 3, 4, 11, 12}},
		{"3,1", false, nil},
		{"1,1", false, nil},
		{"4-3", false, nil},
		{"0-", false, nil},
		{"-3", false, nil},
		{",", false, nil},
		{"0,", false, nil},
		{"0-18446744073709551615", false, nil},
		{"0-65536", false, nil},
		{"a", false, nil},
	} {
		list, ok := cpuList(nil).parse([]byte(c.text))
		var got []uint64
		for cpu := range uint64(13) {
			if list.has(cpu) {
				got = append(got, cpu)
			}
		}
		if ok != c.ok || !slices.Equal(got, c.want) {
			t.Errorf("%q: %v %v, want %v %v", c.text, got, ok, c.want, c.ok)
		}
	}
}

func FuzzParseCPUList(f *testing.F) {
	for _, s := range []string{"", "0-3,8", "1,1", "0-4294967295", "3,1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		list, ok := cpuList(nil).parse([]byte(text))
		if !ok && len(list) > 0 {
			t.Errorf("%q is rejected and gives %v", text, list)
		}
		for i, r := range list {
			if r.first > r.last || r.last >= maxCPUs || i > 0 && r.first <= list[i-1].last {
				t.Errorf("%q gives %v", text, list)
			}
		}
	})
}
