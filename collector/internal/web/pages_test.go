package web

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/go-kit/log"

	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/health"
	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
	"github.com/hostexporter/host_exporter/collector/internal/scrape"
)

// A result is a collector whose Update has a result.
type result struct {
	emit bool
	err  error
	*metric.Family
}

func (c *result) Update(_ context.Context, out *metric.Sink) error {
	if c.emit {
		out.Emit(c.Family, 1)
		if c.err != nil {
			out.Error(c.err)
			return nil
		}
	}
	return c.err
}

func resultUnit(t *testing.T, name string, emit bool, err error) *collect.Unit {
	t.Helper()
	spec := collect.Spec{Name: name, Help: "Help of " + name + ".", Build: collect.Plain(func(env *collect.Env) *result {
		return &result{emit, err, env.Metrics.Gauge("node_"+name, "One.")}
	})}
	u, err := collect.NewUnit(spec, &host.Host{Now: time.Now}, log.NewNopLogger(), func(string) bool { return false }, nil)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// pageConfig returns a configuration with collectors in each state, checks and an
// expectation.
func pageConfig(t *testing.T) Config {
	units := []*collect.Unit{
		resultUnit(t, "absent", false, collect.ErrNoData),
		resultUnit(t, "cpu", true, nil),
		resultUnit(t, "partly", true, errors.New("/sys/x:1: <broken>")),
		resultUnit(t, "fails", false, errors.New("/proc/y: no")),
	}
	engine := scrape.NewEngine()
	engine.AppendText(t.Context(), nil, scrape.Request{Units: units})
	units = append(units, resultUnit(t, "waits", true, nil))
	checks := []Check{
		{Name: "good", State: "ok", Label: "ok"},
		{Name: "drops", State: "partial", Label: "1 sample dropped"},
		{Name: "bad", State: "error", Label: "exit", Reason: "exit", Err: "/opt/secret/bad: exit code 3", Program: "/opt/secret/bad", Command: "/opt/secret/bad --password=hunter2", Stderr: "first \x1b[31mline\nsecond\tline\n"},
		{Name: "gone", State: "error", Label: "spawn", Reason: "spawn", Err: "/opt/secret: no such directory", Program: "/opt/secret/gone", Command: "/opt/secret/gone"},
	}
	return Config{
		Metrics:     NewMetrics(MetricsConfig{Engine: engine, Log: log.NewNopLogger(), Connections: NewConnections(100), MaxWaiting: 8 << 20}),
		MetricsPath: "/metrics", Hostname: "db1", Now: time.Now,
		Units:  func() []*collect.Unit { return units },
		Checks: func() []Check { return append([]Check(nil), checks...) },
		Check: func(name string) *CheckDetails {
			for _, c := range checks {
				if c.Name == name {
					return &CheckDetails{Check: c, Schedule: "every 1m"}
				}
			}
			return nil
		},
		Collector: func(_ context.Context, name string) *Collector {
			if u := collect.UnitByName(units, name); u != nil {
				return &Collector{Unit: u, Spec: u.Spec, Origin: "default", Settings: []Setting{{Name: "timeout", Value: "5s", Default: "5s", Origin: "default"}, {Name: "device", Value: "<x>", Origin: "/etc/x.yml:3"}}}
			}
			return nil
		},
		Health: func(context.Context, bool) (Health, error) {
			return Health{Report: &health.Report{}, Expectations: []Expectation{{Name: "met", State: "ok", Label: "ok"}, {Name: "unmet", State: "error", Label: "not met", Missing: []string{"x < 1"}, Samples: []string{"x 2"}, Count: 3}}}, nil
		},
		HasExpectations: func() bool { return true },
		Effective:       func() []byte { return []byte("collectors:\n") },
		Settings: func() Settings {
			return Settings{Listeners: []Listener{{"tcp :9100", "no", "none"}}, Flags: []Setting{{Name: "--web.max-requests", Value: "40", Default: "40", Origin: "default"}}}
		},
	}
}

func getPage(t *testing.T, c Config, path, accept string) *httptest.ResponseRecorder {
	t.Helper()
	h, err := NewHandler(c)
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequest(http.MethodGet, path, nil)
	r.Host = "localhost"
	r.Header.Set("Accept", accept)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// inOrder reports whether texts are in a page in this order.
func inOrder(page string, texts ...string) bool {
	for _, text := range texts {
		_, rest, ok := strings.Cut(page, text)
		if !ok {
			return false
		}
		page = rest
	}
	return true
}

func TestPages(t *testing.T) {
	c := pageConfig(t)
	for path, want := range map[string][]string{
		"/":                  {`<title>ok: db1</title>`, `aria-current="page">Host`, `title="2 to look at">2<`, `title="3 to look at">3<`, `id="verdict"`, `id="live" hidden`, "check-bad", "check-gone", "check-drops", "check-good", "expectation-unmet", "expectation-met", `id="fails"`, `id="partly"`, "&lt;broken&gt;", `id="waits"`, `id="cpu"`, `id="absent"`},
		"/collectors":        {"1 failing", "1 partial", "1 ok, 1 without data", `id="fails"`},
		"/collectors/partly": {`<span class="s partial">partial</span>`, "&lt;broken&gt;", "timeout", `class="explicit"`, "&lt;x&gt;", "/etc/x.yml:3"},
		"/checks":            {"check-bad", "check-drops", "1 sample dropped"},
		"/checks/bad":        {"exit code 3", "--web.show-check-runs", "every 1m"},
		"/expectations":      {"unmet", "x 2", "and 2 more", "met"},
	} {
		w := getPage(t, c, path, "text/html")
		page := w.Body.String()
		if w.Code != http.StatusOK || !inOrder(page, want...) {
			t.Errorf("%s: %d, want %q in this order:\n%s", path, w.Code, want, page[strings.Index(page, "<body>"):])
		}
		for _, not := range []string{"secret", "hunter2", "second", "ZgotmplZ", "<script>", "style=", "onclick"} {
			if strings.Contains(page, not) {
				t.Errorf("%s has %s", path, not)
			}
		}
		style := styleElement.FindStringSubmatch(page)
		if have, want := w.Header().Get("Content-Security-Policy"), contentSecurityPolicy(style[1]); have != want {
			t.Errorf("%s: the policy is %s, the style of the page needs %s", path, have, want)
		}
	}
	for _, path := range []string{"/collectors/nothing", "/checks/nothing", "/checks/%3Cb%3E"} {
		if w := getPage(t, c, path, "text/html"); w.Code != http.StatusNotFound || strings.Contains(w.Body.String(), "<b>") {
			t.Errorf("%s: %d\n%s", path, w.Code, w.Body)
		}
	}
	c.Authenticated = func(*http.Request) bool { return true }
	page := getPage(t, c, "/checks/bad", "text/html").Body.String()
	if !inOrder(page, "/opt/secret/bad: exit code 3", "first [31mline\nsecond    line\n</pre>", "--password=hunter2") || strings.Contains(page, "--web.show-check-runs") {
		t.Errorf("for an authenticated client:\n%s", page)
	}
	c.Health = func(context.Context, bool) (Health, error) { return Health{}, errors.New("no rules") }
	if page := getPage(t, c, "/", "text/html").Body.String(); !strings.Contains(page, "unknown: no rules") {
		t.Errorf("without health:\n%s", page)
	}
}

// TestConfigurationPage requests the configuration as a browser and as curl do.
func TestConfigurationPage(t *testing.T) {
	c := pageConfig(t)
	for _, tc := range []struct{ path, accept, contentType, want string }{
		{"/config", "*/*", "text/plain; charset=utf-8", "collectors:\n"},
		{"/config", "", "text/plain; charset=utf-8", "collectors:\n"},
		{"/config?format=yaml", "text/html", "text/plain; charset=utf-8", "collectors:\n"},
		{"/config", "text/html,application/xhtml+xml", "text/html; charset=utf-8", "tcp :9100"},
	} {
		w := getPage(t, c, tc.path, tc.accept)
		if have := w.Header().Get("Content-Type"); have != tc.contentType || !strings.Contains(w.Body.String(), tc.want) {
			t.Errorf("%s as %q: %s\n%s", tc.path, tc.accept, have, w.Body)
		}
	}
}

// TestAssets requests all assets of the first page, and one of another version.
func TestAssets(t *testing.T) {
	c := pageConfig(t)
	page := getPage(t, c, "/", "text/html").Body.String()
	urls := regexp.MustCompile(`"(/assets/[^"]*)"`).FindAllStringSubmatch(page, -1)
	if len(urls) != 6 {
		t.Errorf("%d assets: %q", len(urls), urls)
	}
	for _, u := range urls {
		w := getPage(t, c, u[1], "*/*")
		h := w.Header()
		if w.Code != http.StatusOK || w.Body.Len() == 0 || !strings.Contains(h.Get("Cache-Control"), "immutable") || h.Get("X-Content-Type-Options") != "nosniff" || h.Get("Content-Type") == "" {
			t.Errorf("%s: %d %v", u[1], w.Code, h)
		}
	}
	for _, path := range []string{"/assets/", "/assets/charts.js", "/assets/000000000000/charts.js", "/assets/../web.go", strings.Replace(urls[0][1], "/icon.svg", "/charts.js", 1)} {
		if w := getPage(t, c, path, "*/*"); w.Code == http.StatusOK || strings.Contains(w.Header().Get("Cache-Control"), "immutable") {
			t.Errorf("%s: %d %v", path, w.Code, w.Header())
		}
	}
}

// TestAssetsOfUPlot checks that the files of uPlot are those of its package uplot
// 1.6.32 in npm.
func TestAssetsOfUPlot(t *testing.T) {
	for name, want := range map[string]string{
		"uPlot.iife.min.js": "19c8d4c6ad88929a79f4ae49d6f7161566dfd0ba3d15cc495e974f787eb78f1f",
		"uPlot.min.css":     "df630c6a8d6f8eeaff264b50f73ce5b114f646ffd9a0bb74f049b0a00135fa04",
		"uPlot.LICENSE":     "8f989229699b4fe2f1a0432d0e9edc338a8a911e250e2d1b01ecd770a5f5b1bd",
	} {
		b, err := embedded.ReadFile("assets/" + name)
		if err != nil {
			t.Fatal(err)
		}
		if sum := sha256.Sum256(b); hex.EncodeToString(sum[:]) != want {
			t.Errorf("%s has the hash %x, want %s", name, sum, want)
		}
	}
}

func TestDurations(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0s", 400 * time.Millisecond: "0s", 90 * time.Second: "1m30s", 3*time.Hour + 61*time.Second: "3h1m", 50 * time.Hour: "2d2h", 48 * time.Hour: "2d0h",
	} {
		if have := shortDuration(d); have != want {
			t.Errorf("%v is %s, want %s", d, have, want)
		}
	}
	now := time.Date(2026, 1, 3, 12, 0, 0, 0, time.UTC)
	for age, want := range map[time.Duration]string{time.Second: "first seen now", 90 * time.Second: "since 11:58:30 UTC, 1m30s ago", 30 * time.Hour: "since 2026-01-02 06:00 UTC, 30h0m ago"} {
		if have := seen(now.Add(-age), now); have != want {
			t.Errorf("%v: %s, want %s", age, have, want)
		}
	}
	for d, want := range map[time.Duration]string{1234567: "1.23ms", 999: "999ns", 12345 * time.Millisecond: "12.3s"} {
		if have := roundDuration(d); have != want {
			t.Errorf("%d is %s, want %s", d, have, want)
		}
	}
}
