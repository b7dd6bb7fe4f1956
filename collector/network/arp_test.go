package network

import (
	"fmt"
	"maps"
	"strings"
	"testing"

	"github.com/hostexporter/host_exporter/collector/internal/test/golden"
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

// FuzzParseARP compares with procfs on texts that both accept.
func FuzzParseARP(f *testing.F) {
	f.Add("IP address       HW type     Flags       HW address            Mask     Device\n192.0.2.1 0x1 0x2 02:00:00:00:00:01 * eth0\n192.0.2.2 0x1 0x0 00:00:00:00:00:00 * br-1\n")
	f.Add("IP address\n192.0.2.1 0x1 0x2 02:00:00:00:00:01 * eth0\n")
	oracle := golden.NewOracle(f, "net/arp")
	f.Fuzz(func(t *testing.T, text string) {
		have, errs := map[string]int{}, 0
		parseARP([]byte(text), func(device []byte) {
			have[string(device)]++
			if len(device) == 0 {
				t.Error("a device without a name")
			}
		}, func(error) { errs++ })
		heading, _, _ := strings.Cut(text, "\n")
		// Procfs takes any line of nine words for the heading, and one of six for an entry.
		if errs > 0 || !golden.IsPlain(text) || len(strings.Fields(heading)) != 9 {
			return
		}
		entries, err := oracle.Set(t, text).GatherARPEntries()
		if err != nil {
			return
		}
		want := map[string]int{}
		for _, e := range entries {
			want[e.Device]++
		}
		if !maps.Equal(have, want) {
			t.Errorf("%q: have %v, procfs has %v", text, have, want)
		}
	})
}

func BenchmarkARP(b *testing.B) {
	benchmarkUnit(b, arp, vethHost(b, 1000), nil)
}
