package checks

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/hostexporter/host_exporter/collector/internal/metric"
)

const (
	alice = 4711
	bob   = 4712
)

func needRoot(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root")
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// TestTextfileQuotesNothing has lines that are not in the text format: no error has text
// of them.
func TestTextfileQuotesNothing(t *testing.T) {
	b := newTextfileBench(t)
	for i, text := range []string{"root:$y$j9T$hunter2:19000:0:99999:7:::\n", "PASSWORD=hunter2\n", "password hunter2\n", "hunter2", "a{hunter2\n", "# TYPE a hunter2\n", "a 1 hunter2\n", "a{b=\"hunter2\n"} {
		b.write(t, fmt.Sprintf("%d.prom", i), text)
	}
	text, errs := b.read(t)
	if strings.Contains(text+errs+b.fileMetrics, "hunter") || strings.Count(errs, "\n") != 8 || strings.Count(errs, ".prom:1: ") != 8 {
		t.Errorf("%s%s%s", text, errs, b.fileMetrics)
	}
}

// TestTextfileLinks has links of a user to what only root may read, which an exporter as
// root could, and what the user may have. One is valid as a text file.
func TestTextfileLinks(t *testing.T) {
	needRoot(t)
	b := newTextfileBench(t)
	other := t.TempDir()
	for name, text := range map[string]string{"shadow": "root:$y$j9T$hunter2:19000\n", "valid": "hunter 2\n", "alice": "own 1\n"} {
		must(t, os.WriteFile(filepath.Join(other, name), []byte(text), 0o600))
	}
	must(t, os.Lchown(filepath.Join(other, "alice"), alice, alice))
	for name, target := range map[string]string{"a": "shadow", "b": "valid", "c": "alice"} {
		link := filepath.Join(b.dir, name+".prom")
		must(t, os.Symlink(filepath.Join(other, target), link))
		must(t, os.Lchown(link, alice, alice))
	}
	must(t, os.Symlink("/proc/kmsg", filepath.Join(b.dir, "d.prom")))
	must(t, os.Lchown(filepath.Join(b.dir, "d.prom"), alice, alice))
	must(t, unix.Mkfifo(filepath.Join(b.dir, "e.prom"), 0o644))
	must(t, os.Symlink("/dev/zero", filepath.Join(b.dir, "f.prom")))
	text, errs := b.read(t)
	unsafe := "not followed: the symbolic link of user 4711 leads to what user 0 has\n"
	if want := "node_textfile_scrape_error 1\nown 1\n"; text != want {
		t.Errorf("text\n%swant\n%s", text, want)
	}
	if want := "/a.prom: " + unsafe + "/b.prom: " + unsafe + "/d.prom: " + unsafe + "/e.prom: want a regular file\n/f.prom: want a regular file\n"; errs != want {
		t.Errorf("errors\n%swant\n%s", errs, want)
	}

	// A folder of a user, with a file of root: as a hard link, or left by a job.
	must(t, os.Chmod(b.dir, 0o755))
	must(t, os.Lchown(b.dir, alice, alice))
	for _, name := range []string{"a", "b", "c", "d", "e", "f"} {
		must(t, os.Remove(filepath.Join(b.dir, name+".prom")))
	}
	must(t, os.WriteFile(filepath.Join(b.dir, "a.prom"), []byte("hunter 2\n"), 0o600))
	must(t, os.WriteFile(filepath.Join(b.dir, "b.prom"), []byte("b 1\n"), 0o644))
	b.want(t, "a folder of a user", "node_textfile_scrape_error 1\nb 1\n", "/a.prom: not followed: user 4711, who has the folder, may not read the file\n")
	if want := "refused{file=\"/a.prom\",reason=\"unsafe\"} 1\n"; b.fileMetrics != want {
		t.Errorf("metrics of files\n%swant\n%s", b.fileMetrics, want)
	}
}

// TestTextfileLinkChanges has a link whose target is written, and then replaced.
func TestTextfileLinkChanges(t *testing.T) {
	b := newTextfileBench(t)
	b.write(t, "one", "a 1\n")
	b.write(t, "two", "a 2\n")
	link := filepath.Join(b.dir, "a.prom")
	must(t, os.Symlink("one", link))
	good := "node_textfile_scrape_error 0\n"
	b.want(t, "first", good+"a 1\n", "")
	before := b.files[0]
	b.want(t, "unchanged", good+"a 1\n", "")
	if b.files[0] != before {
		t.Error("want an unchanged file from the cache")
	}
	b.write(t, "one", "a 10\n")
	b.want(t, "written", good+"a 10\n", "")
	must(t, os.Remove(link))
	must(t, os.Symlink("two", link))
	b.want(t, "another target", good+"a 2\n", "")
}

// lines returns n lines, each with its number.
func lines(n int, format string) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, format, i)
	}
	return b.String()
}

// TestTextfileBounds has files that would take the exporter's memory or time. Each is
// refused, or a family of it is, and the file next to it is exported.
func TestTextfileBounds(t *testing.T) {
	for name, c := range map[string]struct {
		text, errs, refused string
		maxBytes            int64
	}{
		"300,000 series":          {lines(300_000, "series_%d 1\n"), "/b.prom: all files together take more than 28 MiB of memory: dropped, as the largest file of the user with the most\n", "limit", 16 << 20},
		"large":                   {strings.Repeat("#", 16<<20), "/b.prom: want at most 2097152 bytes (--collector.textfile.max-bytes), have 16777216\n", "too_large", 2 << 20},
		"large, allowed":          {strings.Repeat("#", 16<<20), "/b.prom: all files together take more than 28 MiB of memory: dropped, as the largest file of the user with the most\n", "limit", 16 << 20},
		"5,000 labels":            {"a 1\nb{" + lines(5_000, "l%d=\"\",") + "} 1\n", "/b.prom:2: want at most 64 labels\n", "limit", 2 << 20},
		"20,000 labels":           {"b{" + lines(20_000, "l%d=\"\",") + "} 1\n", "/b.prom:1: want at most 64 labels\n", "limit", 2 << 20},
		"a label for each series": {lines(20_000, "b{l%d=\"\"} 1\n"), "/b.prom: b: more than 64 different labels: dropped\n", "", 2 << 20},
		"64 labels for all":       {lines(60, "b{l%d=\"\"} 1\n") + lines(20_000, "b{l=\"%d\"} 1\n"), "/b.prom: all files together take more than 28 MiB of memory: dropped, as the largest file of the user with the most\n", "limit", 2 << 20},
		"types without series":    {lines(100_000, "# TYPE a%d gauge\n"), "/b.prom: all files together take more than 28 MiB of memory: dropped, as the largest file of the user with the most\n", "limit", 2 << 20},
	} {
		t.Run(name, func(t *testing.T) {
			b := newTextfileBench(t)
			b.memoryLimit = func() int64 { return 115 << 20 } // nine tenths of 128 MiB
			b.maxFileBytes = c.maxBytes
			b.write(t, "a.prom", "a 1\n")
			b.write(t, "b.prom", c.text)
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			b.want(t, "bounded", "node_textfile_scrape_error 1\na 1\n", c.errs)
			runtime.ReadMemStats(&after)
			if have := (after.TotalAlloc - before.TotalAlloc) >> 20; have > 48 {
				t.Errorf("%d MiB allocated", have)
			}
			want := "dropped_series{file=\"/b.prom\",reason=\"invalid\"} 20000\n"
			if c.refused != "" {
				want = fmt.Sprintf("refused{file=\"/b.prom\",reason=%q} 1\n", c.refused)
			}
			if b.fileMetrics != want {
				t.Errorf("metrics of files\n%swant\n%s", b.fileMetrics, want)
			}
		})
	}
}

// TestTextfileBudget has many files that each fit, and not all together: those of the
// user with the most are dropped, the largest first, whatever the order of their names is.
func TestTextfileBudget(t *testing.T) {
	needRoot(t)
	b := newTextfileBench(t)
	b.memoryLimit = func() int64 { return 4 << 20 } // 1 MiB for families
	for i, n := range []int{100, 2000, 1500, 100} {
		name := fmt.Sprintf("0%d.prom", i)
		b.write(t, name, lines(n, fmt.Sprintf("alice_%d{i=\"%%d\"} 1\n", i)))
		must(t, os.Lchown(filepath.Join(b.dir, name), alice, alice))
	}
	b.write(t, "bob.prom", lines(1000, "bob{i=\"%d\"} 1\n"))
	must(t, os.Lchown(filepath.Join(b.dir, "bob.prom"), bob, bob))
	b.write(t, "root.prom", "of_root 1\n")
	for range 2 {
		text, _ := b.read(t)
		for series, want := range map[string]int{"alice_0{": 100, "alice_1{": 0, "alice_2{": 0, "alice_3{": 100, "bob{": 1000, "of_root ": 1} {
			if have := strings.Count("\n"+text, "\n"+series); have != want && !(series == "alice_2{" && have == 1500) {
				t.Errorf("%d series of %s, want %d", have, series, want)
			}
		}
		if !strings.Contains(b.fileMetrics, "refused{file=\"/01.prom\",reason=\"limit\"} 1\n") || strings.Contains(b.fileMetrics, "bob") || strings.Contains(b.fileMetrics, "root") {
			t.Errorf("metrics of files\n%s", b.fileMetrics)
		}
	}
	must(t, os.Remove(filepath.Join(b.dir, "01.prom")))
	must(t, os.Remove(filepath.Join(b.dir, "02.prom")))
	if text, errs := b.read(t); errs != "" || strings.Count(text, "\n") != 1+100+100+1000+1 {
		t.Errorf("after the largest are gone: %d lines, %s", strings.Count(text, "\n"), errs)
	}
}

func TestDropOver(t *testing.T) {
	type item struct {
		owner  uint32
		weight int64
	}
	for _, c := range []struct {
		limit int64
		items []item
		want  []int
	}{
		{10, nil, nil},
		{10, []item{{1, 5}, {2, 5}}, nil},
		{10, []item{{1, 11}}, []int{0}},
		{10, []item{{1, 4}, {1, 5}, {2, 3}}, []int{1}},            // 1 has 9
		{10, []item{{1, 3}, {2, 9}, {1, 3}, {1, 4}}, []int{3, 1}}, // 1 has 10, then 2 has 9
		{10, []item{{1, 5}, {1, 5}, {1, 5}}, []int{2}},            // the last of equal ones
		{10, []item{{0, 9}, {1, 1}, {2, 1}, {3, 2}}, []int{3, 1}}, // root last
		{10, []item{{0, 9}, {0, 8}, {1, 3}}, []int{2, 0}},
		{0, []item{{1, 1}, {2, 2}, {3, 0}}, []int{1, 0}},             // what weighs nothing stays
		{10, []item{{7, 6}, {7, 6}, {8, 6}, {8, 6}}, []int{1, 3, 0}}, // 12 and 12, then 6 and 12, then 6 and 6
	} {
		have := dropOver(c.limit, len(c.items), func(i int) (uint32, int64) { return c.items[i].owner, c.items[i].weight })
		if !slices.Equal(have, c.want) {
			t.Errorf("%v of at most %d: dropped %v, want %v", c.items, c.limit, have, c.want)
		}
	}
}

// TestTextfileMemory compares the memory that files are reckoned to take with what they
// do.
func TestTextfileMemory(t *testing.T) {
	if testing.Short() {
		t.Skip("slow")
	}
	histograms := func(n int) string {
		var b strings.Builder
		b.WriteString("# TYPE h histogram\n")
		for i := range n {
			for j := range 5 {
				fmt.Fprintf(&b, "h_bucket{x=\"%d\",le=\"%d\"} 1\n", i, j)
			}
			fmt.Fprintf(&b, "h_sum{x=\"%d\"} 1\nh_count{x=\"%d\"} 1\n", i, i)
		}
		return b.String()
	}
	var sparse strings.Builder
	for i := range 5000 {
		fmt.Fprintf(&sparse, "a{b%d=\"%d\"} 1\n", i%32, i)
	}
	for name, text := range map[string]string{
		"families":   lines(20_000, "a%d 1\n"),
		"series":     lines(20_000, "a{b=\"%d\"} 1\n"),
		"labels":     lines(10_000, "a{b=\"%d\",c=\"1\",d=\"2\",e=\"3\",f=\"4\",g=\"5\",h=\"6\",i=\"7\"} 1\n"),
		"long":       lines(10_000, "a{b=\"%0100d\"} 1\n"),
		"help texts": lines(10_000, "# HELP a%[1]d %0100[1]d\na%[1]d 1\n"),
		"histograms": histograms(2000),
		"sparse":     sparse.String(),
	} {
		b := newTextfileBench(t)
		b.memoryLimit = func() int64 { return maxMemoryLimit }
		b.write(t, "a.prom", text)
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		b.out.Reset(metric.Text)
		must(t, b.Update(context.Background(), b.out))
		runtime.GC()
		runtime.ReadMemStats(&after)
		have, reckoned := int64(after.HeapAlloc)-int64(before.HeapAlloc), b.files[0].memory
		if have > reckoned || have < reckoned/4 {
			t.Errorf("%s: %d KiB, reckoned as %d KiB", name, have>>10, reckoned>>10)
		}
		runtime.KeepAlive(b)
	}
}

// TestTextfileTasksInTime has more tasks than there is time for: those that are not
// reached have an error, and the rest results.
func TestTextfileTasksInTime(t *testing.T) {
	tasks := newTextfileTasks[int](nil, 100, time.Second)
	end := make(chan struct{})
	defer close(end)
	var late, done int
	var all []textfileTask[int]
	for i := range 50 {
		all = append(all, textfileTask[int]{
			key: fmt.Sprint(i),
			run: func() (int, error) {
				if i%2 == 0 {
					<-end
				}
				return i, nil
			},
			done: func(have int, err error) {
				switch {
				case err != nil:
					late++
				case have == i:
					done++
				}
			},
		})
	}
	start := time.Now()
	tasks.do(context.Background(), all)
	if took := time.Since(start); took > 5*time.Second || late < 25 || done+late != 50 || done == 0 {
		t.Errorf("%d late and %d done in %v", late, done, took)
	}
}

// TestTextfileHungMatch has a pattern of directories, one of which hangs: what follows
// the wildcard is looked for in each by itself.
func TestTextfileHungMatch(t *testing.T) {
	b := newTextfileBench(t)
	for _, team := range []string{"a", "b", "c"} {
		must(t, os.MkdirAll(filepath.Join(b.dir, team, "metrics"), 0o755))
		b.write(t, team+"/metrics/x.prom", team+" 1\n")
	}
	must(t, os.MkdirAll(filepath.Join(b.dir, "d"), 0o755))
	b.write(t, "file", "")
	b.patterns = []string{filepath.Join(b.dir, "*", "metrics")}
	b.want(t, "all", "node_textfile_scrape_error 0\na 1\nb 1\nc 1\n", "")
	release := hang(b.listings, filepath.Join(b.dir, "b", "metrics"), 0)
	b.want(t, "hung", "node_textfile_scrape_error 1\na 1\nc 1\n", "/b/metrics: no answer after 1.25s\n")
	release()
	b.want(t, "answers again", "node_textfile_scrape_error 0\na 1\nb 1\nc 1\n", "")
	b.patterns = []string{filepath.Join(b.dir, "*", "none")}
	b.want(t, "none", "node_textfile_scrape_error 1\n", "open /*/none: no such file or directory\n")
}

// TestTextfileLongNames has a family and a label of 100 KiB, which errors name.
func TestTextfileLongNames(t *testing.T) {
	long := strings.Repeat("x", 100<<10)
	b := newTextfileBench(t, long)
	b.write(t, "a.prom", long+" 1\n")
	b.write(t, "b.prom", "b{l=\""+long+"\"} 1\nb{l=\""+long+"\"} 2\n")
	text, errs := b.read(t)
	if len(errs) > 3*maxErrorBytes || strings.Count(errs, "\n") != 2 || strings.Count(text, "\n") != 2 {
		t.Errorf("%d bytes of errors, %d lines", len(errs), strings.Count(text, "\n"))
	}
}
