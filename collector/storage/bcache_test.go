package storage

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	procfsbcache "github.com/prometheus/procfs/bcache"

	"github.com/hostexporter/host_exporter/collector/internal/test/golden"
)

func TestParseBcacheValue(t *testing.T) {
	for _, c := range []struct {
		text string
		want float64
		ok   bool
	}{
		{"0", 0, true},
		{"18446744073709551615", math.MaxUint64, true},
		{"0.0k", 0, true},
		{"-0.0k", 0, true},
		{"0.5k", 500, true},
		{"542k", 555008, true},
		{"1.1k", 1124, true},
		{"1.9k", 1924, true},
		{"1.10k", 2024, true},
		{"-251.6k", -257624, true},
		{"1.7M/sec", 1765376, true},
		{"-12/sec", -12, true},
		{"94%", 94, true},
		{"15.9E", 15.87890625 * (1 << 60), true},
		{"", 0, false},
		{"k", 0, false},
		{".5k", 0, false},
		{"1.k", 0, false},
		{"1.5", 0, false},
		{"1.5X", 0, false},
		{"1.-5k", 0, false},
		{"--1", 0, false},
		{"/sec", 0, false},
		{"%", 0, false},
	} {
		got, ok := parseBcacheValue([]byte(c.text))
		if ok != c.ok || ok && (got != c.want || math.Signbit(got) != (c.want < 0)) {
			t.Errorf("%q: %v, %v, want %v, %v", c.text, got, ok, c.want, c.ok)
		}
	}
}

// formatBcache prints a number as the kernel does: divided by 1024 until it has
// three digits, at least once, with the last remainder divided by divisor.
func formatBcache(v uint64, divisor float64) string {
	unit := -1
	var remainder uint64
	for unit < 0 || v >= 1000 {
		remainder, v = v%1024, v/1024
		unit++
	}
	return fmt.Sprintf("%d.%d%c", v, int(float64(remainder)/divisor), "kMGTPE"[unit])
}

// TestBcacheMatchesProcfs compares with procfs on numbers of old and of new
// kernels.
func TestBcacheMatchesProcfs(t *testing.T) {
	const set = "fs/bcache/deaddd54-c735-46d5-868e-f331c5fd7c74"
	root := t.TempDir()
	random := rand.New(rand.NewPCG(1, 2))
	for i := range 200 {
		divisor := []float64{100, 102.4}[i%2]
		number := func() string { return formatBcache(random.Uint64()>>(8+random.IntN(56)), divisor) }
		dir := fmt.Sprintf("%s/bdev%d/", set, i)
		writeTree(t, root, map[string]string{
			dir + "dirty_data":             number() + "\n",
			dir + "stats_total/bypassed":   number() + "\n",
			dir + "stats_total/cache_hits": fmt.Sprintln(random.Uint64()),
			dir + "writeback_rate_debug": fmt.Sprintf("rate:\t\t%s/sec\ndirty:\t\t%s\ntarget:\t\t%s\nproportional:\t%s\nintegral:\t-%s\nchange:\t\t-%s/sec\nnext io:\t-150773ms\n",
				number(), number(), number(), number(), number(), number()),
		})
	}
	fs, err := procfsbcache.NewFS(root)
	if err != nil {
		t.Fatal(err)
	}
	stats, err := fs.StatsWithoutPriority()
	if err != nil || len(stats) != 1 {
		t.Fatal(err)
	}
	text := collectorText(t, bcache, sysHost(root), nil)
	for _, b := range stats[0].Bdevs {
		for name, want := range map[string]float64{
			"dirty_data_bytes":                 float64(b.DirtyData),
			"bypassed_bytes_total":             float64(b.Total.Bypassed),
			"cache_hits_total":                 float64(b.Total.CacheHits),
			"writeback_rate":                   float64(b.WritebackRateDebug.Rate),
			"dirty_target_bytes":               float64(b.WritebackRateDebug.Target),
			"writeback_rate_proportional_term": float64(b.WritebackRateDebug.Proportional),
			"writeback_rate_integral_term":     float64(b.WritebackRateDebug.Integral),
			"writeback_change":                 float64(b.WritebackRateDebug.Change),
		} {
			line := fmt.Sprintf("node_bcache_%s{backing_device=%q,uuid=%q} ", name, b.Name, set[len("fs/bcache/"):])
			_, rest, _ := strings.Cut(text, "\n"+line)
			value, _, _ := strings.Cut(rest, "\n")
			var have float64
			if _, err := fmt.Sscan(value, &have); err != nil || have != want {
				t.Errorf("%s%v, want %v", line, value, want)
			}
		}
	}
}

func BenchmarkBcache(b *testing.B) {
	n := golden.NewWorkbench(b, bcache.Build, nil)
	for i := range 4 {
		dir := fmt.Sprintf("fs/bcache/deaddd54-c735-46d5-868e-f331c5fd7c74/bdev%d/", i)
		n.Sys(dir+"dirty_data", "20.3G\n")
		n.Sys(dir+"writeback_rate_debug", "rate:\t\t4.0k/sec\ndirty:\t\t0.0k\ntarget:\t\t322M\nproportional:\t-1.1k\nintegral:\t-251.6k\nchange:\t\t-2.6k/sec\nnext io:\t-150773ms\n")
		for _, name := range []string{"bypassed", "cache_hits", "cache_misses", "cache_bypass_hits", "cache_bypass_misses", "cache_miss_collisions"} {
			n.Sys(dir+"stats_total/"+name, "12\n")
		}
	}
	n.Steady()
}
