package checks

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/hostexporter/host_exporter/collector/checks/internal/merge"
	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
)

// The data sheet lists no files: what is read is up to the option.
var textfile = collect.Spec{
	Name:  "textfile",
	Help:  "Metrics that jobs leave in the *.prom files of given directories.",
	Build: collect.With(textfileOptions{}, newTextfile),
}

type textfileOptions struct{ Directories collect.Strings }

func (o *textfileOptions) Fields() []collect.Field {
	return []collect.Field{{
		Name:  "directory",
		Help:  "Directory whose *.prom files are served. It may be a pattern of directories such as /srv/*/metrics, and the option may be given more than once.",
		Value: &o.Directories,
	}}
}

// textfileCollector serves the families of files in the text format, which
// jobs of the operator write:
//
//	# TYPE backup_last_success_timestamp_seconds gauge
//	backup_last_success_timestamp_seconds{volume="home"} 1.767e+09
//
// See https://prometheus.io/docs/instrumenting/exposition_formats/.
//
// Files are in the order of the directories as they are given, then of their
// names. A family may be in several: its help is the first that is given, and
// where a file has no type for it, that of another file, if it is a gauge or a
// counter. Of files that do not go together the first one wins, and what is
// left out of the others is told. Nothing can take a name of the exporter's own.
//
// A file is parsed when it changed and its text is made once, so that a scrape
// usually costs a listing and a stat for each file.
type textfileCollector struct {
	sources     []*textfileSource
	reserved    func(name string) bool
	patience    time.Duration // with one source, such as a directory on a dead server
	mtime       *metric.Family
	scrapeError *metric.Family

	files    []*textfileFile // what the families were made of
	listed   []*textfileFile // the files of this run; kept for its memory
	merger   merge.Merger
	families []*merge.Family
}

func newTextfile(env *collect.Env, o textfileOptions) (*textfileCollector, error) {
	m := env.Metrics
	m.Open() // to families that only the files know
	c := &textfileCollector{
		reserved:    env.Reserved,
		patience:    collect.DefaultTimeout / 2,
		mtime:       m.Gauge("node_textfile_mtime_seconds", "When a textfile was last written, as a Unix time; only of files that could be read and parsed.", "file"),
		scrapeError: m.Gauge("node_textfile_scrape_error", "Whether a textfile or a directory could not be read, or something in one was left out."),
	}
	for _, pattern := range o.Directories.All() {
		if pattern != "" {
			c.sources = append(c.sources, newTextfileSource(env.Host, pattern))
		}
	}
	return c, nil
}

func (c *textfileCollector) Update(ctx context.Context, out *metric.Sink) error {
	failed := false
	skip := func(errs ...error) {
		for _, err := range errs {
			failed = true
			out.Skip(err)
		}
	}
	c.list(ctx, skip)
	if !slices.Equal(c.files, c.listed) {
		c.files = slices.Clone(c.listed)
		c.families = c.merger.Merge(sourcesOf(c.files))
	}
	for _, f := range c.files {
		skip(f.errs...)
		if !f.refused {
			out.Emit(c.mtime, float64(f.stamp.mtime.Sec), f.path)
		}
	}
	for _, f := range c.families {
		skip(f.Errs...)
		switch {
		case f.Served == nil:
		case slices.ContainsFunc(f.Names, c.reserved):
			skip(fmt.Errorf("%s: %s is a name of the exporter's own: left out", f.Sources(), f.Name))
		default:
			out.EmitForeign(f.Served)
		}
	}
	out.Bool(c.scrapeError, failed)
	return nil
}

// list has all sources look for files, side by side, and keeps those that
// answer in time.
func (c *textfileCollector) list(ctx context.Context, skip func(...error)) {
	clear(c.listed)
	c.listed = c.listed[:0]
	for _, s := range c.sources {
		s.begin()
	}
	var seen []string // directories, which patterns may have in common
	for _, s := range c.sources {
		dirs, err := s.wait(ctx, c.patience)
		if err != nil {
			skip(err)
			continue
		}
		for _, d := range dirs {
			if slices.Contains(seen, d.path) {
				continue
			}
			seen = append(seen, d.path)
			if d.err != nil {
				skip(d.err)
			}
			c.listed = append(c.listed, d.files...)
		}
	}
}

// sourcesOf returns what files have to serve.
func sourcesOf(files []*textfileFile) []*merge.Source {
	sources := make([]*merge.Source, len(files))
	for i, f := range files {
		sources[i] = &f.source
	}
	return sources
}
