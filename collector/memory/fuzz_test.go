package memory

import (
	"strings"
	"testing"

	"github.com/hostexporter/host_exporter/collector/internal/test/golden"
)

// FuzzSwapLine compares with procfs on lines that both accept.
func FuzzSwapLine(f *testing.F) {
	f.Add("/dev/dm-2 partition 131068 176 -2")
	f.Add("/swap\\040file file 0 -8 32767")
	f.Add("a b 18446744073709551615 1 2")
	oracle := golden.NewOracle(f, "swaps")
	f.Fuzz(func(t *testing.T, line string) {
		a, ok := parseSwapLine([]byte(line))
		if !ok || strings.ContainsAny(line, "\n\r\v\f\u0085\u00a0") || len(line) > 1000 {
			return
		}
		all, err := oracle.Set(t, "Filename\tType\tSize\tUsed\tPriority\n"+line+"\n").Swaps()
		if err != nil || len(all) != 1 {
			return
		}
		want := all[0]
		same := func(have uint64, want int) bool { return have == uint64(max(want, 0)) || uint64(want) > maxMeminfoSize }
		if want.Filename != string(a.name) || want.Type != string(a.typ) || !same(a.size, want.Size) || !same(a.used, want.Used) || int64(want.Priority) != a.priority {
			t.Errorf("%q: have %s %s %d %d %d, procfs has %+v", line, a.name, a.typ, a.size, a.used, a.priority, *want)
		}
	})
}

// FuzzMeminfoNumaLine checks that the line of a node is the same line of meminfo.
func FuzzMeminfoNumaLine(f *testing.F) {
	f.Add("Node 0 MemTotal:       65964008 kB")
	f.Add("Node 1 HugePages_Total:     0")
	f.Add("Node -1 Active(anon): 1 kB")
	f.Add("Node 81 \x00):1")
	f.Fuzz(func(t *testing.T, line string) {
		key, value, size, ok := parseMeminfoNumaLine([]byte(line))
		if !ok || strings.ContainsAny(line, "\n\r\v\f") {
			return
		}
		_, rest, _ := strings.Cut(line, "Node")
		rest = strings.TrimLeft(strings.TrimLeft(rest, " \t"), "0123456789")
		if k, v, s, ok := parseMeminfoLine([]byte(strings.TrimLeft(rest, " \t\x00"))); ok && (string(k) != string(key) || v != value || s != size) {
			t.Errorf("%q: have %s %d %v, as a line of meminfo %s %d %v", line, key, value, size, k, v, s)
		}
	})
}
