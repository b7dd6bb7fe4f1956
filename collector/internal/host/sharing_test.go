package host

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestShare(t *testing.T) {
	root := t.TempDir()
	write := func(path, content string) {
		t.Helper()
		path = filepath.Join(root, path)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(content), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	opens := map[string]int{}
	tree := InjectFaults(NewTree(root).Attributes(), func(path string) error {
		opens[path[len(root):]]++
		return nil
	})
	write("class/a/speed", "1\n")
	write("class/b/speed", "2\n")
	write("class/b/deep/speed", "3\n")
	readers := [2]*Reader{}
	for i := range readers {
		readers[i] = tree.Reader().Share("class", "class/*/speed")
	}
	scrape := func(since time.Time, read func(r *Reader)) {
		clear(opens)
		for _, r := range readers {
			r.BeginRun(scrapeContext(since))
			read(r)
		}
	}
	want := func(what string, have, want any) {
		t.Helper()
		if have != want {
			t.Errorf("%s: have %v, want %v", what, have, want)
		}
	}
	all := func(r *Reader) {
		names, err := r.Names("class")
		if err != nil || !slices.Equal(names, []string{"a", "b"}) {
			t.Errorf("names %q, %v", names, err)
		}
		for i, name := range names {
			if v, err := r.Uint("class", name, "speed"); v != uint64(i+1) || err != nil {
				t.Errorf("%s: %d, %v", name, v, err)
			}
		}
		if v, err := r.Uint("class/b/deep/speed"); v != 3 || err != nil {
			t.Errorf("deep: %d, %v", v, err)
		}
		if _, err := r.Read("class/c/speed"); !errors.Is(err, unix.ENOENT) {
			t.Errorf("an absent file: %v", err)
		}
	}
	scrape(time.Now(), all)
	for path, n := range map[string]int{"/class": 1, "/class/a/speed": 1, "/class/b/speed": 1, "/class/c/speed": 1, "/class/b/deep/speed": 2} {
		want(path, opens[path], n)
	}

	scrape(time.Time{}, all) // of no scrape
	want("outside of a scrape", opens["/class/a/speed"], 2)

	write("class/a/speed", "10\n")
	scrape(time.Now(), func(r *Reader) {
		v, err := r.Uint("class/a/speed")
		want("in the next scrape", v, uint64(10))
		want("error", err, nil)
	})
	write("class/a/speed", "x\n")
	scrape(time.Now(), func(r *Reader) {
		var m *Malformed
		if _, err := r.Uint("class/a/speed"); !errors.As(err, &m) || m.Path != filepath.Join(root, "class/a/speed") || m.Have != "x" {
			t.Errorf("a malformed number: %v", err)
		}
	})
	want("opens of a malformed number", opens["/class/a/speed"], 1)
	scrape(time.Now(), func(r *Reader) { _, _ = r.Read("class/b/speed") })
	want("contents of the last two scrapes", len(tree.shared.contents), 2)
}

// TestShareAtOnce is for the race detector.
func TestShareAtOnce(t *testing.T) {
	root := t.TempDir()
	if err := os.WriteFile(filepath.Join(root, "file"), []byte("content"), 0o644); err != nil {
		t.Fatal(err)
	}
	tree := NewTree(root)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			r := tree.Reader().Share("", "file")
			for range 100 {
				r.BeginRun(scrapeContext(time.Now()))
				if b, err := r.Read("file"); string(b) != "content" || err != nil {
					t.Errorf("%q, %v", b, err)
				}
				if names, err := r.Names(""); len(names) != 1 || err != nil {
					t.Errorf("%q, %v", names, err)
				}
			}
		})
	}
	wg.Wait()
}

func TestShareDoesNotAllocate(t *testing.T) {
	root := t.TempDir()
	if err := os.WriteFile(filepath.Join(root, "file"), []byte("content"), 0o644); err != nil {
		t.Fatal(err)
	}
	r := NewTree(root).Reader().Share("fi*")
	since := time.Now()
	ctx := context.WithValue(t.Context(), SinceKey{}, &since)
	var listing Listing
	if n := testing.AllocsPerRun(100, func() {
		since = time.Now()
		r.BeginRun(ctx)
		_, _ = r.Read("file")
		_, _ = r.List(&listing)
	}); n > 0 {
		t.Errorf("%v allocations, want none", n)
	}
}
