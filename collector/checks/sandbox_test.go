package checks

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/go-kit/log"

	"github.com/hostexporter/host_exporter/collector/checks/internal/definition"
	"github.com/hostexporter/host_exporter/collector/checks/internal/sandbox"
)

// TestSandboxWarning applies checks on kernels with all, some and nothing of Landlock,
// and on one that returns an error.
func TestSandboxWarning(t *testing.T) {
	define := func(name string, mode sandbox.Mode) Definition {
		d := definition.New(name)
		d.Command, d.Sandbox, d.At, d.Interval = []string{"/bin/true"}, mode, "@yearly", 0
		return d
	}
	free, strict, net := define("free", sandbox.None), define("strict", sandbox.Strict), define("net", sandbox.Net)
	off := define("off", sandbox.Strict)
	off.Enabled = false
	for _, tc := range []struct {
		name    string
		version int
		err     error
		labels  string // of free, net, strict
		log     string
	}{
		{"all", 6, nil, "none net strict", ""},
		{"some", 3, nil, "none partial partial", `landlock=3 err=null checks=strict` + "\n" + `landlock=3 err=null checks=net` + "\n"},
		{"nothing", 0, nil, "none none none", `landlock=0 err=null checks=strict` + "\n" + `landlock=0 err=null checks=net` + "\n"},
		{"unknown", 0, errors.New("refused"), "none none none", `landlock=0 err=refused checks=strict` + "\n" + `landlock=0 err=refused checks=net` + "\n"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var text bytes.Buffer
			calls := 0
			c := New(Options{
				Log:      log.NewLogfmtLogger(&text),
				Landlock: func() (int, error) { calls++; return tc.version, tc.err },
				Run:      func(context.Context, Definition) Report { return Report{} },
			})
			for _, defs := range [][]Definition{{free, off}, {free, strict, off}, {free, strict}, {free, strict, net}} {
				if err := c.Apply(defs); err != nil {
					t.Fatal(err)
				}
				if len(defs) == 2 && defs[1].Name == "off" && calls > 0 {
					t.Error("want no call of Landlock without a sandbox")
				}
			}
			var labels []string
			for _, s := range c.Status() {
				labels = append(labels, string(s.Sandbox))
			}
			if have := strings.Join(labels, " "); have != tc.labels {
				t.Errorf("labels %s, want %s", have, tc.labels)
			}
			have := ""
			for line := range strings.Lines(text.String()) {
				if _, rest, found := strings.Cut(line, `level=warn msg="Kernel does not enforce the whole sandbox of checks" `); found {
					have += rest
				}
			}
			if have != tc.log {
				t.Errorf("log\n%swant\n%s", text.String(), tc.log)
			}
			if calls != 1 {
				t.Errorf("%d calls of Landlock, want 1", calls)
			}
		})
	}
}

// TestSandboxedRun runs commands with the sandboxes of their definitions.
func TestSandboxedRun(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	_, defs := newProcessChecks(t, `
a: {shell: 'test -w "$TMPDIR" && echo x 1', sandbox: strict, format: kv, metrics: [{name: x}]}
b: {shell: 'echo x 1', sandbox: strict, sandbox-required: true, format: kv, metrics: [{name: x}]}
c: {shell: 'echo x 1', sandbox: net, writable: [/nothing/there], format: kv, metrics: [{name: x}]}
`)
	c := New(Options{Landlock: func() (int, error) { return 0, nil }})
	defer c.Close(context.Background())
	for name, want := range map[string]string{"a": "", "b": "sandbox", "c": "spawn"} {
		if out := c.RunOnce(context.Background(), defs[name]); string(out.Reason) != want {
			t.Errorf("%s: %s %v", name, out.Reason, out.Err)
		}
	}
}
