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

// variants are the ways in which an input can be broken. One without a change
// is that the file is gone.
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
	{"deleted", true, nil},
}

// maxBroken bounds how many files of a large case are broken; beyond it one
// file stands for all of its name.
const maxBroken = 40

// breakInputs reads the host once more for every variant of every input.
func (r *recorded) breakInputs(t testing.TB, spec collect.Spec, whole string) {
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
			if remove(t, file); v.change != nil {
				r.rewrite(t, file, v.change(bytes.Clone(e.Data)), e)
			}
			r.judge(t, spec, e.Path, v.name, v.silent, whole)
		}
		remove(t, file)
		if err := os.Mkdir(file, 0o755); err != nil {
			t.Fatal(err)
		}
		r.judge(t, spec, e.Path, "a folder", false, whole)
		remove(t, file)
		r.rewrite(t, file, e.Data, e)
		real := file
		if dir, err := filepath.EvalSymlinks(filepath.Dir(file)); err == nil {
			real = filepath.Join(dir, filepath.Base(file))
		}
		r.faults.Set(real, unix.EIO)
		r.judge(t, spec, e.Path, "an input/output error", false, whole)
		r.faults.Set(real, nil)
	}
}

func remove(t testing.TB, file string) {
	t.Helper()
	if err := os.RemoveAll(file); err != nil {
		t.Fatal(err)
	}
}

func (r *recorded) rewrite(t testing.TB, file string, content []byte, e Entry) {
	t.Helper()
	if err := r.write(file, content, e); err != nil {
		t.Fatal(err)
	}
}

// judge reads a broken host. What is broken must be told with its path, unless
// nothing but a label depends on it: then the number of samples is the same.
func (r *recorded) judge(t testing.TB, spec collect.Spec, file, variant string, silent bool, whole string) {
	t.Helper()
	u := r.unit(t, spec)
	text := r.read(t, u)
	what := fmt.Sprintf("/%s %s", file, variant)
	status := u.Status()
	// What is wrong with the recorded host is told with and without the variant.
	known := complaints(whole)
	fresh := slices.DeleteFunc(complaints(text), func(c string) bool { return slices.Contains(known, c) })
	switch {
	case status.State == collect.Panic:
		t.Errorf("%s: %v", what, status.Err)
	case status.State == collect.Timeout && !strings.Contains(whole, "# state: timeout"):
		t.Errorf("%s: it takes longer than %v", what, u.Timeout)
	case status.State == collect.NoData:
	case len(fresh) > 0:
		// Other numbers may be in order where they are and lead to another file,
		// or make two devices one.
		if all := strings.Join(fresh, ""); !strings.Contains(all, path.Base(file)) && !(silent && (strings.Contains(all, "/") || strings.Contains(all, "a second "))) {
			t.Errorf("%s: the error does not name the file: %v", what, status.Err)
		}
	case silent || text == whole:
	case variant == "garbage" && strings.Contains(text, "garbage"): // in a label
	case samples(text) != samples(whole):
		t.Errorf("%s: passed over in silence:\n%s", what, diff(whole, text))
	case variant == "garbage":
		t.Errorf("%s: taken for something else:\n%s", what, diff(whole, text))
	}
}

// complaints returns the errors in what read returned.
func complaints(text string) []string {
	_, line, told := strings.Cut(text, errorLead)
	if !told {
		return nil
	}
	return strings.Split(strings.TrimSuffix(line, "\n"), "; ")
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
