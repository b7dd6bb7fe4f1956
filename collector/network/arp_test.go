package network

import (
	"fmt"
	"testing"
)

func TestParseARPMatchesProcfs(t *testing.T) {
	const header = "IP address       HW type     Flags       HW address            Mask     Device\n"
	for _, lines := range []string{
		"",
		"192.0.2.1        0x1         0x2         02:00:00:00:00:01     *        eth0\n",
		"192.0.2.1        0x1         0x2         02:00:00:00:00:01     *        eth0\n" +
			"192.0.2.2        0x1         0x0         00:00:00:00:00:00     *        br-1\n" +
			"192.0.2.3        0x1         0x6         02:00:00:00:00:03     *        eth0\n",
	} {
		entries, err := procfsWithFile(t, "net/arp", header+lines).GatherARPEntries()
		if err != nil {
			t.Fatal(err)
		}
		want, have := map[string]int{}, map[string]int{}
		for _, e := range entries {
			want[e.Device]++
		}
		parseARP([]byte(header+lines), func(device []byte) { have[string(device)]++ }, func(err error) { t.Error(err) })
		if fmt.Sprint(have) != fmt.Sprint(want) {
			t.Errorf("%q: have %v, procfs has %v", lines, have, want)
		}
	}
}

func FuzzParseARP(f *testing.F) {
	f.Add("IP address\n192.0.2.1 0x1 0x2 02:00:00:00:00:01 * eth0\n")
	f.Fuzz(func(t *testing.T, text string) {
		parseARP([]byte(text), func(device []byte) {
			if len(device) == 0 {
				t.Error("a device without a name")
			}
		}, func(error) {})
	})
}

func BenchmarkARP(b *testing.B) {
	benchmarkUnit(b, arp, vethHost(b, 1000), nil)
}
