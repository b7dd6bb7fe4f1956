package checks

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-kit/log"

	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
)

// A textfileBench is a collector on a directory of the test.
type textfileBench struct {
	*textfileCollector
	dir string
	now time.Time
	set *metric.Set
	out *metric.Sink

	fileMetrics string // metrics of files in the last run
}

func newTextfileBench(t testing.TB, reserved ...string) *textfileBench {
	b := &textfileBench{dir: t.TempDir(), now: time.Now().Add(time.Hour), set: metric.NewSet()}
	b.out = metric.NewSink(b.set)
	var o textfileOptions
	if err := o.Directories.Set(b.dir); err != nil {
		t.Fatal(err)
	}
	c, err := newTextfile(&collect.Env{
		Host:    &host.Host{Files: host.NewTree(""), Now: func() time.Time { return b.now }},
		Metrics: b.set,
		Log:     log.NewNopLogger(),
		Reserved: func(name string) bool {
			for _, r := range reserved {
				if r == name {
					return true
				}
			}
			return false
		},
	}, o)
	if err != nil {
		t.Fatal(err)
	}
	b.textfileCollector = c
	return b
}

func (b *textfileBench) write(t testing.TB, name, content string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(b.dir, name), []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

// read returns the text of one run, without comments and metrics of files, and its
// errors.
func (b *textfileBench) read(t testing.TB) (text, errs string) {
	t.Helper()
	b.fileMetrics = ""
	b.out.Reset(metric.Text)
	if err := b.Update(context.Background(), b.out); err != nil {
		t.Fatal(err)
	}
	var kept strings.Builder
	for line := range strings.Lines(string(b.out.AppendText(nil, nil, func(string) bool { return false }))) {
		line = strings.ReplaceAll(line, b.dir, "")
		switch rest, ok := strings.CutPrefix(line, "host_exporter_textfile_"); {
		case strings.HasPrefix(line, "#"), strings.HasPrefix(line, "node_textfile_mtime_seconds"):
		case ok:
			b.fileMetrics += rest
		default:
			kept.WriteString(line)
		}
	}
	all, _ := b.out.Errors()
	for _, err := range all {
		errs += strings.ReplaceAll(err.Error(), b.dir, "") + "\n"
	}
	return kept.String(), errs
}

func (b *textfileBench) want(t *testing.T, what, text, errs string) {
	t.Helper()
	haveText, haveErrs := b.read(t)
	if haveText != text {
		t.Errorf("%s: text\n%swant\n%s", what, haveText, text)
	}
	if haveErrs != errs {
		t.Errorf("%s: errors\n%swant\n%s", what, haveErrs, errs)
	}
}

func TestTextfileCache(t *testing.T) {
	b := newTextfileBench(t)
	b.write(t, "a.prom", "a 1\n")
	b.write(t, "b.prom", "b 1\n")
	good := "node_textfile_scrape_error 0\n"
	b.want(t, "first", good+"a 1\nb 1\n", "")
	a, bb, family := b.files[0], b.files[1], b.merger.Lookup("b")
	b.want(t, "unchanged", good+"a 1\nb 1\n", "")
	if b.files[0] != a || b.files[1] != bb {
		t.Error("want unchanged files from the cache")
	}

	// The same size, inode and modification time: only the change time differs.
	old := time.Unix(a.stamp.mtime.Unix())
	for a.stamp.ctime == statOf(t, b, "a.prom").ctime { // until the next tick
		b.write(t, "a.prom", "a 2\n")
		if err := os.Chtimes(filepath.Join(b.dir, "a.prom"), old, old); err != nil {
			t.Fatal(err)
		}
	}
	b.want(t, "rewritten in place", good+"a 2\nb 1\n", "")
	if b.files[0] == a || b.files[1] != bb {
		t.Error("want only the changed file parsed again")
	}
	if b.merger.Lookup("b") != family {
		t.Error("want an unchanged family rendered once")
	}

	b.write(t, "new", "a 3\n")
	if err := os.Rename(filepath.Join(b.dir, "new"), filepath.Join(b.dir, "a.prom")); err != nil {
		t.Fatal(err)
	}
	b.want(t, "replaced", good+"a 3\nb 1\n", "")

	b.write(t, "b.prom", "b {\n")
	bad := "node_textfile_scrape_error 1\n"
	text, errs := b.read(t)
	if text != bad+"a 3\n" || !strings.HasPrefix(errs, "/b.prom:1: ") {
		t.Errorf("bad file: %s%s", text, errs)
	}
	refused := b.files[1]
	b.want(t, "still bad", bad+"a 3\n", errs)
	if b.files[1] != refused {
		t.Error("want a refused file from the cache")
	}

	if err := os.Remove(filepath.Join(b.dir, "b.prom")); err != nil {
		t.Fatal(err)
	}
	b.want(t, "deleted", good+"a 3\n", "")
	if n := len(b.sources[0].cache); n != 1 {
		t.Errorf("%d files in the cache, want 1", n)
	}
}

func statOf(t *testing.T, b *textfileBench, name string) textfileStamp {
	t.Helper()
	st, err := host.NewTree(b.dir).Reader().Stat(name)
	if err != nil {
		t.Fatal(err)
	}
	return stampOf(st)
}

// TestTextfileJustWritten: a file that was just written is not cached, because it may
// change within a tick of the file system's clock, which stat(2) does not show.
func TestTextfileJustWritten(t *testing.T) {
	b := newTextfileBench(t)
	b.write(t, "a.prom", "a 1\n")
	stamp := statOf(t, b, "a.prom")
	written := stamp.changeTime()
	for _, c := range []struct {
		after  time.Duration
		parsed bool
	}{
		{0, true},
		{textfileSettleTime, true},
		{textfileSettleTime + 1, true}, // was parsed before it was cacheable
		{textfileSettleTime + time.Second, false},
		{time.Hour, false},
	} {
		var before *textfileFile
		if len(b.files) > 0 {
			before = b.files[0]
		}
		b.now = written.Add(c.after)
		b.read(t)
		if parsed := b.files[0] != before; parsed != c.parsed {
			t.Errorf("%v after it was written: parsed %v, want %v", c.after, parsed, c.parsed)
		}
	}
	ahead := newTextfileBench(t)
	ahead.write(t, "a.prom", "a 1\n")
	ahead.now = written.Add(-time.Hour)
	ahead.read(t)
	before := ahead.files[0]
	ahead.read(t)
	if ahead.files[0] == before {
		t.Error("want a file with a time in the future not cached")
	}
}

func TestTextfileReserved(t *testing.T) {
	b := newTextfileBench(t, "node_load1", "node_boots_count", "node_textfile_scrape_error")
	b.write(t, "a.prom", "node_load1 99\nnode_load2 1\nnode_textfile_scrape_error 0\n")
	b.write(t, "b.prom", "# TYPE node_boots summary\nnode_boots_count 1\nnode_boots_sum 2\n")
	b.write(t, "c.prom", "node_load1{x=\"y\"} 98\n")
	b.want(t, "reserved names", "node_textfile_scrape_error 1\nnode_load2 1\n",
		"/b.prom: node_boots is a reserved name: dropped\n"+
			"/a.prom, /c.prom: node_load1 is a reserved name: dropped\n"+
			"/a.prom: node_textfile_scrape_error is a reserved name: dropped\n")
	if want := "dropped_series{file=\"/a.prom\",reason=\"reserved\"} 2\ndropped_series{file=\"/b.prom\",reason=\"reserved\"} 1\n" +
		"dropped_series{file=\"/c.prom\",reason=\"reserved\"} 1\n"; b.fileMetrics != want {
		t.Errorf("metrics of files\n%swant\n%s", b.fileMetrics, want)
	}
}

func TestTextfileTooLarge(t *testing.T) {
	b := newTextfileBench(t)
	b.write(t, "large.prom", "large 1\n")
	b.write(t, "small.prom", "small 1\n")
	if err := os.Truncate(filepath.Join(b.dir, "large.prom"), maxTextfileBytes+1); err != nil {
		t.Fatal(err)
	}
	b.want(t, "too large", "node_textfile_scrape_error 1\nsmall 1\n",
		"/large.prom: want at most 16777216 bytes, have 16777217\n")
}

// TestTextfileHungDirectory has a directory that hangs for a while, and another one.
func TestTextfileHungDirectory(t *testing.T) {
	b := newTextfileBench(t)
	b.write(t, "a.prom", "a 1\n")
	hung := newTextfileSource(&host.Host{Files: host.NewTree(""), Now: time.Now}, "/hung")
	b.sources = append([]*textfileSource{hung}, b.sources...)
	release := make(chan struct{})
	run, _ := hung.flight.Go(func() ([]textfileDir, error) {
		<-release
		return nil, nil
	})
	run.StartTime = run.StartTime.Add(-time.Minute) // its timeout is over
	for range 5 {
		b.want(t, "hung", "node_textfile_scrape_error 1\na 1\n", "/hung: no answer after 2.5s\n")
		if hung.run != run {
			t.Error("want no second run while the first one hangs")
		}
	}
	close(release)
	<-run.Done()
	b.want(t, "answers again", "node_textfile_scrape_error 1\na 1\n", "open /hung: no such file or directory\n")
}

// TestTextfileManyErrors has more errors than a run reports.
func TestTextfileManyErrors(t *testing.T) {
	b := newTextfileBench(t)
	for i := range 30 {
		b.write(t, fmt.Sprintf("%02d.prom", i), "{\n")
	}
	b.write(t, "99.prom", "a 1\n")
	text, _ := b.read(t)
	if _, more := b.out.Errors(); more != 10 || text != "node_textfile_scrape_error 1\na 1\n" {
		t.Errorf("%d more errors:\n%s", more, text)
	}
}

func TestExpand(t *testing.T) {
	root := t.TempDir()
	for _, dir := range []string{"srv/a/m", "srv/b/m", "srv/b10/m", "srv/c", "srv/.d/m", "srv/[x]/m"} {
		if err := os.MkdirAll(filepath.Join(root, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	r := host.NewTree(root).Reader()
	for pattern, want := range map[string]string{
		"/srv/a/m":        "/srv/a/m",
		"/srv/*/m":        "/srv/.d/m /srv/[x]/m /srv/a/m /srv/b/m /srv/b10/m",
		"/srv/b*/m":       "/srv/b/m /srv/b10/m",
		"/srv/[ab]/[k-n]": "/srv/a/m /srv/b/m",
		`/srv/\[x\]/m`:    "/srv/[x]/m",
		"srv/?/m":         "srv/a/m srv/b/m",
		"*/a/m":           "srv/a/m",
		"/srv/z*":         "/srv/z*",
		"/srv/*/none":     "/srv/*/none",
		"/srv/[":          "/srv/[",
		"/none/*":         "/none/*",
	} {
		if got := strings.Join(expandPattern(r, pattern), " "); got != want {
			t.Errorf("%s: %s, want %s", pattern, got, want)
		}
	}
}

// TestTextfileMaxAge has a file that becomes stale, and is written again.
func TestTextfileMaxAge(t *testing.T) {
	b := newTextfileBench(t)
	b.maxAge = time.Hour
	b.write(t, "a.prom", "# TYPE a gauge\na 1\n")
	b.write(t, "b.prom", "# TYPE a counter\na{b=\"1\"} 1\n")
	written := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	touch := func(name string, at time.Time) {
		if err := os.Chtimes(filepath.Join(b.dir, name), at, at); err != nil {
			t.Fatal(err)
		}
	}
	touch("a.prom", written)
	touch("b.prom", written.Add(time.Minute))
	for _, tc := range []struct {
		after                   time.Duration
		text, errs, fileMetrics string
	}{
		{
			time.Hour, "node_textfile_scrape_error 1\na 1\n", "/b.prom: a is a counter, but a gauge in /a.prom: dropped\n",
			"stale{file=\"/a.prom\"} 0\nstale{file=\"/b.prom\"} 0\nconflicts{file=\"/b.prom\"} 1\ndropped_series{file=\"/b.prom\",reason=\"conflict\"} 1\n",
		},
		{ // a stale file does not conflict
			time.Hour + time.Second, "node_textfile_scrape_error 1\na{b=\"1\"} 1\n", "/a.prom: last written 2026-01-02T03:04:05Z, more than 1h0m0s ago: dropped\n",
			"stale{file=\"/a.prom\"} 1\nstale{file=\"/b.prom\"} 0\ndropped_series{file=\"/a.prom\",reason=\"stale\"} 1\n",
		},
	} {
		b.now = written.Add(tc.after)
		b.want(t, tc.after.String(), tc.text, tc.errs)
		if b.fileMetrics != tc.fileMetrics {
			t.Errorf("after %v metrics of files\n%swant\n%s", tc.after, b.fileMetrics, tc.fileMetrics)
		}
	}
	touch("a.prom", b.now)
	b.want(t, "written again", "node_textfile_scrape_error 1\na 1\n", "/b.prom: a is a counter, but a gauge in /a.prom: dropped\n")
	b.maxAge = 0
	b.now = written.Add(1000 * time.Hour)
	b.want(t, "of any age", "node_textfile_scrape_error 1\na 1\n", "/b.prom: a is a counter, but a gauge in /a.prom: dropped\n")
	if strings.Contains(b.fileMetrics, "stale") {
		t.Errorf("want no stale metric without a maximum age:\n%s", b.fileMetrics)
	}
}

// TestTextfileHelpConflict has files that differ in a help text only: all series are
// exported, without an error.
func TestTextfileHelpConflict(t *testing.T) {
	b := newTextfileBench(t)
	b.write(t, "a.prom", "# HELP a One.\na{f=\"a\"} 1\n")
	b.write(t, "b.prom", "# HELP a Two.\na{f=\"b\"} 1\n")
	b.write(t, "c.prom", "a{f=\"c\"} 1\n")
	b.want(t, "help texts", "node_textfile_scrape_error 0\na{f=\"a\"} 1\na{f=\"b\"} 1\na{f=\"c\"} 1\n", "")
	if want := "conflicts{file=\"/b.prom\"} 1\n"; b.fileMetrics != want {
		t.Errorf("metrics of files\n%swant\n%s", b.fileMetrics, want)
	}
}

// TestTextfileWrittenWhileRead has a file that is written in place, in two halves that
// end with a line.
func TestTextfileWrittenWhileRead(t *testing.T) {
	b := newTextfileBench(t)
	b.write(t, "a.prom", "a 1\n")
	name := filepath.Join(b.dir, "a.prom")
	s := b.sources[0]
	written := s.parse(name, statOf(t, b, "a.prom"), func(elem ...string) ([]byte, error) {
		text, err := os.ReadFile(elem[0])
		b.write(t, "a.prom", "a 1\nb 2\n")
		return text, err
	})
	if written.refusal != "half_written" || written.errs[0].Error() != name+": changed while it was read" {
		t.Errorf("refused %q, %v", written.refusal, written.errs)
	}
	replaced := s.parse(name, statOf(t, b, "a.prom"), func(elem ...string) ([]byte, error) {
		text, err := os.ReadFile(elem[0])
		b.write(t, "new", "a 3\nb 4\nc 5\n")
		if err := os.Rename(filepath.Join(b.dir, "new"), name); err != nil {
			t.Error(err)
		}
		return text, err
	})
	if replaced.refusal != "" || replaced.series() != 2 {
		t.Errorf("replaced: refused %q, %d series", replaced.refusal, replaced.series())
	}
	b.want(t, "complete", "node_textfile_scrape_error 0\na 3\nb 4\nc 5\n", "")
}
