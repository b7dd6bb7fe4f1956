package checks

import (
	"time"

	"github.com/hostexporter/host_exporter/collector/checks/internal/merge"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
)

// A textfileDrops has the numbers of what is dropped of a file.
type textfileDrops struct {
	conflictFamilies int // families in conflict with other files
	conflictSeries   int // series dropped of them
	reservedSeries   int // series dropped for their name
}

// countDrops counts what is dropped of a family, in the files that it is from. If its
// name is reserved, that is all of it.
func (c *textfileCollector) countDrops(f *merge.Family, reserved bool) {
	for i := range f.Parts {
		p := &f.Parts[i]
		if !reserved && p.DroppedSeries == 0 && !p.HelpDiffers {
			continue
		}
		l := c.drops[p.Source]
		if reserved {
			l.reservedSeries += len(p.Family.Metric)
		} else {
			l.conflictFamilies++
			l.conflictSeries += p.DroppedSeries
		}
		c.drops[p.Source] = l
	}
}

// emitFile emits the metrics of a file.
func (c *textfileCollector) emitFile(out *metric.Sink, f *textfileFile) {
	if f.refusal != "" {
		out.Emit(c.refused, 1, f.path, f.refusal)
		return
	}
	out.Emit(c.mtime, float64(f.stamp.mtime.Sec), f.path)
	stale := c.isStale(f)
	if c.maxAge > 0 {
		out.Bool(c.stale, stale, f.path)
	}
	l := c.drops[&f.source]
	c.emitPositive(out, c.conflicts, l.conflictFamilies, f.path)
	c.emitPositive(out, c.dropped, l.conflictSeries, f.path, "conflict")
	c.emitPositive(out, c.dropped, l.reservedSeries, f.path, "reserved")
	c.emitPositive(out, c.dropped, f.invalid, f.path, "invalid")
	if stale {
		c.emitPositive(out, c.dropped, f.series(), f.path, "stale")
	}
}

// emitPositive emits a number unless it is zero, as for most files.
func (c *textfileCollector) emitPositive(out *metric.Sink, family *metric.Family, n int, labels ...string) {
	if n > 0 {
		out.Emit(family, float64(n), labels...)
	}
}

// isStale reports whether a file is too old. A file with a time in the future is not.
func (c *textfileCollector) isStale(f *textfileFile) bool {
	return c.maxAge > 0 && f.refusal == "" && c.scrapeTime.Sub(f.modTime()) > c.maxAge
}

// modTime returns the modification time of a file.
func (f *textfileFile) modTime() time.Time { return time.Unix(f.stamp.mtime.Unix()) }

// series returns the number of series in a file.
func (f *textfileFile) series() int {
	n := 0
	for _, family := range f.source.Families {
		n += len(family.Metric)
	}
	return n
}
