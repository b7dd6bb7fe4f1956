package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/hostexporter/host_exporter/collector/internal/test/testfile"
)

// A trial is a check with its expected outcome.
type trial struct {
	name, script string // for sh -c
	command      string // a path, instead of a script
	times        string // interval and timeout; empty: every 3 s, at most 2 s
	options      string
	reasons      []string // that the failure may have; none: the check succeeds
	sample       string   // a family that it serves
	value        float64
}

// trials returns a check in each of the states that checks can be in. Those that
// fail take at most two seconds. Those that hang are slow checks, so that they
// delay slow checks only.
func trials(dir string) []trial {
	return []trial{
		{name: "prometheus", script: `printf '# TYPE e2e_text gauge\ne2e_text{a="b"} 1\n'`, options: "format: prometheus", sample: "e2e_text", value: 1},
		{name: "kv", script: `echo 'queue=7'`, options: "format: kv, metrics: [{name: e2e_kv, from: queue, help: Length.}]", sample: "e2e_kv", value: 7},
		{name: "json", script: `echo '{"disks":[{"t":31}]}'`, options: "format: json, metrics: [{name: e2e_json, help: Heat., each: '.disks[]', value: .t}]", sample: "e2e_json", value: 31},
		{name: "regexp", script: `echo 'Fan1: 1200 RPM'`, options: `format: regexp, metrics: [{name: e2e_regexp, help: Speed., pattern: ': (?P<value>\d+) RPM'}]`, sample: "e2e_regexp", value: 1200},
		{name: "nagios", script: `echo 'DISK WARNING - full'; exit 1`, options: "format: nagios, metric: e2e_nagios", sample: "e2e_nagios_status", value: 1},
		{name: "number", script: `printf 5`, options: "format: number, metric: e2e_number", sample: "e2e_number", value: 5},
		{name: "exit", script: `exit 3`, options: "format: exit, metric: e2e_exit", sample: "e2e_exit", value: 3},
		{name: "forks", script: `(setsid sh -c 'setsid sleep 301 & sleep 302' >/dev/null 2>&1 &) ; (sleep 303 >/dev/null 2>&1 &); echo 1`, options: "format: number, metric: e2e_forks", sample: "e2e_forks", value: 1},
		{name: "many", script: `seq -f 'e2e_many{n="%.0f"} 1' 300`, options: "format: prometheus", sample: "e2e_many", value: 1},
		{name: "deaf", script: `trap '' TERM; while :; do sleep 1; done`, times: "interval: 3s, timeout: 1s, kill-grace: 1s, slow: true", options: "format: exit", reasons: []string{"timeout"}},
		{name: "orphans", script: `trap '' TERM; (trap '' TERM; setsid sleep 304 &) ; sleep 305`, times: "interval: 3s, timeout: 1s, kill-grace: 1s, slow: true", options: "format: exit", reasons: []string{"timeout"}},
		{name: "hungry", script: `exec tail /dev/zero`, options: "format: exit, memory: 64MiB", reasons: []string{"exit", "signal", "oom"}},
		{name: "endless", script: `exec yes`, options: "format: kv", reasons: []string{"output"}},
		{name: "million", script: `seq -f 'e2e_million{n="%.0f"} 1' 1000000`, options: "format: prometheus", reasons: []string{"output"}},
		{name: "garbage", script: `head -c 20000 /dev/urandom`, options: "format: prometheus", reasons: []string{"parse"}},
		{name: "half", script: `printf 'e2e_half 1\ne2e_half_too 12'`, options: "format: prometheus", reasons: []string{"parse"}},
		{name: "cut", script: `printf 'e2e_cut 1\n'`, options: "format: prometheus, require-eof: true", reasons: []string{"parse"}},
		{name: "late", script: `echo 'e2e_late 1'; exit 1`, options: "format: prometheus", reasons: []string{"exit"}},
		{name: "crash", script: `kill -SEGV $$`, options: "format: exit", reasons: []string{"signal"}},
		{name: "missing", command: "/nonexistent/check", options: "format: exit", reasons: []string{"spawn"}},
		{name: "not-executable", command: filepath.Join(dir, "not-executable"), options: "format: exit, allow-unsafe-path: true", reasons: []string{"spawn"}},
		{name: "writable", command: filepath.Join(dir, "writable"), options: "format: exit", reasons: []string{"spawn"}},
	}
}

// configuration returns a configuration file with the trials as checks. Their
// processes have the marker in the environment.
func configuration(marker string, all []trial) string {
	var b strings.Builder
	b.WriteString("checks:\n")
	name, value, _ := strings.Cut(marker, "=")
	for _, c := range all {
		command := []string{strconv.Quote(c.command)}
		if c.script != "" {
			command = []string{"/bin/sh", "-c", "'" + strings.ReplaceAll(c.script, "'", "''") + "'"}
		}
		times := "interval: 3s, timeout: 2s"
		if c.times != "" {
			times = c.times
		}
		fmt.Fprintf(&b, "  %s: {command: [%s], %s, %s, env: {%s: %q}}\n", c.name, strings.Join(command, ", "), times, c.options, name, value)
	}
	return b.String()
}

// TestEndToEndChecks runs checks of all kinds at once, most of which misbehave.
// None affects the others, and none leaves a process or a series.
func TestEndToEndChecks(t *testing.T) {
	e := newExporter(t, "")
	dir := t.TempDir()
	testfile.Write(t, filepath.Join(dir, "not-executable"), "#!/bin/sh\n")
	testfile.Write(t, filepath.Join(dir, "writable"), "#!/bin/sh\n")
	if err := os.Chmod(filepath.Join(dir, "writable"), 0o777); err != nil {
		t.Fatal(err)
	}
	quiet := e.medianScrape(20)
	before, _ := e.scrape()

	all := trials(dir)
	endless := trial{name: "endless-run", script: "trap '' TERM; sleep 306; :", times: "at: '@reboot', timeout: 10m, slow: true", options: "format: exit"}
	e.reload(configuration(e.marker, append(slices.Clone(all), endless)))
	if !eventually(60*time.Second, func() bool { return e.has("sleep 306") }) {
		t.Fatal("the check that is removed later does not run")
	}
	for _, c := range all {
		e.checkOutcome(c)
	}
	// While some hang, the others run and no scrape waits.
	s, _ := e.scrape()
	runsBefore, _ := s.get("host_check_runs_total", "check", "number")
	e.until(60*time.Second, "the successful checks go on", func(s samples) bool {
		runs, _ := s.get("host_check_runs_total", "check", "number")
		return runs >= runsBefore+3
	})
	for _, m := range s.Exposition["host_exporter_collector_state"].GetMetric() {
		for _, l := range m.GetLabel() {
			if l.GetName() == "reason" && slices.Contains([]string{"error", "timeout", "panic"}, l.GetValue()) {
				t.Errorf("a collector has failed: %v", m)
			}
		}
	}
	if dropped, _ := s.get("host_check_samples_dropped_total", "check", "many", "reason", "limit"); dropped < 100 || len(s.Exposition["e2e_many"].GetMetric()) != 200 {
		t.Errorf("of 300 series %v are dropped and %d served, want 100 a run and 200", dropped, len(s.Exposition["e2e_many"].GetMetric()))
	}
	busy := e.medianScrape(20)
	t.Logf("a scrape takes %v without checks, %v with checks", quiet, busy)
	if busy > 10*quiet+250*time.Millisecond {
		t.Errorf("a scrape takes %v with checks, and %v without", busy, quiet)
	}

	e.reload(configuration(e.marker, all)) // without the one that runs
	if !eventually(30*time.Second, func() bool { return !e.has("sleep 306") }) {
		t.Errorf("a removed check runs on: %q", e.left())
	}
	if s, _ := e.scrape(); s.hasCheck("endless-run") {
		t.Error("a removed check still has series")
	}
	e.reload("")
	e.checkNothingLeft(before)
}

// checkOutcome waits until a check has had its expected outcome.
func (e *exporter) checkOutcome(c trial) {
	e.t.Helper()
	s := e.until(90*time.Second, "check "+c.name+" runs", func(s samples) bool { _, ok := s.get("host_check_up", "check", c.name); return ok })
	up, _ := s.get("host_check_up", "check", c.name)
	if c.reasons == nil {
		if up != 1 {
			s = e.until(30*time.Second, c.name+" is up", func(s samples) bool { up, _ := s.get("host_check_up", "check", c.name); return up == 1 })
		}
		if v, ok := s.get(c.sample); !ok || v != c.value {
			e.t.Errorf("%s: have %v (%v), want %s %v", c.name, v, ok, c.sample, c.value)
		}
		return
	}
	known := slices.ContainsFunc(c.reasons, func(r string) bool {
		n, ok := s.get("host_check_failures_total", "check", c.name, "reason", r)
		return ok && n >= 1
	})
	if up != 0 || !known {
		e.t.Errorf("%s: up is %v, want a failure by one of %q: %v", c.name, up, c.reasons, s.Exposition["host_check_failures_total"])
	}
	if took, ok := s.get("host_check_duration_seconds", "check", c.name); !ok || took > 10 {
		e.t.Errorf("%s: took %v s (%v), want at most 10 s", c.name, took, ok)
	}
	for name := range s.Exposition {
		if strings.HasPrefix(name, "e2e_"+c.name) {
			e.t.Errorf("%s has failed, but %s is served", c.name, name)
		}
	}
}

// hasCheck reports whether there are series of a check.
func (s samples) hasCheck(check string) bool {
	for name := range s.Exposition {
		if _, ok := s.get(name, "check", check); ok && strings.HasPrefix(name, "host_check_") {
			return true
		}
	}
	return false
}

// medianScrape returns the median duration of n scrapes.
func (e *exporter) medianScrape(n int) time.Duration {
	var all []time.Duration
	for range n {
		_, took := e.scrape()
		all = append(all, took)
	}
	slices.Sort(all)
	return all[n/2]
}

// checkNothingLeft checks that no check has left a process or a series, and that
// the exporter has no more goroutines and descriptors than before.
func (e *exporter) checkNothingLeft(before samples) {
	e.t.Helper()
	var left []string
	if !eventually(30*time.Second, func() bool { left = e.left(); return len(left) == 0 }) {
		e.t.Errorf("processes are left: %q", left)
	}
	e.checkResources(before)
	s, _ := e.scrape()
	for name := range s.Exposition {
		if strings.HasPrefix(name, "host_check_") || strings.HasPrefix(name, "e2e_") {
			e.t.Errorf("%s is left", name)
		}
	}
}

// checkResources waits until the exporter has no more goroutines and descriptors
// than before, apart from a few connections of the test.
func (e *exporter) checkResources(before samples) {
	e.t.Helper()
	for _, name := range []string{"go_goroutines", "process_open_fds"} {
		was, ok := before.get(name)
		if !ok {
			e.t.Fatalf("there is no %s", name)
		}
		s := e.until(30*time.Second, fmt.Sprintf("%s is %v again", name, was), func(s samples) bool { now, _ := s.get(name); return now <= was+6 })
		now, _ := s.get(name)
		e.t.Logf("%s: %v before, %v after", name, was, now)
	}
}
