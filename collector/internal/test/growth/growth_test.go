package growth_test

import (
	"fmt"
	"testing"

	"github.com/hostexporter/host_exporter/collector"
	"github.com/hostexporter/host_exporter/collector/internal/test/golden"
	"github.com/hostexporter/host_exporter/collector/internal/test/growth"
)

// TestGrowth scrapes hosts with more and more devices, and counts system calls and
// allocations in place of time: each further device costs at most what its kind allows,
// on a large host as on a small one.
func TestGrowth(t *testing.T) {
	for _, k := range growth.Kinds() {
		t.Run(k.Name, func(t *testing.T) {
			var excess []string
			// What a busy machine delays may cost allocations, now and then.
			for range 3 {
				if excess = findExcess(t, k); excess == nil {
					return
				}
			}
			for _, e := range excess {
				t.Error(e)
			}
		})
	}
}

// findExcess returns what exceeds the limits of a kind.
func findExcess(t *testing.T, k growth.Kind) (excess []string) {
	sizes := []int{16, 64, 256}
	if testing.Short() {
		sizes = sizes[:2]
	}
	var costs []growth.Cost
	for _, n := range sizes {
		costs = append(costs, measure(t, k, n))
	}
	for _, q := range []struct {
		what  string
		limit float64
		of    func(growth.Cost) float64
	}{
		{"system calls", k.Limits.SystemCalls, func(c growth.Cost) float64 { return c.SystemCalls }},
		{"allocations", k.Limits.Allocations, func(c growth.Cost) float64 { return c.Allocations }},
		{"allocated bytes", k.Limits.Bytes, func(c growth.Cost) float64 { return c.Bytes }},
	} {
		if underRaceDetector && q.what != "system calls" { // it empties pools
			continue
		}
		for i := 1; i < len(sizes); i++ {
			slope := (q.of(costs[i]) - q.of(costs[i-1])) / float64(sizes[i]-sizes[i-1])
			each := fmt.Sprintf("%.2f %s for each of the %s from %d to %d", slope, q.what, k.Name, sizes[i-1], sizes[i])
			t.Log(each)
			if slope > q.limit {
				excess = append(excess, fmt.Sprintf("%s, want at most %v", each, q.limit))
			}
		}
	}
	return excess
}

func measure(t *testing.T, k growth.Kind, n int) growth.Cost {
	t.Helper()
	s, err := k.Open(n, golden.TempDir(t), collector.Catalog())
	if err != nil {
		t.Fatal(err)
	}
	c, err := s.Measure(0)
	if err != nil {
		t.Error(err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	return c
}
