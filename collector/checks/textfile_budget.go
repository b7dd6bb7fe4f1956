package checks

import (
	"cmp"
	"slices"

	dto "github.com/prometheus/client_model/go"

	"github.com/hostexporter/host_exporter/collector/checks/internal/families"
)

// What text files take together, of the memory limit: their families a quarter, since
// those of a changed file are there twice for a moment, and their texts a sixteenth.
const (
	memoryShare = 4
	bytesShare  = 16

	defaultMemoryLimit = 128 << 20
	maxMemoryLimit     = 4 << 30 // there may be none
)

func (c *textfileCollector) maxMemory() int64 { return c.limit() / memoryShare }
func (c *textfileCollector) maxBytes() int64  { return c.limit() / bytesShare }

func (c *textfileCollector) limit() int64 {
	if c.memoryLimit == nil {
		return defaultMemoryLimit
	}
	return min(c.memoryLimit(), maxMemoryLimit)
}

// Bytes of memory that a part of a document takes: parsed, merged and rendered, measured
// with a tenth to two fifths on top.
const (
	memoryPerFamily = 800
	memoryPerSample = 200
	memoryPerLabel  = 130
	memoryPerByte   = 5
)

// memoryOf returns the memory that a document takes, in bytes.
func memoryOf(s families.Size) int64 {
	return memoryPerFamily*int64(s.Families) + memoryPerSample*int64(s.Samples) + memoryPerLabel*int64(s.Labels) + memoryPerByte*int64(s.Bytes)
}

// memoryOfFamilies returns the memory that families take once each series has all labels
// of its family.
func memoryOfFamilies(all []*dto.MetricFamily, text families.Size) int64 {
	filled := families.Size{Families: len(all), Samples: text.Samples, Bytes: text.Bytes}
	for _, f := range all {
		if labels := len(families.LabelNames(f)); labels <= families.MaxLabels { // otherwise it is dropped
			filled.Labels += len(f.Metric) * labels
		}
	}
	filled.Labels = max(filled.Labels, text.Labels) // buckets and quantiles have some
	return memoryOf(filled)
}

// dropOver returns which of n weights to drop until the others are at most limit in sum.
// Each has an owner: the one with the most loses its largest first, so that a user who
// writes much costs others nothing. Root comes last: a user may have many numbers
// (subuid(5)), each with little.
func dropOver(limit int64, n int, weightOf func(i int) (owner uint32, weight int64)) (drop []int) {
	type item struct {
		index  int
		weight int64
	}
	total := int64(0)
	sums := map[uint32]int64{}
	for i := range n {
		owner, weight := weightOf(i)
		total += weight
		sums[owner] += weight
	}
	if total <= limit {
		return nil
	}
	items := map[uint32][]item{} // by weight
	var owners []uint32
	for i := range n {
		owner, weight := weightOf(i)
		if items[owner] == nil && owner != 0 {
			owners = append(owners, owner)
		}
		items[owner] = append(items[owner], item{i, weight})
	}
	for _, owned := range items {
		slices.SortStableFunc(owned, func(a, b item) int { return cmp.Compare(a.weight, b.weight) })
	}
	for total > limit {
		most := uint32(0)
		for _, owner := range owners {
			if sums[owner] > 0 && (most == 0 || sums[owner] > sums[most]) {
				most = owner
			}
		}
		owned := items[most]
		largest := owned[len(owned)-1]
		items[most] = owned[:len(owned)-1]
		total -= largest.weight
		sums[most] -= largest.weight
		drop = append(drop, largest.index)
	}
	return drop
}
