package checks

import (
	"context"
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/hostexporter/host_exporter/collector/checks/internal/definition"
	"github.com/hostexporter/host_exporter/collector/internal/document"
)

func TestMain(m *testing.M) {
	Supervise()
	os.Exit(m.Run())
}

// newProcessChecks returns checks that start processes, and their definitions by name.
func newProcessChecks(t *testing.T, config string) (*Checks, map[string]Definition) {
	t.Helper()
	doc := document.Parse("checks.yml", []byte(config))
	byName := map[string]Definition{}
	for _, d := range ReadDefinitions(doc.Root()) {
		byName[d.Name] = d
	}
	if f := doc.Findings(); len(f) > 0 {
		t.Fatal(f)
	}
	c := New(Options{Hostname: "host"})
	t.Cleanup(func() {
		if err := c.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return c, byName
}

func TestRunOnceWithProcesses(t *testing.T) {
	c, defs := newProcessChecks(t, `
good:
  shell: 'echo "# TYPE x gauge"; echo "x{name=\"$CHECK_NAME\",of=\"$OF\"} 1"'
  env: {OF: env}
  labels: {site: here}
fails: {shell: echo x 1; echo broken >&2; exit 3}
exits: {shell: exit 2, format: exit, metric: x_state}
accepted: {shell: echo 0; exit 1, format: number, metric: x_found, accept-codes: [1]}
hangs: {shell: sleep 60, timeout: 100ms, kill-grace: 100ms}
chatty: {shell: 'while :; do echo xxxxxxxxxxxxxxxxxxxxxxxxxxxxx; done', stdout-limit: 1KiB}
nothing: {command: /nothing/there}
garbage: {shell: echo hello world again}
`)
	for _, tc := range []struct{ name, want string }{
		{"good", ` | x{name="good",of="env",site="here"} 1`},
		{"fails", "exit | stderr broken"},
		{"exits", " | x_state 2"},
		{"accepted", " | x_found 0"},
		{"hangs", "timeout |"},
		{"chatty", "output |"},
		{"nothing", "spawn |"},
		{"garbage", "parse |"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			out := c.RunOnce(context.Background(), defs[tc.name])
			have := string(out.Reason) + " |"
			for line := range strings.Lines(text(t, out)) {
				if !strings.HasPrefix(line, "#") {
					have += " " + strings.TrimSpace(line)
				}
			}
			if out.Stderr != "" {
				have += " stderr " + strings.TrimSpace(out.Stderr)
			}
			if have != tc.want {
				t.Errorf("have %q, want %q (%v)", have, tc.want, out.Err)
			}
			if (out.Err == nil) != (out.Reason == "") {
				t.Errorf("reason %q, err %v", out.Reason, out.Err)
			}
		})
	}
}

// TestCloseLeavesNoProcess closes the checks during a run.
func TestCloseLeavesNoProcess(t *testing.T) {
	c, defs := newProcessChecks(t, "a: {shell: 'echo $$ >&2; exec sleep 600', at: '@reboot', timeout: 10m}\n")
	a := defs["a"]
	if err := c.Apply([]definition.Definition{a}); err != nil {
		t.Fatal(err)
	}
	c.Start()
	for deadline := time.Now().Add(30 * time.Second); !c.Status()[0].Running; {
		if time.Now().After(deadline) {
			t.Fatal("the check has not started")
		}
		<-time.After(time.Millisecond) // there is only the state to wait for
	}
	started := time.Now()
	if err := c.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(started); took > 15*time.Second {
		t.Errorf("closing took %v", took)
	}
	if st := c.Status()[0]; st.Running || st.Runs != 0 {
		t.Errorf("%+v", st)
	}
	var status syscall.WaitStatus
	if pid, err := syscall.Wait4(-1, &status, syscall.WNOHANG, nil); err == nil {
		t.Errorf("child process %d is left", pid)
	}
}

// TestTwoHundredProcesses runs 200 checks every 10 s for two minutes, and logs the cost.
func TestTwoHundredProcesses(t *testing.T) {
	if os.Getenv("TEST_E2E") == "" {
		t.Skip("takes two minutes; set TEST_E2E=1")
	}
	var b strings.Builder
	for i := range 200 {
		fmt.Fprintf(&b, "c%03d: {command: [/bin/echo, 'x%d 1'], interval: 10s}\n", i, i)
	}
	c, byName := newProcessChecks(t, b.String())
	var defs []Definition
	for _, d := range byName {
		defs = append(defs, d)
	}
	if err := c.Apply(defs); err != nil {
		t.Fatal(err)
	}
	c.Start()
	<-time.After(2*time.Minute + 5*time.Second)
	runs, own := uint64(0), time.Duration(0)
	for _, st := range c.Status() {
		runs += st.Runs
		own += st.CPU
		if st.Runs < 12 || len(st.Skips) > 0 || len(st.Failures) > 0 || st.Series != 1 {
			t.Errorf("%s: %d runs, skipped %v, failed %v (%v), %d series", st.Definition.Name, st.Runs, st.Skips, st.Failures, st.LastOutcome.Err, st.Series)
		}
	}
	var self, children syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &self); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Getrusage(syscall.RUSAGE_CHILDREN, &children); err != nil {
		t.Fatal(err)
	}
	t.Logf("%d runs; CPU time per run: %v of the exporter, %v of its children, %v reported for the commands", runs,
		cpuOf(self)/time.Duration(runs), cpuOf(children)/time.Duration(runs), own/time.Duration(runs))
}

func cpuOf(r syscall.Rusage) time.Duration {
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}
