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
	"github.com/hostexporter/host_exporter/collector/internal/test/testfile"
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
	o := textfileOptions{MaxBytes: 2 << 20}
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
	if n := len(b.cache); n != 1 {
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
	if err := os.Truncate(filepath.Join(b.dir, "large.prom"), 2<<20+1); err != nil {
		t.Fatal(err)
	}
	b.want(t, "too large", "node_textfile_scrape_error 1\nsmall 1\n",
		"/large.prom: want at most 2097152 bytes (--collector.textfile.max-bytes), have 2097153\n")
}

// hang makes the task of a key hang until the returned function is called. Its timeout
// is over.
func hang[T any](tasks textfileTasks[T], key string, owner uint32) (release func()) {
	end := make(chan struct{})
	task := &textfileTask[T]{owner: owner}
	run, _ := task.flight.Go(func() (T, error) { <-end; return *new(T), nil })
	run.StartTime = run.StartTime.Add(-time.Minute)
	tasks.tasks[key] = task
	return func() {
		close(end)
		<-run.Done()
	}
}

// TestTextfileHungDirectory has a directory that hangs for a while, and another one.
func TestTextfileHungDirectory(t *testing.T) {
	b := newTextfileBench(t)
	b.write(t, "a.prom", "a 1\n")
	b.patterns = append([]string{"/hung", "/hung/*/x"}, b.patterns...)
	release, releasePattern := hang(b.listings, "/hung", 0), hang(b.expansions, "/hung/*/x", 0)
	for range 5 {
		b.want(t, "hung", "node_textfile_scrape_error 1\na 1\n", "/hung/*/x: no answer after 1.25s\n/hung: no answer after 1.25s\n")
	}
	release()
	releasePattern()
	b.want(t, "answers again", "node_textfile_scrape_error 1\na 1\n", "open /hung: no such file or directory\nopen /hung/*/x: no such file or directory\n")
}

// TestTextfileHungFile has a file that hangs, and still does after it was removed: it
// costs itself only.
func TestTextfileHungFile(t *testing.T) {
	b := newTextfileBench(t)
	b.write(t, "a.prom", "a 1\n")
	b.write(t, "b.prom", "b 1\n")
	hung := filepath.Join(b.dir, "a.prom")
	release := hang(b.reads, hung, 0)
	for range 2 {
		b.want(t, "hung", "node_textfile_scrape_error 1\nb 1\n", "/a.prom: no answer after 1s\n")
		if b.fileMetrics != "refused{file=\"/a.prom\",reason=\"timeout\"} 1\n" {
			t.Errorf("metrics of files\n%s", b.fileMetrics)
		}
	}
	if err := os.Remove(hung); err != nil {
		t.Fatal(err)
	}
	b.write(t, "c.prom", "c 1\n")
	b.want(t, "removed", "node_textfile_scrape_error 0\nb 1\nc 1\n", "")
	b.write(t, "a.prom", "a 2\n")
	b.want(t, "there again", "node_textfile_scrape_error 1\nb 1\nc 1\n", "/a.prom: no answer after 1s\n")
	release()
	b.want(t, "answers again", "node_textfile_scrape_error 0\na 2\nb 1\nc 1\n", "")
}

// TestTextfileManyHungFiles has a user whose files hang: no more of them are read, and
// those of others are.
func TestTextfileManyHungFiles(t *testing.T) {
	b := newTextfileBench(t)
	var release []func()
	for i := range 4 {
		release = append(release, hang(b.reads, fmt.Sprintf("/elsewhere/%d.prom", i), uint32(os.Getuid())))
	}
	b.write(t, "a.prom", "a 1\n")
	me := os.Getuid()
	b.want(t, "hung", "node_textfile_scrape_error 1\n", fmt.Sprintf("/a.prom: not read: others of user %d do not answer\n", me))
	if os.Getuid() == 0 {
		b.write(t, "b.prom", "b 1\n")
		if err := os.Chown(filepath.Join(b.dir, "b.prom"), 4711, 4711); err != nil {
			t.Fatal(err)
		}
		b.want(t, "of another user", "node_textfile_scrape_error 1\nb 1\n", "/a.prom: not read: others of user 0 do not answer\n")
		if err := os.Remove(filepath.Join(b.dir, "b.prom")); err != nil {
			t.Fatal(err)
		}
	}
	release[2]()
	b.want(t, "one answers", "node_textfile_scrape_error 0\na 1\n", "")
	for _, i := range []int{0, 1, 3} {
		release[i]()
	}
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
		testfile.Dir(t, filepath.Join(root, dir))
	}
	r := host.NewTree(root).Reader()
	for pattern, want := range map[string]string{
		"/srv/a/m":        "/srv/a/m",
		"/srv/*/m":        "/srv/.d/m /srv/[x]/m /srv/a/m /srv/b/m /srv/b10/m /srv/c/m",
		"/s*/a/m":         "/srv/a/m",
		"/srv/*/*":        "/srv/.d/m /srv/[x]/m /srv/a/m /srv/b/m /srv/b10/m",
		"/srv/b*/m":       "/srv/b/m /srv/b10/m",
		"/srv/[ab]/[k-n]": "/srv/a/m /srv/b/m",
		`/srv/\[x\]/m`:    "/srv/[x]/m",
		"srv/?/m":         "srv/a/m srv/b/m srv/c/m",
		"*/a/m":           "srv/a/m",
		"/srv/z*":         "/srv/z*",
		"/srv/?/none":     "/srv/a/none /srv/b/none /srv/c/none",
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

// TestTextfileWrittenWhileRead has stamps of a file that is written in place while it is
// read, and of one that is not.
func TestTextfileWrittenWhileRead(t *testing.T) {
	b := newTextfileBench(t)
	b.write(t, "a.prom", "a 1\n")
	before := statOf(t, b, "a.prom")
	if before.rewrittenSince(before) {
		t.Error("an unchanged file counts as rewritten")
	}
	b.write(t, "a.prom", "a 1\nb 2\n")
	if !statOf(t, b, "a.prom").rewrittenSince(before) {
		t.Error("a file of another size does not count as rewritten")
	}
	b.want(t, "complete", "node_textfile_scrape_error 0\na 1\nb 2\n", "")
}
