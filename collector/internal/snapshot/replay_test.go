package snapshot_test

import (
	"context"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-kit/log"

	"github.com/hostexporter/host_exporter/collector"
	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
	"github.com/hostexporter/host_exporter/collector/internal/snapshot"
)

const testdata = "../../../testdata"

// cases calls fn for the recorded hosts of all collectors.
func cases(t *testing.T, fn func(t *testing.T, file string, spec collect.Spec)) {
	specs := map[string]collect.Spec{}
	for _, spec := range collector.Catalog() {
		specs[spec.Name] = spec
	}
	files, err := filepath.Glob(testdata + "/*/*.host")
	if err != nil || len(files) == 0 {
		t.Fatal(err, len(files))
	}
	for _, file := range files {
		name, _, _ := strings.Cut(filepath.Base(file), ".")
		spec, ok := specs[name]
		if !ok || name == "textfile" || name == "check" { // they read what is not of a host
			continue
		}
		t.Run(strings.TrimSuffix(filepath.Base(file), ".host"), func(t *testing.T) {
			t.Parallel()
			fn(t, file, spec)
		})
	}
}

// read makes one reading. It returns the text, the state and the error.
func read(t *testing.T, h *host.Host, a *snapshot.Archive, spec collect.Spec) string {
	t.Helper()
	m, err := a.Machine()
	if err != nil {
		t.Fatal(err)
	}
	if m.Timeout > 0 {
		spec.Timeout = m.Timeout
	}
	u, err := collect.NewUnit(spec, h, log.NewNopLogger(), func(string) bool { return false }, a.Options(spec.Name))
	if err != nil {
		t.Fatal(err)
	}
	reading := u.Begin(metric.Text)
	result, ok := reading.Wait(context.Background(), time.Now().Add(time.Minute))
	if !ok {
		result = reading.Abandon()
	}
	text := "# state: " + string(result.State) + "\n"
	if result.State != collect.Timeout {
		text = string(u.AppendText(nil, nil)) + text
		if err := u.Status().Err; err != nil {
			text += "# error: " + metric.Printable(err.Error()) + "\n"
		}
	}
	return text
}

// TestReplay replays the recorded hosts of all collectors, at their first moment. The
// golden files were written on a copy of the files on disk.
func TestReplay(t *testing.T) {
	cases(t, func(t *testing.T, file string, spec collect.Spec) {
		a, err := snapshot.Load(file)
		if err != nil {
			t.Fatal(err)
		}
		h, err := snapshot.Replay(a)
		if err != nil {
			t.Fatal(err)
		}
		want, err := os.ReadFile(strings.TrimSuffix(file, ".host") + ".prom")
		if err != nil {
			t.Fatal(err)
		}
		if have := withoutCalls(read(t, h, a, spec)); have != withoutCalls(string(want)) {
			t.Errorf("%s", diff(string(want), have))
		}
	})
}

// withoutCalls replaces the names of the calls in the errors: which link of a path leads
// nowhere depends on where the root is.
func withoutCalls(text string) string { return calls.ReplaceAllString(text, "read /…") }

var calls = regexp.MustCompile(`(?:read|readlink|open) /(?:etc/os-release|usr/lib/os-release|usr)`)

// diff returns the lines that only one of two texts has.
func diff(want, have string) string {
	var b strings.Builder
	count := map[string]int{}
	for line := range strings.Lines(want) {
		count[line]++
	}
	for line := range strings.Lines(have) {
		if count[line]--; count[line] < 0 {
			b.WriteString("+ " + line)
			count[line] = 0
		}
	}
	for line := range strings.Lines(want) {
		if count[line] > 0 {
			b.WriteString("- " + line)
			count[line]--
		}
	}
	return b.String()
}

// TestRedactedReplay replays the recorded hosts with other names and addresses: the
// samples have the same names and values.
func TestRedactedReplay(t *testing.T) {
	cases(t, func(t *testing.T, file string, spec collect.Spec) {
		load := func() *snapshot.Archive {
			a, err := snapshot.Load(file)
			if err != nil {
				t.Fatal(err)
			}
			return a
		}
		replay := func(a *snapshot.Archive) string {
			h, err := snapshot.Replay(a)
			if err != nil {
				t.Fatal(err)
			}
			return read(t, h, a, spec)
		}
		redacted := load()
		snapshot.RedactWith(redacted, []byte("a key"))
		// What is redacted is a file as well.
		redacted, err := snapshot.Parse(redacted.Format())
		if err != nil {
			t.Fatal(err)
		}
		want, have := withoutLabels(replay(load())), withoutLabels(replay(redacted))
		if have != want {
			t.Errorf("%s", diff(want, have))
		}
	})
}

// withoutLabels returns the sorted names and values of samples, and the state.
func withoutLabels(text string) string {
	var lines []string
	for line := range strings.Lines(text) {
		switch {
		case strings.HasPrefix(line, "# state"):
		case line[0] == '#':
			continue
		default:
			if i := strings.IndexByte(line, '{'); i >= 0 {
				line = line[:i] + line[strings.LastIndexByte(line, '}')+1:]
			}
		}
		lines = append(lines, line)
	}
	slices.Sort(lines)
	return strings.Join(lines, "")
}
