package checks

import (
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/hostexporter/host_exporter/collector/checks/internal/merge"
	"github.com/hostexporter/host_exporter/collector/internal/capability"
	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
)

// The data sheet lists no files: the option has them.
var textfile = collect.Spec{
	Name:  "textfile",
	Help:  "Metrics in *.prom files that jobs write.",
	Caps:  []capability.Capability{capability.DACReadSearch},
	Build: collect.With(textfileOptions{MaxBytes: 2 << 20}, newTextfile),
}

type textfileOptions struct {
	Directories collect.Strings
	MaxAge      collect.Duration
	MaxBytes    collect.Int
}

func (o *textfileOptions) Fields() []collect.Field {
	return []collect.Field{{
		Name:        "directory",
		Help:        "Directory of *.prom files to export, or a pattern of directories or *.prom files, such as /srv/*/metrics; repeatable.",
		Value:       &o.Directories,
		Placeholder: "PATH",
		IsPath:      true,
	}, {
		Name:  "max-age",
		Help:  "Maximum age of a file to export it; 0 is any age.",
		Value: &o.MaxAge,
	}, {
		Name:        "max-bytes",
		Help:        "Maximum size of a file in bytes. All files together may take a quarter of --runtime.memory-limit.",
		Value:       &o.MaxBytes,
		Placeholder: "BYTES",
	}}
}

// textfileCollector exports the families of files in the text format, which jobs
// write:
//
//	# TYPE backup_last_success_timestamp_seconds gauge
//	backup_last_success_timestamp_seconds{volume="home"} 1.767e+09
//
// See https://prometheus.io/docs/instrumenting/exposition_formats/.
//
// Files are in the order of the configured directories, then of their names. A family
// may be in several files. Its help text is the first one, and a file without a type
// takes over the gauge or counter of another file. Where files conflict, the first one
// takes precedence. No file may have a family of the exporter.
//
// A file that is too old exports only its modification time. What is refused, too old
// or dropped is an error and a metric of the file.
//
// A file is parsed and rendered when it changes, so that a scrape usually costs one
// listing of each directory and one stat of each file.
//
// Others may write to these files and directories. What they write takes a part of the
// memory, and none of other users' part; what hangs costs itself only; a link leads to
// nothing that its owner may not read (package trust), and no error has text of a file.
type textfileCollector struct {
	filesystem   host.Tree
	patterns     []string // of directories and files, or their names
	reserved     func(name string) bool
	maxAge       time.Duration // 0: any
	maxFileBytes int64
	memoryLimit  func() int64 // of the process; nil: 128 MiB
	now          func() time.Time
	scrapeTime   time.Time // start of this run
	mayOverlap   bool      // patterns may match the same files

	expansions textfileTasks[[]string]         // by pattern
	listings   textfileTasks[textfileDir]      // by directory
	reads      textfileTasks[*textfileContent] // by file
	cache      map[string]*textfileFile        // of the last run, by path

	mtime       *metric.Family
	scrapeError *metric.Family
	stale       *metric.Family
	refused     *metric.Family
	conflicts   *metric.Family
	dropped     *metric.Family

	files       []*textfileFile // of this run
	current     []*textfileFile // those that are not stale; reused
	mergedFiles []*textfileFile // the source of families
	merger      merge.Merger
	families    []*merge.Family
	drops       map[*merge.Source]textfileDrops // of this run
}

func newTextfile(env *collect.Env, o textfileOptions) (*textfileCollector, error) {
	m := env.Metrics
	if o.MaxBytes < 1 {
		return nil, fmt.Errorf("max-bytes: want a number of bytes above 0, have %d", int(o.MaxBytes))
	}
	m.AllowDynamic() // the files define families
	calls := env.Host.Calls.Source()
	c := &textfileCollector{
		filesystem:   env.Host.Files,
		reserved:     env.Reserved,
		maxAge:       time.Duration(o.MaxAge),
		maxFileBytes: int64(o.MaxBytes),
		memoryLimit:  env.Host.MemoryLimit,
		expansions:   newTextfileTasks[[]string](calls, 16, collect.DefaultTimeout/4),
		listings:     newTextfileTasks[textfileDir](calls, 16, collect.DefaultTimeout/4),
		reads:        newTextfileTasks[*textfileContent](calls, 4, collect.DefaultTimeout/5),
		cache:        map[string]*textfileFile{},
		now:          env.Host.Now,
		drops:        map[*merge.Source]textfileDrops{},
		mtime:        m.Gauge("node_textfile_mtime_seconds", "Modification time of a textfile that could be read and parsed, as a Unix time.", "file"),
		scrapeError:  m.Gauge("node_textfile_scrape_error", "Whether a textfile or directory could not be read, or some of it was dropped."),
		stale:        m.Gauge("host_exporter_textfile_stale", "Whether a textfile is older than --collector.textfile.max-age and dropped; absent without that flag.", "file"),
		refused:      m.Gauge("host_exporter_textfile_refused", "Whether a textfile is refused as a whole, by reason; absent for other files.", "file", "reason"),
		conflicts:    m.Gauge("host_exporter_textfile_conflicts", "Families of a textfile that conflict with others in type, help text or series; absent if none.", "file"),
		dropped:      m.Gauge("host_exporter_textfile_dropped_series", "Series dropped of a textfile, by reason: conflict, reserved, invalid or stale.", "file", "reason"),
	}
	for _, pattern := range o.Directories.All() {
		if pattern != "" {
			c.patterns = append(c.patterns, pattern)
			c.mayOverlap = c.mayOverlap || strings.HasSuffix(path.Clean(pattern), ".prom")
		}
	}
	return c, nil
}

func (c *textfileCollector) Update(ctx context.Context, out *metric.Sink) error {
	failed := false
	report := func(errs ...error) {
		for _, err := range errs {
			failed = true
			out.Error(shortened(err))
		}
	}
	c.scrapeTime = c.now()
	c.files = c.readFiles(ctx, c.list(ctx, report))
	clear(c.cache)
	for _, f := range c.files {
		c.cache[f.path] = f
	}
	c.current = append(c.current[:0], c.files...)
	c.current = slices.DeleteFunc(c.current, c.isStale)
	if !slices.Equal(c.mergedFiles, c.current) {
		c.mergedFiles = slices.Clone(c.current)
		c.families = c.merger.Merge(sourcesOf(c.mergedFiles))
	}
	for _, f := range c.files {
		report(f.errs...)
		if c.isStale(f) {
			report(fmt.Errorf("%s: last written %s, more than %v ago: dropped", f.path, f.modTime().UTC().Format(time.RFC3339), c.maxAge))
		}
	}
	clear(c.drops)
	for _, f := range c.families {
		report(f.Errs...)
		reserved := slices.ContainsFunc(f.Names, c.reserved)
		c.countDrops(f, reserved)
		switch {
		case f.External == nil:
		case reserved:
			report(fmt.Errorf("%s: %s is a reserved name: dropped", f.Sources(), f.Name))
		default:
			out.EmitExternal(f.External)
		}
	}
	for _, f := range c.files {
		c.emitFile(out, f)
	}
	out.Bool(c.scrapeError, failed)
	return nil
}

// maxErrorBytes is the maximum length of an error: it may have a name of a file.
const maxErrorBytes = 4096

// shortened returns an error whose text is not too long for the log.
func shortened(err error) error {
	if text := err.Error(); len(text) > maxErrorBytes {
		return errors.New(strings.ToValidUTF8(text[:maxErrorBytes], "") + "...")
	}
	return err
}

// sourcesOf returns the merge sources of files.
func sourcesOf(files []*textfileFile) []*merge.Source {
	sources := make([]*merge.Source, len(files))
	for i, f := range files {
		sources[i] = &f.source
	}
	return sources
}
