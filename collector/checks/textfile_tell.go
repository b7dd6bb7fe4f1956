package checks

import (
	"time"

	"github.com/hostexporter/host_exporter/collector/checks/internal/merge"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
)

// A textfileLoss is what a file has that does not go together with others.
type textfileLoss struct {
	conflicts int // families
	conflict  int // series that are left out of them
	reserved  int // series that are left out because of their name
}

// count notes what the files lose of a family, or that its name is taken by
// the exporter itself. Where nothing is lost it costs nothing.
func (c *textfileCollector) count(f *merge.Family, taken bool) {
	for i := range f.Parts {
		p := &f.Parts[i]
		if !taken && p.Lost == 0 && !p.OtherHelp {
			continue
		}
		l := c.losses[p.Source]
		if taken {
			l.reserved += len(p.Family.Metric)
		} else {
			l.conflicts++
			l.conflict += p.Lost
		}
		c.losses[p.Source] = l
	}
}

// tell emits what there is to say about a file.
func (c *textfileCollector) tell(out *metric.Sink, f *textfileFile) {
	if f.refused != "" {
		out.Emit(c.refused, 1, f.path, f.refused)
		return
	}
	out.Emit(c.mtime, float64(f.stamp.mtime.Sec), f.path)
	stale := c.isStale(f)
	if c.maxAge > 0 {
		out.Bool(c.stale, stale, f.path)
	}
	l := c.losses[&f.source]
	c.some(out, c.conflicts, l.conflicts, f.path)
	c.some(out, c.dropped, l.conflict, f.path, "conflict")
	c.some(out, c.dropped, l.reserved, f.path, "reserved")
	c.some(out, c.dropped, f.invalid, f.path, "invalid")
	if stale {
		c.some(out, c.dropped, f.series(), f.path, "stale")
	}
}

// some emits a number that most files never have.
func (c *textfileCollector) some(out *metric.Sink, family *metric.Family, n int, labels ...string) {
	if n > 0 {
		out.Emit(family, float64(n), labels...)
	}
}

// isStale reports whether a file is too old to be served. One that was written
// in the future is not.
func (c *textfileCollector) isStale(f *textfileFile) bool {
	return c.maxAge > 0 && f.refused == "" && c.moment.Sub(f.written()) > c.maxAge
}

// written returns when the content of a file was last written.
func (f *textfileFile) written() time.Time { return time.Unix(f.stamp.mtime.Unix()) }

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
