package checks

import (
	"context"
	"fmt"
	"path"
	"slices"
	"strings"
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

type textfileOptions struct {
	Directories collect.Strings
	MaxAge      collect.Duration
}

func (o *textfileOptions) Fields() []collect.Field {
	return []collect.Field{{
		Name:        "directory",
		Help:        "Directory whose *.prom files are served. It may be a pattern of directories such as /srv/*/metrics, or of files such as /srv/*/app-*.prom, and the option may be given more than once.",
		Value:       &o.Directories,
		Placeholder: "PATH",
	}, {
		Name:  "max-age",
		Help:  "Leave out files that were last written longer ago than this; 0 serves them however old they are.",
		Value: &o.MaxAge,
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
// A file that is too old is left out as if it were not there, but for its
// modification time. What is refused, too old or left out is told of each file.
//
// A file is parsed when it changed and its text is made once, so that a scrape
// usually costs a listing and a stat for each file.
type textfileCollector struct {
	sources     []*textfileSource
	reserved    func(name string) bool
	patience    time.Duration // with one source, such as a directory on a dead server
	maxAge      time.Duration // 0: none
	now         func() time.Time
	moment      time.Time // of this run
	overlap     bool      // files may be listed by more than one source
	mtime       *metric.Family
	scrapeError *metric.Family
	stale       *metric.Family
	refused     *metric.Family
	conflicts   *metric.Family
	dropped     *metric.Family

	files    []*textfileFile // of this run; kept for its memory, as is fresh
	fresh    []*textfileFile // those of them that are served
	merged   []*textfileFile // what the families were made of
	merger   merge.Merger
	families []*merge.Family
	losses   map[*merge.Source]textfileLoss // of this run
}

func newTextfile(env *collect.Env, o textfileOptions) (*textfileCollector, error) {
	m := env.Metrics
	m.AllowDynamic() // to families that only the files know
	c := &textfileCollector{
		reserved:    env.Reserved,
		patience:    collect.DefaultTimeout / 2,
		maxAge:      time.Duration(o.MaxAge),
		now:         env.Host.Now,
		losses:      map[*merge.Source]textfileLoss{},
		mtime:       m.Gauge("node_textfile_mtime_seconds", "When a textfile was last written, as a Unix time; only of files that could be read and parsed.", "file"),
		scrapeError: m.Gauge("node_textfile_scrape_error", "Whether a textfile or a directory could not be read, or something in one was left out."),
		stale:       m.Gauge("host_exporter_textfile_stale", "Whether a textfile is older than --collector.textfile.max-age, and left out; absent without that flag.", "file"),
		refused:     m.Gauge("host_exporter_textfile_refused", "A textfile of which nothing is served, as 1 for the reason: unreadable, not_a_file, too_large, half_written, syntax or timestamp.", "file", "reason"),
		conflicts:   m.Gauge("host_exporter_textfile_conflicts", "Families of a textfile that do not go together with what was read before: of another type, with another help text, or with the same series; absent when all do.", "file"),
		dropped:     m.Gauge("host_exporter_textfile_dropped_series", "Series of a textfile that are left out, by reason: conflict, reserved, invalid or stale; absent when there are none.", "file", "reason"),
	}
	for _, pattern := range o.Directories.All() {
		if pattern != "" {
			c.sources = append(c.sources, newTextfileSource(env.Host, pattern))
			c.overlap = c.overlap || strings.HasSuffix(path.Clean(pattern), ".prom")
		}
	}
	return c, nil
}

func (c *textfileCollector) Update(ctx context.Context, out *metric.Sink) error {
	failed := false
	skip := func(errs ...error) {
		for _, err := range errs {
			failed = true
			out.Error(err)
		}
	}
	c.moment = c.now()
	c.list(ctx, skip)
	c.fresh = append(c.fresh[:0], c.files...)
	c.fresh = slices.DeleteFunc(c.fresh, c.isStale)
	if !slices.Equal(c.merged, c.fresh) {
		c.merged = slices.Clone(c.fresh)
		c.families = c.merger.Merge(sourcesOf(c.merged))
	}
	for _, f := range c.files {
		skip(f.errs...)
		if c.isStale(f) {
			skip(fmt.Errorf("%s: last written %s, more than %v ago: left out", f.path, f.written().UTC().Format(time.RFC3339), c.maxAge))
		}
	}
	clear(c.losses)
	for _, f := range c.families {
		skip(f.Errs...)
		taken := slices.ContainsFunc(f.Names, c.reserved)
		c.count(f, taken)
		switch {
		case f.Served == nil:
		case taken:
			skip(fmt.Errorf("%s: %s is a name of the exporter's own: left out", f.Sources(), f.Name))
		default:
			out.EmitExternal(f.Served)
		}
	}
	for _, f := range c.files {
		c.tell(out, f)
	}
	out.Bool(c.scrapeError, failed)
	return nil
}

// list has all sources look for files, side by side, and keeps those that
// answer in time.
func (c *textfileCollector) list(ctx context.Context, skip func(...error)) {
	clear(c.files)
	c.files = c.files[:0]
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
			if !d.single {
				if slices.Contains(seen, d.path) {
					continue
				}
				seen = append(seen, d.path)
			}
			if d.err != nil {
				skip(d.err)
			}
			c.files = append(c.files, d.files...)
		}
	}
	if c.overlap {
		c.files = uniqueFiles(c.files)
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
