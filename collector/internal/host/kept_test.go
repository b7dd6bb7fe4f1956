package host

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

// openProcFiles returns the targets of the open files of the process that are below
// /proc.
func openProcFiles(t *testing.T) (targets []string) {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if target, err := os.Readlink("/proc/self/fd/" + e.Name()); err == nil && strings.HasPrefix(target, "/proc/") && !strings.HasSuffix(target, "/fd") {
			targets = append(targets, target)
		}
	}
	return targets
}

// TestKeepOpen reads a file of the live procfs more often than it is kept.
func TestKeepOpen(t *testing.T) {
	const file = "/proc/uptime"
	r := NewTree("/proc").Reader().KeepOpen().WholeReads()
	last := ""
	for range 2*maxKeptReads + 3 {
		b, err := r.Read("uptime")
		if err != nil || bytes.Count(b, []byte(" ")) != 1 {
			t.Fatalf("%q, %v", b, err)
		}
		last = string(b)
	}
	if have := openProcFiles(t); len(have) != 1 || have[0] != file {
		t.Errorf("open files %v, want %s", have, file)
	}
	for deadline := time.Now().Add(10 * time.Second); ; {
		b, err := r.Read("uptime")
		if err != nil {
			t.Fatal(err)
		}
		if string(b) != last {
			break // it is read anew each time
		}
		if time.Now().After(deadline) {
			t.Fatal("a kept file has the same content for ever")
		}
	}
	runtime.KeepAlive(r)
	r = nil
	for deadline := time.Now().Add(10 * time.Second); len(openProcFiles(t)) > 0; runtime.GC() {
		if time.Now().After(deadline) {
			t.Fatal("a reader that is gone leaves its files open")
		}
	}
}

// TestKeptFileThatFails replaces the descriptor of a kept file by one whose reads
// fail, as those of an unloaded module do.
func TestKeptFileThatFails(t *testing.T) {
	for name, read := range map[string]func(*Reader) (string, error){
		"read": func(r *Reader) (string, error) {
			b, err := r.Read("uptime")
			return string(b), err
		},
		"lines": func(r *Reader) (text string, err error) {
			err = r.Lines(func(line []byte) error {
				text += string(line)
				return nil
			}, "uptime")
			return text, err
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := NewTree("/proc").Reader().KeepOpen()
			if _, err := read(r); err != nil {
				t.Fatal(err)
			}
			dir, err := os.Open(t.TempDir())
			if err != nil {
				t.Fatal(err)
			}
			defer dir.Close()
			closeFD(r.kept.files[0].fd)
			r.kept.files[0].fd = dupFD(t, dir)
			for range 2 {
				if text, err := read(r); err != nil || text == "" {
					t.Errorf("%q, %v", text, err)
				}
			}
		})
	}
}

// TestOtherFilesAreNotKept replaces a file of a copied tree.
func TestOtherFilesAreNotKept(t *testing.T) {
	dir := t.TempDir()
	r := NewTree(dir).Reader().KeepOpen().WholeReads()
	for i := range 3 {
		next := filepath.Join(dir, "next")
		want := fmt.Sprintf("content %d\n", i)
		if err := os.WriteFile(next, []byte(want), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(next, filepath.Join(dir, "file")); err != nil {
			t.Fatal(err)
		}
		if have, err := r.Read("file"); string(have) != want || err != nil {
			t.Errorf("%q, %v, want %q", have, err, want)
		}
	}
	if len(r.kept.files) != 0 {
		t.Error("a file that is not of procfs is kept open")
	}
}

// TestWholeReads compares readers of one file whose size is around that of the
// buffer.
func TestWholeReads(t *testing.T) {
	dir := t.TempDir()
	for _, size := range []int{0, 1, pageSize - 1, pageSize, pageSize + 1, 2*pageSize - 1, 2 * pageSize, 3*pageSize + 5} {
		want := bytes.Repeat([]byte("x"), size)
		if err := os.WriteFile(filepath.Join(dir, "file"), want, 0o600); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if have, err := NewTree(dir).Reader().WholeReads().Read("file"); !bytes.Equal(have, want) || err != nil {
				t.Errorf("%d bytes: have %d, %v", size, len(have), err)
			}
		}
	}
}

// TestRecords reads files of lines up to and above a page.
func TestRecords(t *testing.T) {
	dir := t.TempDir()
	for _, lines := range []int{0, 1, 60, 61, 62, 63, 64, 65, 66, 200, 5000} {
		text := strings.Repeat(strings.Repeat("x", 63)+"\n", lines)
		if err := os.WriteFile(filepath.Join(dir, "file"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		have := 0
		err := NewTree(dir).Reader().Records(64).Lines(func([]byte) error { have++; return nil }, "file")
		if have != lines || err != nil {
			t.Errorf("have %d lines, want %d, %v", have, lines, err)
		}
	}
}
