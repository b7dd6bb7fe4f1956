package exporter

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/go-kit/log"

	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/document"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
)

// newConfiguredExporter returns an exporter with a configuration file, and a
// function that replaces the file and reloads it.
func newConfiguredExporter(t *testing.T, c Config, text string) (*Exporter, func(text string) error) {
	t.Helper()
	c.File = filepath.Join(t.TempDir(), "host_exporter.yml")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(c.File, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write(text)
	e := newExporter(t, c)
	return e, func(text string) error { write(text); return e.Reload() }
}

// optionSpec returns a collector with an option, which it exports.
func optionSpec(name string) collect.Spec {
	return collect.Spec{Name: name, Help: "A toy.", Build: collect.With(toyOptions{word: "none"}, func(env *collect.Env, o toyOptions) (*toy, error) {
		if o.word == "invalid" {
			return nil, errors.New("this word is not valid")
		}
		f := env.Metrics.Gauge("toy_"+name, "A value.", "word")
		return &toy{env.Metrics, func(_ *metric.Set, out *metric.Sink) error {
			out.Emit(f, 1, o.word.String())
			return nil
		}}, nil
	})}
}

type toyOptions struct{ word collect.String }

func (o *toyOptions) Fields() []collect.Field {
	return []collect.Field{{Name: "word", Help: "A word.", Value: &o.word}}
}

func TestReload(t *testing.T) {
	var logs bytes.Buffer
	e, reload := newConfiguredExporter(t, Config{specs: []collect.Spec{optionSpec("a"), optionSpec("b"), steadySpec("c")}, Lifecycle: true, Log: log.NewLogfmtLogger(&logs)},
		"collectors: {a: {word: one}}\n")
	before := e.units()
	if err := reload("collectors: {a: {word: one}, b: {word: two}, c: false}\n"); err != nil {
		t.Fatal(err)
	}
	after := e.units()
	if len(after) != 2 || after[0] != before[0] || after[1] == before[1] {
		t.Errorf("units %v, then %v: want a as it was, a new b, and no c", before, after)
	}
	text := get(e, "/metrics").Body.String()
	for _, want := range []string{`toy_a{word="one"} 1`, `toy_b{word="two"} 1`, "host_exporter_config_last_reload_successful 1"} {
		if !strings.Contains(text, want+"\n") {
			t.Errorf("no %s in\n%s", want, text)
		}
	}
	for _, bad := range []string{"collectors: [\n", "colectors: {}\n", "collectors: {a: {word: invalid}}\n", "collectors: {d: true}\n"} {
		logs.Reset()
		err := reload(bad)
		if err == nil {
			t.Fatalf("%q is accepted", bad)
		}
		if now := e.units(); !reflect.DeepEqual(now, after) {
			t.Errorf("%q has changed the units", bad)
		}
		if text := get(e, "/metrics").Body.String(); !strings.Contains(text, "host_exporter_config_last_reload_successful 0\n") || !strings.Contains(text, `toy_b{word="two"} 1`) {
			t.Errorf("%q:\n%s", bad, text)
		}
		if page := get(e, "/").Body.String(); !strings.Contains(page, "previous configuration stays in effect") {
			t.Errorf("%q: not on the page:\n%s", bad, page)
		}
		if !strings.Contains(logs.String(), "stays in effect") {
			t.Errorf("%q: not in the log: %s", bad, &logs)
		}
	}
	if err := reload(""); err != nil || len(e.units()) != 3 {
		t.Errorf("an empty file: %v, %d units", err, len(e.units()))
	}
}

func TestReloadOverHTTP(t *testing.T) {
	for _, tc := range []struct {
		lifecycle bool
		method    string
		text      string
		code      int
		body      string
	}{
		{true, "POST", "collectors: {a: false}", 200, "in effect"},
		{true, "PUT", "", 200, "in effect"},
		{true, "GET", "", 405, "POST"},
		{true, "POST", "collectors: {a: maybe}", 500, ":1:17: want true or false"},
		{false, "POST", "", 403, "--web.enable-lifecycle"},
	} {
		e, _ := newConfiguredExporter(t, Config{specs: []collect.Spec{steadySpec("a")}, Lifecycle: tc.lifecycle}, "")
		if err := os.WriteFile(e.config.File, []byte(tc.text), 0o644); err != nil {
			t.Fatal(err)
		}
		rec := httptest.NewRecorder()
		e.ServeHTTP(rec, httptest.NewRequest(tc.method, "/-/reload", nil))
		if rec.Code != tc.code || !strings.Contains(rec.Body.String(), tc.body) {
			t.Errorf("%+v: %d %s", tc, rec.Code, rec.Body)
		}
	}
}

// TestReloadsUnderScrapes reloads a thousand times under continuous scrapes:
// each scrape is complete and of one generation, and no goroutine is left.
func TestReloadsUnderScrapes(t *testing.T) {
	e, reload := newConfiguredExporter(t, Config{specs: []collect.Spec{optionSpec("a"), optionSpec("b"), steadySpec("c")}}, "")
	get(e, "/metrics")
	goroutines := runtime.NumGoroutine()
	ctx, stop := context.WithCancel(t.Context())
	var scrapes, first, second atomic.Int64
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for ctx.Err() == nil {
				text := get(e, "/metrics").Body.String()
				a1, b1 := strings.Contains(text, `toy_a{word="none"}`), strings.Contains(text, `toy_b{word="none"}`)
				a2, b2 := strings.Contains(text, `toy_a{word="x"}`), strings.Contains(text, `toy_b{word="x"}`)
				if !(a1 && b1 && !a2 && !b2 || a2 && b2 && !a1 && !b1) || !strings.Contains(text, "\ntoy_c 1\n") || !strings.HasSuffix(text, "\n") {
					t.Errorf("a scrape of two generations, or an incomplete one:\n%s", text)
					return
				}
				scrapes.Add(1)
				if a1 {
					first.Add(1)
				} else {
					second.Add(1)
				}
			}
		})
	}
	for i := range 1000 {
		text := ""
		if i%2 == 0 {
			text = "collectors: {a: {word: x}, b: {word: x}}\n"
		}
		if err := reload(text); err != nil {
			t.Fatal(err)
		}
	}
	stop()
	wg.Wait()
	if scrapes.Load() == 0 {
		t.Error("no scrape was answered")
	}
	t.Logf("%d scrapes, %d with the one configuration and %d with the other", scrapes.Load(), first.Load(), second.Load())
	for range 1000 {
		if runtime.NumGoroutine() <= goroutines {
			break
		}
		runtime.Gosched()
	}
	if n := runtime.NumGoroutine(); n > goroutines {
		t.Errorf("%d goroutines before, %d after", goroutines, n)
	}
}

// TestReference loads the file of all defaults: it is valid, and the collectors
// are the same as without it.
func TestReference(t *testing.T) {
	withoutFile := newExporter(t, Config{})
	withFile := newExporter(t, Config{File: "../../docs/host_exporter.yml"})
	if a, b := withoutFile.Names(), withFile.Names(); !reflect.DeepEqual(a, b) {
		t.Fatalf("collectors %v\nwith the file %v", a, b)
	}
	for i, u := range withFile.units() {
		if w := withoutFile.units()[i]; !sameUnit(u, w) {
			t.Errorf("%s: %v %v %v\nwith the file %v %v %v", u.Spec.Name, w.Options, w.Timeout, w.Interval, u.Options, u.Timeout, u.Interval)
		}
	}
}

// TestEffective loads the effective configuration of an exporter into another:
// they have the same collectors.
func TestEffective(t *testing.T) {
	settings, flags := NewSettings()
	for _, f := range flags {
		for name, value := range map[string]string{"collector.arp": "false", "collector.nvmesubsystem": "true", "collector.hba.luns": "all", "collector.hba.statistics": "none",
			"collector.interval": "hba=90s", "collector.timeout": "stat=1m", "collector.max-series": "hba=1000000", "collector.textfile.directory": "/it's, [here]", "collector.netdev.device-include": "^eth'0$"} {
			if f.Name == name {
				if err := f.Set(value); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	source := newExporter(t, Config{Settings: settings})
	loaded, _ := newConfiguredExporter(t, Config{}, get(source, "/config").Body.String())
	if a, b := source.Names(), loaded.Names(); !reflect.DeepEqual(a, b) {
		t.Fatalf("collectors %v\nloaded %v", a, b)
	}
	for i, u := range loaded.units() {
		if !sameUnit(u, source.units()[i]) {
			t.Errorf("%s: %v\nloaded %v", u.Spec.Name, source.units()[i].Options, u.Options)
		}
	}
}

func TestInterval(t *testing.T) {
	var reads atomic.Int32
	counter := toySpec("a", 0, func(set *metric.Set, out *metric.Sink) error {
		out.Emit(set.Gauge("toy_a", "A value."), float64(reads.Add(1)))
		return nil
	})
	e, reload := newConfiguredExporter(t, Config{specs: []collect.Spec{counter}}, "collectors: {a: {interval: 1h}}\n")
	for range 5 {
		if text := get(e, "/metrics").Body.String(); !strings.Contains(text, "toy_a 1\n") || !strings.Contains(text, `host_exporter_collector_age_seconds{collector="a"} `) {
			t.Fatalf("want the first reading and its age:\n%s", text)
		}
	}
	if err := reload(""); err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		if text := get(e, "/metrics").Body.String(); strings.Contains(text, "toy_a 1\n") || strings.Contains(text, "age_seconds") {
			t.Errorf("scrape %d without the interval:\n%s", i, text)
		}
	}
	if n := reads.Load(); n != 4 {
		t.Errorf("read %d times, want once and then three times", n)
	}
}

func TestOnce(t *testing.T) {
	broken := toySpec("broken", 0, func(*metric.Set, *metric.Sink) error { return errors.New("/proc/x: no such thing") })
	late := toySpec("late", time.Millisecond, func(set *metric.Set, out *metric.Sink) error { <-t.Context().Done(); return nil })
	counter := toySpec("counter", 0, func(set *metric.Set, out *metric.Sink) error {
		out.Emit(set.Counter("toy_total", "A counter."), 3)
		return nil
	})
	var out bytes.Buffer
	e := newExporter(t, Config{specs: []collect.Spec{steadySpec("a"), counter}})
	if err := e.Once(t.Context(), &out, "text"); err != nil || !strings.Contains(out.String(), "\ntoy_a 1\n") {
		t.Errorf("%v:\n%s", err, &out)
	}
	out.Reset()
	e = newExporter(t, Config{specs: []collect.Spec{steadySpec("a"), counter, broken, late}})
	err := e.Once(t.Context(), &out, "json")
	if err == nil || !strings.Contains(err.Error(), "2 of 4 collectors failed:\nbroken: error: /proc/x: no such thing\nlate: timeout: ") {
		t.Errorf("error %v", err)
	}
	var r jsonOutput
	if err := json.Unmarshal(out.Bytes(), &r); err != nil {
		t.Fatalf("%v:\n%s", err, &out)
	}
	if len(r.Collectors) != 4 || r.Collectors[2].State != "error" || r.Collectors[2].Error == "" {
		t.Errorf("collectors %+v", r.Collectors)
	}
	found := 0
	for _, f := range r.Families {
		switch {
		case f.Name == "toy_a" && f.Type == "gauge" && f.Samples[0].Value == 1.0,
			f.Name == "toy_total" && f.Type == "counter" && f.Samples[0].Value == 3.0,
			f.Name == "node_scrape_collector_success" && len(f.Samples) == 4:
			found++
		}
	}
	if found != 3 {
		t.Errorf("families %+v", r.Families)
	}
}

func TestDoctor(t *testing.T) {
	broken := toySpec("broken", 0, func(*metric.Set, *metric.Sink) error { return errors.New("/proc/x: no such thing") })
	broken.Reads, broken.Needs = []string{"/proc/stat", "/proc/no/such/file"}, "A miracle."
	none := toySpec("none", 0, func(*metric.Set, *metric.Sink) error { return collect.ErrNoData })
	off := steadySpec("off")
	off.DisabledByDefault = true
	e := newExporter(t, Config{specs: []collect.Spec{steadySpec("a"), broken, none, off}})
	var out bytes.Buffer
	if err := e.Doctor(t.Context(), &out, DoctorOptions{}); err == nil || err.Error() != "1 collector needs attention" {
		t.Errorf("have error %v", err)
	}
	for _, want := range []string{"a                  ok        1 samples in ", "broken             error     0 samples in ", "1 of 2 kinds of files exist",
		"  /proc/x: no such thing\n", "needs: A miracle.", "none               no data ", "enable with --collector.off", "docs/permissions.md"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, &out)
		}
	}
	out.Reset()
	if err := e.Doctor(t.Context(), &out, DoctorOptions{Names: []string{"a"}}); err != nil || strings.Contains(out.String(), "broken") {
		t.Errorf("one collector: %v:\n%s", err, &out)
	}
	if err := e.Doctor(t.Context(), &out, DoctorOptions{Names: []string{"brokn"}}); err == nil || !strings.Contains(err.Error(), "do you mean broken?") {
		t.Errorf("an unknown name: %v", err)
	}
}

// TestReloadQuotesNothing: an include may lead to a file that only the exporter can
// read. The log, the page and the answer to a reload have no text of it.
func TestReloadQuotesNothing(t *testing.T) {
	picky := collect.Spec{Name: "b", Help: "A toy.", Build: collect.With(toyOptions{}, func(_ *collect.Env, o toyOptions) (*toy, error) {
		if o.word == "" {
			return &toy{}, nil
		}
		return nil, fmt.Errorf("want another word, have %q", o.word.String())
	}), DisabledByDefault: true}
	secret := filepath.Join(t.TempDir(), "shadow")
	if err := os.WriteFile(secret, []byte("root:$y$j9T$hunter2: 1\ncollectors: {a: hunter2, hunter2: true}\nchecks: {hunter2: {command: hunter2}}\nexpect: {a: hunter2(}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"collectors: {b: {enabled: true, word: hunter2}}", "include: " + secret, "include: [hunter2]", "collectors: [hunter2", "expect: {hunter2: hunter2 >}", "collectors: {a: &hunter2 1, b: *hunter3}", "max-series: hunter2", "- hunter2", "hunter2"} {
		var logs bytes.Buffer
		e, reload := newConfiguredExporter(t, Config{specs: []collect.Spec{steadySpec("a"), picky}, Lifecycle: true, Log: log.NewLogfmtLogger(&logs)}, "")
		err := reload(text)
		if quotes := strings.Contains(document.Detail(err), "hunter"); err == nil || !quotes && strings.HasPrefix(text, "include") {
			t.Errorf("%q: for the operator: %v", text, err)
		}
		w := httptest.NewRecorder()
		e.ServeHTTP(w, httptest.NewRequest("POST", "/-/reload", nil))
		for where, have := range map[string]string{"error": fmt.Sprint(err), "log": logs.String(), "page": get(e, "/").Body.String(), "answer": w.Body.String(), "status": e.statusLine()} {
			if strings.Contains(have, "hunter") || !strings.Contains(have, ".yml:") && !strings.Contains(have, "shadow:") {
				t.Errorf("%q: %s: %s", text, where, have)
			}
		}
	}
}

// TestReloadHangs has a pipe in place of the configuration file, and a reading that
// hangs: a reload fails in time, and the next one that can read succeeds.
func TestReloadHangs(t *testing.T) {
	e, reload := newConfiguredExporter(t, Config{specs: []collect.Spec{steadySpec("a")}, readTimeout: 50 * time.Millisecond}, "")
	if err := os.Remove(e.config.File); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mkfifo(e.config.File, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := e.Reload(); err == nil || !strings.Contains(err.Error(), "want a regular file") {
		t.Errorf("a pipe: %v", err)
	}
	if err := os.Remove(e.config.File); err != nil {
		t.Fatal(err)
	}
	if err := reload(""); err != nil {
		t.Errorf("a file in place of the pipe: %v", err)
	}

	release := make(chan struct{})
	run, _ := e.reader.reading.Go(func() (configurationFile, error) { <-release; return configurationFile{}, nil })
	for range 2 {
		if err := e.Reload(); err == nil || !strings.Contains(err.Error(), "no answer after 50ms") {
			t.Errorf("a reading that hangs: %v", err)
		}
	}
	if text := get(e, "/metrics").Body.String(); !strings.Contains(text, "host_exporter_config_last_reload_successful 0\n") {
		t.Errorf("a reload that hangs counts as a success:\n%s", text)
	}
	close(release)
	<-run.Done()
	if err := reload("collectors: {a: false}"); err != nil || len(e.units()) != 0 {
		t.Errorf("after the reading has returned: %v, %d units", err, len(e.units()))
	}
}

// TestDetail: an error quotes the configuration on a terminal, and not if standard error
// is the journal, as when systemd runs check-config at a reload.
func TestDetail(t *testing.T) {
	err := fmt.Errorf("load: %w", document.Findings{{File: "f", Line: 1, Column: 2, Text: "unknown key …", Quoted: `unknown key "hunter2"`}})
	t.Setenv("JOURNAL_STREAM", "")
	if have, want := Detail(err), `load: f:1:2: unknown key "hunter2"`; have != want {
		t.Errorf("%s, want %s", have, want)
	}
	var st syscall.Stat_t
	if err := syscall.Fstat(2, &st); err != nil {
		t.Fatal(err)
	}
	t.Setenv("JOURNAL_STREAM", fmt.Sprintf("%d:%d", st.Dev, st.Ino))
	if have, want := Detail(err), "load: f:1:2: unknown key …"; have != want {
		t.Errorf("%s, want %s", have, want)
	}
}
