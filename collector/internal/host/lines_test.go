package host

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func TestLines(t *testing.T) {
	dir := t.TempDir()
	long := strings.Repeat("x", linesBuffer-1)
	for name, content := range map[string]string{
		"empty":            "",
		"one":              "a\n",
		"no newline":       "a\nb",
		"empty lines":      "\n\na\n\n",
		"many lines":       strings.Repeat("0123456789\n", linesBuffer/5),
		"longest line":     "a\n" + long + "\nb\n",
		"longest line end": "a\n" + long,
	} {
		if err := os.WriteFile(filepath.Join(dir, "file"), []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
		var have []string
		err := NewTree(dir).Reader().Lines(func(line []byte) error {
			have = append(have, string(line)+"\n")
			return nil
		}, "file")
		if want := strings.TrimSuffix(content, "\n"); err != nil || strings.TrimSuffix(strings.Join(have, ""), "\n") != want {
			t.Errorf("%s: %d lines, %v", name, len(have), err)
		}
	}
}

func TestLinesErrors(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "file"), []byte("a\nb\n"+strings.Repeat("x", linesBuffer+1)), 0o644); err != nil {
		t.Fatal(err)
	}
	r := NewTree(dir).Reader()
	ignore := func([]byte) error { return nil }
	if err := r.Lines(ignore, "none"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("an absent file: %v", err)
	}
	if err := r.Lines(ignore, "file"); !errors.Is(err, syscall.EFBIG) {
		t.Errorf("a line that is too long: %v", err)
	}
	stop, calls := errors.New("stop"), 0
	err := r.Lines(func([]byte) error { calls++; return stop }, "file")
	if err != stop || calls != 1 {
		t.Errorf("%v after %d lines, want to stop at the first", err, calls)
	}
}
