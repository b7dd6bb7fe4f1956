package golden

import (
	"bytes"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/hostexporter/host_exporter/collector/internal/collect"
)

const garbage = "\x01\x02 garbage {\"\xff\n"

var number = regexp.MustCompile(`[0-9]+`)

// variants are the ways in which an input can be broken. A nil content means
// that the file is gone.
var variants = []struct {
	name   string
	silent bool // whether it may be passed over: an empty file can mean "none"
	change func([]byte) []byte
}{
	{"emptied", true, func([]byte) []byte { return []byte{} }},
	{"cut in half", true, func(b []byte) []byte { return b[:len(b)/2] }},
	{"garbage", false, func([]byte) []byte { return []byte(garbage) }},
	{"overlong numbers", true, func(b []byte) []byte { return number.ReplaceAll(b, bytes.Repeat([]byte("9"), 40)) }},
	{"negative numbers", true, func(b []byte) []byte { return number.ReplaceAll(b, []byte("-$0")) }},
	{"deleted", true, func([]byte) []byte { return nil }},
}

// maxBroken bounds how many files of a large case are broken; beyond it one
// file stands for all of its name.
const maxBroken = 40

// breakInputs reads the host once more for every variant of every input.
func (r *recorded) breakInputs(t *testing.T, spec collect.Spec, whole string) {
	seen := map[string]bool{}
	files := 0
	for _, e := range r.archive.Entries {
		if e.Kind == File {
			files++
		}
	}
	for _, e := range r.archive.Entries {
		if e.Kind != File || strings.HasPrefix(e.Path, "syscall/") || files > maxBroken && seen[path.Base(e.Path)] {
			continue
		}
		seen[path.Base(e.Path)] = true
		file := filepath.Join(r.root, e.Path)
		for _, v := range variants {
			replace(t, file, v.change(bytes.Clone(e.Data)), e.Mode)
			r.judge(t, spec, e.Path, v.name, v.silent, whole)
		}
		replace(t, file, nil, 0)
		if err := os.Mkdir(file, 0o755); err != nil {
			t.Fatal(err)
		}
		r.judge(t, spec, e.Path, "a folder", false, whole)
		replace(t, file, e.Data, e.Mode)
		real := file
		if dir, err := filepath.EvalSymlinks(filepath.Dir(file)); err == nil {
			real = filepath.Join(dir, filepath.Base(file))
		}
		r.faults[real] = unix.EIO
		r.judge(t, spec, e.Path, "an input/output error", false, whole)
		delete(r.faults, real)
	}
}

func replace(t *testing.T, file string, content []byte, mode os.FileMode) {
	t.Helper()
	if err := os.RemoveAll(file); err != nil {
		t.Fatal(err)
	}
	if content == nil {
		return
	}
	if err := os.WriteFile(file, content, mode); err != nil {
		t.Fatal(err)
	}
}

// judge reads a broken host. What is broken must be told with its path, unless
// nothing but a label depends on it: then the number of samples is the same.
// What the whole host is in trouble with does not count as told.
func (r *recorded) judge(t *testing.T, spec collect.Spec, file, variant string, silent bool, whole string) {
	t.Helper()
	u := r.unit(t, spec)
	text := r.read(t, u)
	what := fmt.Sprintf("/%s %s", file, variant)
	status := u.Status()
	switch {
	case status.Reason == collect.Panic:
		t.Errorf("%s: %v", what, status.Err)
	case status.Reason == collect.NoData:
	case told(text, whole) != "":
		if err := told(text, whole); !strings.Contains(err, path.Base(file)) {
			t.Errorf("%s: the error does not name the file: %s", what, err)
		}
	case silent || text == whole:
	case variant == "garbage" && strings.Contains(text, "garbage"): // in a label
	case samples(text) != samples(whole):
		t.Errorf("%s: passed over in silence:\n%s", what, diff(whole, text))
	case variant == "garbage":
		t.Errorf("%s: taken for something else:\n%s", what, diff(whole, text))
	}
}

// told returns the errors of a reading that those of the whole host are not
// among.
func told(text, whole string) string {
	known := strings.Split(errorLine(whole), "; ")
	return strings.Join(slices.DeleteFunc(strings.Split(errorLine(text), "; "), func(e string) bool {
		return slices.Contains(known, e)
	}), "; ")
}

func errorLine(text string) string {
	_, line, _ := strings.Cut(text, "# error: ")
	return strings.TrimSuffix(line, "\n")
}

func samples(text string) int {
	n := 0
	for line := range strings.Lines(text) {
		if !strings.HasPrefix(line, "#") {
			n++
		}
	}
	return n
}
