package golden

import (
	"bytes"
	"errors"
	"fmt"
	"hash/crc32"
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

// A variant is one way in which an input can be broken.
type variant struct {
	name          string
	errorOptional bool // an empty file can mean "none"
	apply         func(r *recordedHost, path string, e Entry) error
}

var variants = []variant{
	{"emptied", true, withContent(func([]byte) []byte { return nil })},
	{"cut in half", true, withContent(func(b []byte) []byte { return b[:len(b)/2] })},
	{"garbage", false, withContent(func([]byte) []byte { return []byte(garbage) })},
	{"overlong numbers", true, withContent(func(b []byte) []byte { return number.ReplaceAll(b, bytes.Repeat([]byte("9"), 40)) })},
	{"negative numbers", true, withContent(func(b []byte) []byte { return number.ReplaceAll(b, []byte("-$0")) })},
	{"deleted", true, func(_ *recordedHost, path string, _ Entry) error { return os.Remove(path) }},
	{"a folder", false, func(_ *recordedHost, path string, _ Entry) error {
		return errors.Join(os.Remove(path), os.Mkdir(path, 0o755))
	}},
	{"an input/output error", false, func(r *recordedHost, path string, _ Entry) error {
		r.faults.Set(path, unix.EIO)
		return nil
	}},
}

// withContent writes the changed content of the input.
func withContent(change func([]byte) []byte) func(*recordedHost, string, Entry) error {
	return func(r *recordedHost, path string, e Entry) error { return r.replace(path, change(e.Data), e) }
}

// A sample chooses variants by a name of case, input and variant.
type sample func(name string) bool

func everyVariant(string) bool { return true }

// oneInEight chooses the same variants at each run, of all kinds.
func oneInEight(name string) bool { return crc32.ChecksumIEEE([]byte(name))%8 == 0 }

// maxBroken is how many files a case may have of which each is broken. Of a
// larger case, one file stands for all of its name.
const maxBroken = 40

// inputs returns the files of a case that are broken in turn.
func inputs(a *Archive) []Entry {
	var files []Entry
	for _, e := range a.Entries {
		if e.Kind == File && !strings.HasPrefix(e.Path, "syscall/") {
			files = append(files, e)
		}
	}
	if len(files) <= maxBroken {
		return files
	}
	seen := map[string]bool{}
	return slices.DeleteFunc(files, func(e Entry) bool {
		base := path.Base(e.Path)
		defer func() { seen[base] = true }()
		return seen[base]
	})
}

// breakInputs reads the host once more for each chosen variant of each input.
// intact is what was read of the host as it is.
func (r *recordedHost) breakInputs(t testing.TB, spec collect.Spec, chosen sample, intact string) {
	for _, e := range inputs(r.archive) {
		file := filepath.Join(r.root, e.Path)
		for _, v := range variants {
			if !chosen(t.Name() + " " + e.Path + " " + v.name) {
				continue
			}
			if err := v.apply(r, file, e); err != nil {
				t.Fatal(err)
			}
			r.checkBroken(t, spec, e.Path, v, intact)
			r.faults.Set(file, nil)
			if err := r.replace(file, e.Data, e); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// replace writes a file, whatever was in its place.
func (r *recordedHost) replace(path string, data []byte, e Entry) error {
	if err := os.RemoveAll(path); err != nil {
		return err
	}
	return r.write(path, data, e)
}

// checkBroken reads a broken host. The collector has to report the broken file
// by its path. Of a content that it takes for a text, it is enough if nothing but
// a label depends on it: then the number of samples is that of the intact host.
func (r *recordedHost) checkBroken(t testing.TB, spec collect.Spec, file string, v variant, intact string) {
	t.Helper()
	u := r.unit(t, spec)
	text := r.read(t, u)
	what := fmt.Sprintf("/%s %s", file, v.name)
	status := u.Status()
	// The recorded host may have errors of its own.
	known := reportedErrors(intact)
	added := slices.DeleteFunc(reportedErrors(text), func(e string) bool { return slices.Contains(known, e) })
	for _, line := range negativeCounters(text) {
		if spec.Name == "textfile" {
			break // others wrote it
		}
		t.Errorf("%s: a counter is below zero: %s", what, line)
	}
	switch {
	case v.name == "an input/output error" && text != intact && (len(added) == 0 || status.State == collect.NoData):
		t.Errorf("%s: no error is reported, state %s:\n%s", what, status.State, diff(intact, text))
	case status.State == collect.Panic:
		t.Errorf("%s: %v", what, status.Err)
	case status.State == collect.Timeout && !strings.Contains(intact, "# state: timeout"):
		t.Errorf("%s: it takes longer than %v", what, u.Timeout)
	case status.State == collect.NoData:
	case len(added) > 0:
		// Other numbers may be in order where they are and lead to another file,
		// or make two devices one.
		if all := strings.Join(added, ""); !strings.Contains(all, path.Base(file)) && !(v.errorOptional && (strings.Contains(all, "/") || strings.Contains(all, "a second "))) {
			t.Errorf("%s: the error does not name the file: %v", what, status.Err)
		}
	case v.errorOptional || text == intact:
	case v.name == "garbage" && strings.Contains(text, "garbage"): // in a label
	case samples(text) != samples(intact):
		t.Errorf("%s: no error is reported:\n%s", what, diff(intact, text))
	case v.name == "garbage":
		t.Errorf("%s: taken for something else:\n%s", what, diff(intact, text))
	}
}

// negativeCounters returns the samples of counters that are below zero, without
// those of nf_flowtable: a sum over its CPUs needs them.
func negativeCounters(text string) []string {
	var found []string
	isCounter := false
	for line := range strings.Lines(text) {
		if rest, ok := strings.CutPrefix(line, "# TYPE "); ok {
			isCounter = strings.HasSuffix(rest, " counter\n")
		} else if isCounter && line[0] != '#' && strings.Contains(line[strings.LastIndexByte(line, '}')+1:], " -") &&
			!strings.Contains(line, `subsystem="nf_flowtable"`) {
			found = append(found, strings.TrimSuffix(line, "\n"))
		}
	}
	return found
}

// reportedErrors returns the errors in what read returned.
func reportedErrors(text string) []string {
	_, line, found := strings.Cut(text, errorLead)
	if !found {
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
