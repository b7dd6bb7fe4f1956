package checks

import (
	"time"

	"github.com/hostexporter/host_exporter/collector/checks/internal/merge"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
)

// A textfileDrops is what a file has that does not go together with others.
type textfileDrops struct {
	conflictFamilies int // families
	conflictSeries   int // series that are left out of them
	reservedSeries   int // series that are left out because of their name
}

// countDrops notes what the files lose of a family, or that its name is taken by
// the exporter itself. Where nothing is lost it costs nothing.
func (c *textfileCollector) countDrops(f *merge.Family, taken bool) {
	for i := range f.Parts {
		p := &f.Parts[i]
		if !taken && p.DroppedSeries == 0 && !p.HelpDiffers {
			continue
		}
		l := c.drops[p.Source]
		if taken {
			l.reservedSeries += len(p.Family.Metric)
		} else {
			l.conflictFamilies++
			l.conflictSeries += p.DroppedSeries
		}
		c.drops[p.Source] = l
	}
}

// emitFile emits what there is to say about a file.
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

// emitPositive emits a number that most files never have.
func (c *textfileCollector) emitPositive(out *metric.Sink, family *metric.Family, n int, labels ...string) {
	if n > 0 {
		out.Emit(family, float64(n), labels...)
	}
}

// isStale reports whether a file is too old to be served. One that was written
// in the future is not.
func (c *textfileCollector) isStale(f *textfileFile) bool {
	return c.maxAge > 0 && f.refusal == "" && c.scrapeTime.Sub(f.modTime()) > c.maxAge
}

// modTime returns when the content of a file was last written.
func (f *textfileFile) modTime() time.Time { return time.Unix(f.stamp.mtime.Unix()) }

// series returns how many series a file has.
func (f *textfileFile) series() int {
	n := 0
	for _, family := range f.source.Families {
		n += len(family.Metric)
	}
	return n
}

// uniqueFiles returns files without those that are there before, because a
// pattern of files has found what a directory has.
func uniqueFiles(files []*textfileFile) []*textfileFile {
	seen := make(map[string]bool, len(files))
	unique := files[:0]
	for _, f := range files {
		if !seen[f.path] {
			seen[f.path] = true
			unique = append(unique, f)
		}
	}
	return unique
}
