package exporter

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

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

// TestCheckThatDrops has a check that succeeds and drops a sample: it is not green.
func TestCheckThatDrops(t *testing.T) {
	e, _ := newConfiguredExporter(t, Config{}, `disable-defaults: true
checks:
  a: {command: [/bin/sh, -c, "echo 'a 1'; echo 'b 2'"], metrics: [{name: a}], timeout: 10s, interval: 1h, file-size: 8MiB, env: {TOKEN: hunter2}}
`)
	s := serve(t, e, "")
	text := ""
	for deadline := time.Now().Add(30 * time.Second); !strings.Contains(text, "dropped") && time.Now().Before(deadline); {
		text = page(t, s, s.unixClient(), "/checks/a")
	}
	contains(t, "the page", text, `<span class="s partial">1 sample dropped</span>`, "b: is not declared", "dropped samples: undeclared", "a 1\n", "8MiB", "16MiB", "TOKEN (values are not shown)", e.config.File+":3", "every 1h", "echo &#39;a 1&#39;")
	if strings.Contains(text, "hunter2") {
		t.Errorf("the page has the environment:\n%s", text)
	}
	contains(t, "the first page", page(t, s, http.DefaultClient, "/"), `<span class="s partial">1 sample dropped</span>`)
}

// TestAuthenticatedClients shows standard error to a client with a password, but not
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
		text := ""
		for deadline := time.Now().Add(30 * time.Second); !strings.Contains(text, "exit code 1") && time.Now().Before(deadline); {
			text = page(t, s, http.DefaultClient, "/checks/a", login...)
		}
		if want := webConfig != ""; strings.Contains(text, "hunter3") != want || strings.Contains(text, "/bin/sh") != want {
			t.Errorf("with %q: shown %v, want %v\n%s", webConfig, !want, want, text)
		}
		contains(t, "the configuration", page(t, s, http.DefaultClient, "/config", login...), map[bool]string{false: "<td>none</td>", true: "<td>password</td>"}[webConfig != ""])
	}
}
