package golden

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
	"github.com/hostexporter/host_exporter/collector/internal/scan"
)

// A spy is a test that may fail: it keeps its failures.
type spy struct {
	testing.TB
	failures []string
}

func (s *spy) Helper() {}
func (s *spy) Error(args ...any) {
	s.failures = append(s.failures, fmt.Sprint(args...))
}
func (s *spy) Errorf(format string, args ...any) { s.Error(fmt.Sprintf(format, args...)) }
func (s *spy) Fatal(args ...any) {
	s.Error(args...)
	runtime.Goexit()
}
func (s *spy) Fatalf(format string, args ...any) { s.Fatal(fmt.Sprintf(format, args...)) }

// A toy is a collector made of one function. It reads proc/toy, one number.
type toy struct {
	proc     *host.Reader
	value    *metric.Family
	misnamed *metric.Family
	counter  int
	update   func(t *toy, out *metric.Sink) error
}

func (t *toy) Update(_ context.Context, out *metric.Sink) error { return t.update(t, out) }

// good is an update that breaks no rule.
func good(t *toy, out *metric.Sink) error {
	v, err := t.proc.Uint("toy")
	if err != nil {
		return collect.OrNoData(err)
	}
	out.Emit(t.value, float64(v), "a")
	return nil
}

// failuresOf runs a case of a toy and returns its failures.
func failuresOf(t *testing.T, hostFile, prom string, contracts map[string]Contract, update func(*toy, *metric.Sink) error) []string {
	t.Helper()
	spec := collect.Spec{Name: "toy", Help: "A toy.", Reads: []string{"/proc/toy", "/proc/bad"}, Build: collect.Plain(func(env *collect.Env) *toy {
		return &toy{
			proc: env.Host.Proc.Reader(), update: update,
			value:    env.Metrics.Gauge("toy_value", "A value.", "device"),
			misnamed: env.Metrics.Gauge("toy_others_total", "Not a gauge, by its name."),
		}
	})}
	file := filepath.Join(t.TempDir(), "toy.host")
	for name, content := range map[string]string{file: hostFile, strings.TrimSuffix(file, ".host") + ".prom": prom} {
		if err := os.WriteFile(name, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	s := &spy{TB: t}
	done := make(chan struct{})
	go func() {
		defer close(done)
		runCase(s, spec, file, contracts, everyVariant)
	}()
	<-done
	return s.failures
}

const (
	toyHost = "A host with a toy.\n-- proc/toy --\n42\n"
	toyProm = "# HELP toy_value A value.\n# TYPE toy_value gauge\ntoy_value{device=\"a\"} 42\n# state: ok\n"
)

func TestGoodCollectorPasses(t *testing.T) {
	for name, c := range map[string]struct{ host, prom string }{
		"plain":        {toyHost, toyProm},
		"another host": {"A host where the toy is empty.\n-- proc/other --\n", "# state: no_data\n# error: no data: open /proc/toy: no such file or directory\n"},
		"hang":         {"A pipe.\ntimeout = 20ms\n-- proc/toy fifo --\n", "# state: timeout\n"},
		"fault":        {"A fault.\n-- proc/toy !EIO --\n-- proc/other --\nx\n", "# state: error\n# error: read /proc/toy: input/output error\n"},
		"unreadable":   {"Nonsense.\n-- proc/toy --\nx\n", "# state: error\n# error: /proc/toy:1: want an unsigned number, have \"x\"\n"},
		"empty file":   {"An empty file beside the toy.\n-- proc/empty --\n-- proc/toy --\n42\n", toyProm},
	} {
		for _, failure := range failuresOf(t, c.host, c.prom, nil, good) {
			t.Errorf("%s: %s", name, failure)
		}
	}
}

// TestBadCollectorIsCaught gives the harness collectors that each break one
// rule.
func TestBadCollectorIsCaught(t *testing.T) {
	if *update {
		t.Skip("-update accepts what is served")
	}
	hung := make(chan struct{})
	defer close(hung)
	for name, c := range map[string]struct {
		want   string // part of a failure
		host   string
		update func(*toy, *metric.Sink) error
	}{
		"errors swallowed": {want: "/proc/toy garbage: no error is reported", update: func(t *toy, out *metric.Sink) error {
			if v, err := t.proc.Uint("toy"); err == nil {
				out.Emit(t.value, float64(v), "a")
			}
			return nil
		}},
		"read errors swallowed": {want: "/proc/toy an input/output error: no error is reported", update: func(t *toy, out *metric.Sink) error {
			b, _ := t.proc.Text("toy")
			v, ok := scan.Uint(b)
			if !ok && len(b) > 0 {
				return t.proc.At(host.Bad(1, "a number", b))
			}
			if ok {
				out.Emit(t.value, float64(v), "a")
			}
			return nil
		}},
		"zero for what was not read": {want: "/proc/toy garbage: taken for something else", update: func(t *toy, out *metric.Sink) error {
			v, _ := t.proc.Uint("toy")
			out.Emit(t.value, float64(v), "a")
			return nil
		}},
		"a folder is a zero": {want: "/proc/toy a folder: no error is reported", update: func(t *toy, out *metric.Sink) error {
			v, err := t.proc.Uint("toy")
			var bad *host.Malformed
			if errors.As(err, &bad) {
				return err
			}
			if err == nil {
				out.Emit(t.value, float64(v), "a")
			}
			return nil
		}},
		"an error without a path": {want: "the error does not name the file", update: func(t *toy, out *metric.Sink) error {
			if err := good(t, out); err != nil {
				return errors.New("it does not work")
			}
			return nil
		}},
		"the error of another file": {want: "/proc/toy garbage: the error does not name the file", host: "Another file is always broken.\n-- proc/bad !EIO --\n-- proc/toy --\n42\n", update: func(t *toy, out *metric.Sink) error {
			_, err := t.proc.Read("bad")
			out.Error(err)
			if err := good(t, out); err != nil {
				out.Error(errors.New("it does not work"))
			}
			return nil
		}},
		"silence behind another error": {want: "/proc/toy garbage: no error is reported", host: "Another file is always broken.\n-- proc/bad !EIO --\n-- proc/toy --\n42\n", update: func(t *toy, out *metric.Sink) error {
			_, err := t.proc.Read("bad")
			out.Error(err)
			_ = good(t, out)
			return nil
		}},
		"a panic": {want: "/proc/toy emptied: panic: runtime error: index out of range", update: func(t *toy, out *metric.Sink) error {
			b, err := t.proc.Text("toy")
			if err != nil {
				return err
			}
			out.Emit(t.value, float64(b[0]), "a")
			return nil
		}},
		"a hang": {want: "/proc/toy garbage: it takes longer than 100ms", host: "A short timeout.\ntimeout = 100ms\n-- proc/toy --\n42\n", update: func(t *toy, out *metric.Sink) error {
			err := good(t, out)
			var bad *host.Malformed
			if errors.As(err, &bad) {
				<-hung
			}
			return err
		}},
		"another answer each time": {want: "a second reading of the same host differs", update: func(t *toy, out *metric.Sink) error {
			t.counter++
			out.Emit(t.value, float64(t.counter), "a")
			return nil
		}},
		"not what was recorded": {want: "toy.prom (- want, + have", update: func(t *toy, out *metric.Sink) error {
			out.Emit(t.value, 43, "a")
			return nil
		}},
		"a series twice": {want: `+ # error: a second toy_value{device="a"}`, update: func(t *toy, out *metric.Sink) error {
			_ = good(t, out)
			return good(t, out)
		}},
		"a file that is not on the data sheet": {want: "/proc/other is opened: want it in Spec.Reads", update: func(t *toy, out *metric.Sink) error {
			if _, err := t.proc.Read("other"); err == nil {
				return errors.New("there is no such file")
			}
			return good(t, out)
		}},
		"a gauge that is called total": {want: "promlint: toy_others_total", update: func(t *toy, out *metric.Sink) error {
			out.Emit(t.misnamed, 1)
			return good(t, out)
		}},
	} {
		if c.host == "" {
			c.host = toyHost
		}
		failures := failuresOf(t, c.host, toyProm, nil, c.update)
		if !strings.Contains(strings.Join(failures, "\n"), c.want) {
			t.Errorf("%s is not caught: want %q in\n%s", name, c.want, strings.Join(failures, "\n"))
		}
	}
}

func TestContractIsKept(t *testing.T) {
	for want, c := range map[string]Contract{
		"toy_value belongs to collector other":     {Collector: "other", Type: "gauge", Labels: []string{"device"}},
		"toy_value is a gauge, want counter":       {Collector: "toy", Type: "counter", Labels: []string{"device"}},
		"toy_value has label device, want only []": {Collector: "toy", Type: "gauge"},
	} {
		failures := failuresOf(t, toyHost, toyProm, map[string]Contract{"toy_value": c}, good)
		if len(failures) != 1 || failures[0] != want {
			t.Errorf("want %q, have %q", want, failures)
		}
	}
}

func TestCaseWithoutDescription(t *testing.T) {
	failures := failuresOf(t, "-- proc/toy --\n42\n", toyProm, nil, good)
	if len(failures) != 1 || !strings.Contains(failures[0], "want a description of the host") {
		t.Errorf("%q", failures)
	}
}

// TestBrokenInputsAreRestored breaks every file of a host, and compares the host
// with what it was.
func TestBrokenInputsAreRestored(t *testing.T) {
	a, err := Parse([]byte("A host.\n-- proc/toy --\n42\n-- proc/empty --\n-- proc/none folder --\n-- proc/link -> toy --\n" +
		"-- proc/secret mode 0400 mtime 2020-01-01T00:00:00Z --\nx\n-- sys/class/a -> ../devices/a --\n-- sys/devices/a/b --\ny\n"))
	if err != nil {
		t.Fatal(err)
	}
	r, err := layOut(a, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	before := listing(t, r.root)
	u := collect.Spec{Name: "toy", Build: collect.Plain(func(env *collect.Env) *toy {
		return &toy{proc: env.Host.Proc.Reader(), value: env.Metrics.Gauge("toy_value", "A value.", "device"), update: good}
	})}
	r.breakInputs(t, u, everyVariant, r.read(t, r.unit(t, u)))
	if after := listing(t, r.root); after != before {
		t.Errorf("before\n%safter\n%s", before, after)
	}
	if n := r.faults.Len(); n != 0 {
		t.Errorf("%d faults are left", n)
	}
}

// listing returns all paths below a folder, with their content.
func listing(t *testing.T, root string) string {
	t.Helper()
	var b strings.Builder
	err := filepath.Walk(root, func(path string, info os.FileInfo, err error) error {
		if err != nil {
			return err
		}
		fmt.Fprintf(&b, "%s %v", strings.TrimPrefix(path, root), info.Mode())
		switch {
		case info.Mode().IsRegular():
			content, err := os.ReadFile(path)
			fmt.Fprintf(&b, " %s %q %v", info.ModTime().UTC().Format(time.RFC3339Nano), content, err)
		case info.Mode()&os.ModeSymlink != 0:
			target, err := os.Readlink(path)
			fmt.Fprintf(&b, " -> %s %v", target, err)
		}
		b.WriteByte('\n')
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// TestDataSheetListsWhatIsOpened opens one file of a host, with the data sheet
// of a collector that reads a class.
func TestDataSheetListsWhatIsOpened(t *testing.T) {
	a, err := Parse([]byte("A host.\n-- sys/class/net/eth0 -> ../../devices/pci/eth0 --\n-- sys/devices/pci/eth0/mtu --\n1500\n" +
		"-- sys/devices/pci/eth0/speed --\n1000\n-- etc/release -> /usr/lib/release --\n-- usr/lib/release --\nID=debian\n"))
	if err != nil {
		t.Fatal(err)
	}
	spec := collect.Spec{Reads: []string{"/sys/class/net/*/mtu"}, OptionalReads: []string{"/etc/release"}}
	for path, listed := range map[string]bool{
		"/sys/class/net":              true, // to find the devices
		"/sys/class/net/eth0":         true,
		"/sys/class/net/eth0/mtu":     true,
		"/sys/devices/pci/eth0/mtu":   true,
		"/sys/class/net/gone/mtu":     true,
		"/sys/devices/pci/gone/speed": true, // there is no way to know
		"/etc/release":                true,
		"/usr/lib/release":            true,
		"/sys/class/net/eth0/speed":   false,
		"/sys/devices/pci/eth0/speed": false,
		"/sys/class/net/gone/speed":   false,
		"/sys/class/block":            false,
	} {
		r, err := layOut(a, t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		_, _ = r.Root.Reader().Read(path)
		s := &spy{TB: t}
		r.checkReads(s, spec)
		if (len(s.failures) == 0) != listed {
			t.Errorf("%s: %q", path, s.failures)
		}
	}
}

// TestSampleHasEveryVariant counts the variants that are tried with -short on
// the hosts of a domain.
func TestSampleHasEveryVariant(t *testing.T) {
	files, err := filepath.Glob("../../../../testdata/hba/*.host")
	if err != nil || files == nil {
		t.Fatal(err)
	}
	tried, all := map[string]int{}, 0
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		a, err := Parse(b)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range inputs(a) {
			all++
			for _, v := range variants {
				if oneInEight(file + " " + e.Path + " " + v.name) {
					tried[v.name]++
				}
			}
		}
	}
	for _, v := range variants {
		if n := tried[v.name]; n < all/10 || n > all/6 {
			t.Errorf("%s: %d times, of %d", v.name, n, all)
		}
	}
}

// TestMoments changes a host in every way between two readings.
func TestMoments(t *testing.T) {
	a, err := Parse([]byte("A host.\n-- proc/a --\n1\n-- proc/b !EIO --\n-- proc/c --\n3\n-- proc/d folder --\n-- proc/e -> a --\n-- proc/f --\n6\n" +
		"-- @2 proc/a deleted --\n-- @2 proc/b --\n2\n-- @2 proc/c !ENODEV --\n-- @2 proc/d --\n4\n-- @2 proc/e --\n5\n-- @2 proc/f fifo --\n"))
	if err != nil {
		t.Fatal(err)
	}
	r, err := layOut(a, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	proc := r.Proc.Reader()
	read := func(names ...string) string {
		var b strings.Builder
		for _, name := range names {
			text, err := proc.Text(name)
			if err != nil {
				text = []byte(errors.Unwrap(err).Error())
			}
			fmt.Fprintf(&b, "%s=%s ", name, text)
		}
		return b.String()
	}
	if have, want := read("a", "b", "c", "d", "e"), "a=1 b=input/output error c=3 d=is a directory e=1 "; have != want {
		t.Errorf("first: %s, want %s", have, want)
	}
	if err := r.moment(2); err != nil {
		t.Fatal(err)
	}
	if have, want := read("a", "b", "c", "d", "e"), "a=no such file or directory b=2 c=no such device d=4 e=5 "; have != want {
		t.Errorf("second: %s, want %s", have, want)
	}
	if info, err := os.Lstat(filepath.Join(r.root, "proc/f")); err != nil || info.Mode()&os.ModeNamedPipe == 0 {
		t.Errorf("f: %v, %v", info, err)
	}
}
