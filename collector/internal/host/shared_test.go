package host

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func dupFD(t *testing.T, f *os.File) int {
	t.Helper()
	fd, err := unix.Dup(int(f.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	return fd
}

// scrapeContext returns the context of a run in a scrape that began at a time.
func scrapeContext(since time.Time) context.Context {
	return context.WithValue(context.Background(), SinceKey{}, &since)
}

// TestSharedFile reads a file that changes between readings.
func TestSharedFile(t *testing.T) {
	dir := t.TempDir()
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, "stat"), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	tree := NewTree(dir)
	f := tree.Shared("stat")
	if tree.Shared("stat") != f || tree.Shared("other") == f || NewTree(dir).Shared("stat") == f {
		t.Error("want one file for a path of a tree")
	}
	read := func(ctx context.Context) (text string) {
		t.Helper()
		if err := f.Read(ctx, func(b []byte) error { text = string(b); return nil }); err != nil {
			t.Error(err)
		}
		return text
	}
	check := func(when string, ctx context.Context, want string) {
		t.Helper()
		if have := read(ctx); have != want {
			t.Errorf("%s: have %q, want %q", when, have, want)
		}
	}
	first := scrapeContext(time.Now())
	write("one")
	check("first scrape", first, "one")
	write("two")
	check("same scrape", first, "one")
	check("next scrape", scrapeContext(time.Now()), "two")
	write("three")
	check("no scrape", context.Background(), "three")

	// A user that takes long, in an abandoned run, keeps its content.
	err := f.Read(context.Background(), func(b []byte) error {
		write("four")
		check("next scrape", scrapeContext(time.Now()), "four")
		if string(b) != "three" {
			t.Errorf("content in use became %q", b)
		}
		return Bad(2, "a number", b)
	})
	if want := dir + "/stat:2: want a number, have \"three\""; err == nil || err.Error() != want {
		t.Errorf("have %v, want %s", err, want)
	}
	if err := os.Remove(filepath.Join(dir, "stat")); err != nil {
		t.Fatal(err)
	}
	if err := f.Read(first, func([]byte) error { return nil }); err != nil {
		t.Errorf("content of the scrape: %v", err)
	}
	if err := f.Read(context.Background(), func([]byte) error { return nil }); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("have %v, want that the file does not exist", err)
	}
}

// TestSharedDump counts the requests that reach the kernel.
func TestSharedDump(t *testing.T) {
	requests := 0
	s := &sharedDump{request: func(_ NetlinkRequest, each func([]byte) error) error {
		requests++
		for _, m := range []string{"one", "", "three"} {
			if err := each([]byte(m)); err != nil {
				return err
			}
		}
		return ErrDumpInterrupted
	}}
	stop := errors.New("stop")
	for _, c := range []struct {
		when  string
		req   NetlinkRequest
		stop  bool
		total int
	}{
		{"first scrape", NetlinkRequest{Type: 1, Body: []byte("a"), Since: time.Now()}, false, 1},
		{"same scrape", NetlinkRequest{Type: 1, Body: []byte("a"), Since: time.Now().Add(-time.Hour)}, false, 1},
		{"another body", NetlinkRequest{Type: 1, Body: []byte("b"), Since: time.Now().Add(-time.Hour)}, false, 2},
		{"another type", NetlinkRequest{Type: 2, Body: []byte("b"), Since: time.Now().Add(-time.Hour)}, true, 3},
		{"next scrape", NetlinkRequest{Type: 2, Body: []byte("b"), Since: time.Now().Add(time.Hour)}, false, 4},
	} {
		var have string
		err := s.dump(c.req, func(b []byte) error {
			have += string(b) + "."
			if c.stop {
				return stop
			}
			return nil
		})
		want, wantErr := "one..three.", ErrDumpInterrupted
		if c.stop {
			want, wantErr = "one.", stop
		}
		if have != want || !errors.Is(err, wantErr) || requests != c.total {
			t.Errorf("%s: %q, %v, %d requests, want %q, %v, %d", c.when, have, err, requests, want, wantErr, c.total)
		}
	}
}
