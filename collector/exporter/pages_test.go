package exporter

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hostexporter/host_exporter/collector/checks"
	"github.com/hostexporter/host_exporter/collector/internal/collect"
)

// page returns a page as a browser requests it.
func page(t *testing.T, s *testServer, client *http.Client, path string, header ...string) string {
	t.Helper()
	_, text := s.request(t, client, "GET", path, append(header, "Accept", "text/html")...)
	_, body, _ := strings.Cut(text, "<body>")
	return body
}

// contains checks that a page has texts.
func contains(t *testing.T, what, page string, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if !strings.Contains(page, text) {
			t.Errorf("%s has no %s:\n%s", what, text, page)
		}
	}
}

// TestOrigins sets values in the file and by flags.
func TestOrigins(t *testing.T) {
	settings, flags := NewSettings()
	for _, f := range flags {
		if value, ok := map[string]string{"collector.timeout": "loadavg=7s", "collector.hba.luns": "all", "collector.arp": "false", "collector.max-series": "1000"}[f.Name]; ok {
			if err := f.Set(value); err != nil {
				t.Fatal(err)
			}
		}
	}
	e, _ := newConfiguredExporter(t, Config{Settings: settings, Flags: []FlagValue{{Name: "web.max-requests", Value: "9", Default: "40", Origin: "--web.max-requests"}}}, `collectors:
  loadavg:
    interval: 1m
    timeout: 3s
  hba:
    luns: none
    host-include: host1
  uname: false
  meminfo: {max-series: 77}
expect: {x: node_load1 < 0}
health: {memory-low: false}
`)
	s := serve(t, e, "")
	file := e.config.File
	for path, want := range map[string][]string{
		"/config": {"tcp 127.0.0.1:", "unix ", file + ":10", ">x<", "memory-low", "disabled", file + ":11", "--web.max-requests", ">9<"},
		"/collectors/loadavg": {
			`<td class="value"><code>7s</code></td><td class="value"><code>5s</code></td><td class="value">--collector.timeout</td>`,
			`<td class="value"><code>1m0s</code></td><td class="value"><code>0s</code></td><td class="value">` + file + ":3</td>",
			`<td class="value"><code>1000</code></td><td class="value"><code>250000</code></td><td class="value">--collector.max-series</td>`,
			"node_load15", "/proc/loadavg",
		},
		"/collectors/hba":     {`<td class="value">--collector.hba.luns</td>`, `<code>host1</code></td><td class="value"><code></code></td><td class="value">` + file + ":7</td>"},
		"/collectors/uname":   {file + ":8: <code>--collector.uname</code> enables it", "node_uname_info"},
		"/collectors/arp":     {"--no-collector.arp: <code>"},
		"/collectors/meminfo": {"<code>77</code>", file + ":9</td>"},
		"/expectations":       {"node_load1 &lt; 0", "Defined in " + file + ":10", ">node_load1 "},
	} {
		contains(t, path, page(t, s, http.DefaultClient, path), want...)
	}
}

// TestCheckRows checks the state of a check for its last run: one that succeeds and
// drops samples is not green.
func TestCheckRows(t *testing.T) {
	e := newExporter(t, Config{specs: []collect.Spec{}})
	ran := checks.Status{HasRun: true}
	for _, tc := range []struct {
		change       func(*checks.Status)
		state, label string
	}{
		{func(s *checks.Status) { s.HasRun, s.Running = false, true }, "", "not run yet, running"},
		{func(*checks.Status) {}, "ok", "ok"},
		{func(s *checks.Status) { s.LastOutcome.Drops = s.LastOutcome.Drops.With("undeclared", 1) }, "partial", "1 sample dropped"},
		{func(s *checks.Status) {
			s.LastOutcome.Drops = s.LastOutcome.Drops.With("undeclared", 1).With("conflict", 2)
		}, "partial", "3 samples dropped"},
		{func(s *checks.Status) { s.Drops = s.Drops.With("undeclared", 1) }, "ok", "ok"}, // by an earlier run
		{func(s *checks.Status) { s.LastOutcome.Reason = "timeout" }, "error", "timeout"},
		{func(s *checks.Status) { s.LastOutcome.Reason, s.Suspended = "timeout", true }, "error", "suspended"},
	} {
		s := ran
		tc.change(&s)
		if row := e.newCheckRow(s); row.State != tc.state || row.Label != tc.label {
			t.Errorf("%+v: %q %q, want %q %q", s, row.State, row.Label, tc.state, tc.label)
		}
	}
}

// TestCheckSettings checks that limits are shown with their defaults, and no values of
// the environment.
func TestCheckSettings(t *testing.T) {
	d := checks.NewDefinition("a")
	d.Memory, d.Env, d.Timeout = 64<<20, map[string]string{"TOKEN": "hunter2"}, 3*time.Second
	text := ""
	for _, s := range checkSettings(d, checks.Status{Interval: time.Minute}) {
		text += fmt.Sprintf("%s %s %s %v\n", s.Name, s.Value, s.Default, s.IsDefault())
	}
	for _, want := range []string{"timeout 3s 10s false\n", "memory 64MiB 128MiB false\n", "ttl 3m0s 3m0s true\n", "cpu 6s 6s true\n", "stdout-limit 256KiB 256KiB true\n", "env TOKEN (values are not shown)"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	if strings.Contains(text, "hunter2") {
		t.Errorf("the environment is in\n%s", text)
	}
}

// TestAuthenticatedClients shows the command of a check to a client with a password, but not
// to one with any password while the listener asks for none.
func TestAuthenticatedClients(t *testing.T) {
	const hash = "$2a$04$FFsA05N24DHkOp1uSTkufe47oissARcn2YZw9TGXbfIrneniW72xi" // of the password right
	file := filepath.Join(t.TempDir(), "web.yml")
	if err := os.WriteFile(file, []byte("basic_auth_users: {someone: '"+hash+"'}\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	const config = "disable-defaults: true\nchecks: {a: {command: [/bin/sh, -c, 'echo hunter3 >&2; exit 1'], timeout: 10s, interval: 1h}}\n"
	login := []string{"Authorization", "Basic c29tZW9uZTpyaWdodA=="} // someone:right
	for _, webConfig := range []string{"", file} {
		e, _ := newConfiguredExporter(t, Config{specs: []collect.Spec(nil)}, config)
		s := serve(t, e, webConfig)
		text := page(t, s, http.DefaultClient, "/checks/a", login...)
		if want := webConfig != ""; strings.Contains(text, "hunter3") != want || strings.Contains(text, "/bin/sh") != want {
			t.Errorf("with %q: shown %v, want %v\n%s", webConfig, !want, want, text)
		}
		contains(t, "the configuration", page(t, s, http.DefaultClient, "/config", login...), map[bool]string{false: "<td>none</td>", true: "<td>password</td>"}[webConfig != ""])
	}
}
