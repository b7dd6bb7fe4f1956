package exporter

import (
	"bytes"
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/go-kit/log"

	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
	"github.com/hostexporter/host_exporter/collector/internal/test/golden"
)

// bondSpec returns a collector of a bond with two interfaces, of which a number is
// up.
func bondSpec(up *atomic.Int64) collect.Spec {
	return toySpec("bonding", 0, func(set *metric.Set, out *metric.Sink) error {
		out.Emit(set.Gauge("node_bonding_slaves", "Interfaces.", "master"), 2, "bond0")
		out.Emit(set.Gauge("node_bonding_active", "Interfaces that are up.", "master"), float64(up.Load()), "bond0")
		return nil
	})
}

// TestHealthOfRecordedHost judges a recorded host by all ways, which say the same.
func TestHealthOfRecordedHost(t *testing.T) {
	e := newExporter(t, Config{host: golden.Load(t, "../../testdata/hosts/san.host", golden.TempDir(t))})
	const problem = "The file system at /usr/lib/modules (modules) cannot be read: stale file handle."
	var text bytes.Buffer
	err := e.Health(t.Context(), &text, HealthOptions{Format: "text"})
	unhealthy, ok := errors.AsType[*HealthError](err)
	if !ok || unhealthy.ExitCode() != 1 || unhealthy.Verdict != "warning" {
		t.Errorf("have error %v", err)
	}
	if !strings.HasPrefix(text.String(), "san: warning, 4 warnings, 1 note\n") || !strings.Contains(text.String(), "\n  "+problem+"\n") {
		t.Errorf("have\n%s", &text)
	}
	var report bytes.Buffer
	_ = e.Doctor(t.Context(), &report, DoctorOptions{}) // its error is about the collectors
	if !strings.Contains(report.String(), "\nhealth: warning, 4 warnings, 1 note (host_exporter health says what to do)\n") || !strings.Contains(report.String(), "\n  warning: "+problem+"\n") {
		t.Errorf("doctor:\n%s", &report)
	}
	page := get(e, "/").Body.String()
	for _, want := range []string{
		`<p class="verdict warning" id="verdict"><strong>warning</strong>: 4 warnings, 1 note</p>`, "<p>" + problem + ` <small title="2026-11-22 12:06:38 UTC">first seen now</small></p>`,
		`<a href="https://github.com/hostexporter/host_exporter/blob/main/docs/alerts.md#hostfilesystemdeviceerror">file-system-error</a>`,
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the page has no %s:\n%.4000s", want, page)
		}
	}
	if strings.Index(page, problem) > strings.Index(page, "<table") {
		t.Error("the problems do not come first")
	}
	rec := get(e, "/health")
	if !strings.Contains(rec.Body.String(), "\n  "+problem+" Seen since 2026-11-22 12:06:38 UTC.\n") || rec.Header().Get("Host-Exporter-Verdict") != "warning" {
		t.Errorf("/health: %v\n%s", rec.Header(), rec.Body)
	}
	if rec := get(e, "/health?format=json"); !strings.Contains(rec.Body.String(), `"problem": "`+problem+`"`) || rec.Header().Get("Content-Type") != "application/json" {
		t.Errorf("/health?format=json: %v\n%s", rec.Header(), rec.Body)
	}
	if rec := get(e, "/health?format=xml"); rec.Code != http.StatusBadRequest {
		t.Errorf("/health?format=xml: %d", rec.Code)
	}
	if strings.Contains(get(e, "/metrics").Body.String(), "host_exporter_health") {
		t.Error("the metric is exported by default")
	}
}

// TestHealthMetric changes the state of a bond: metric, log and page follow.
func TestHealthMetric(t *testing.T) {
	var up atomic.Int64
	var logged bytes.Buffer
	up.Store(2)
	e, reload := newConfiguredExporter(t, Config{specs: []collect.Spec{bondSpec(&up), steadySpec("a")}, Log: log.NewLogfmtLogger(&logged)},
		"health: {metrics: true}\nexpect: {all: node_bonding_active == 2, one: toy_a}\n")
	metrics := func(query string) string {
		var lines []string
		for line := range strings.Lines(get(e, "/metrics"+query).Body.String()) {
			if rest, ok := strings.CutPrefix(line, "host_exporter_health{rule="); ok && strings.Contains(rest, "bond-") {
				lines = append(lines, rest)
			}
		}
		slices.Sort(lines) // as the ordinary road does
		return strings.Join(lines, "")
	}
	check := func(want string) {
		t.Helper()
		for _, query := range []string{"", "?checked=1", "?collect[]=bonding", "?exclude[]=a", "?name[]=host_exporter_health"} {
			if have := metrics(query); have != want {
				t.Errorf("%q: have\n%swant\n%s", query, have, want)
			}
		}
		if have := metrics("?collect[]=a"); have != "" {
			t.Errorf("without the collector:\n%s", have)
		}
	}
	const healthy, degraded = "\"bond-degraded\"} 1\n\"bond-down\"} 1\n", "\"bond-degraded\"} 0\n\"bond-down\"} 1\n"
	check(healthy)
	if strings.Contains(logged.String(), "Health rule") {
		t.Errorf("logged of a healthy host:\n%s", &logged)
	}
	up.Store(1)
	check(degraded)
	check(degraded)
	page := get(e, "/").Body.String()
	for _, want := range []string{`<strong>warning</strong>: 2 warnings`, "<p>Bond bond0 has 1 of 2 interfaces up. <small title=", `<tr id="expectation-all">`, `<span class="s error">not met</span>`,
		"node_bonding_active{master=&#34;bond0&#34;} == 2", `<tr id="expectation-one">`} {
		if !strings.Contains(page, want) {
			t.Errorf("the page has no %s:\n%.5000s", want, page)
		}
	}
	up.Store(2)
	check(healthy)
	for _, want := range []string{
		`level=warn msg="Health rule finds problems" rule=bond-degraded severity=warning problems=1 first="Bond bond0 has 1 of 2 interfaces up."`,
		`level=warn msg="Health rule finds problems" rule=expectation-not-met severity=warning problems=1 first="Expectation all is not met: want node_bonding_active{master=\"bond0\"} == 2."`,
		`level=info msg="Health rule finds no problem any more" rule=bond-degraded`,
	} {
		if n := strings.Count(logged.String(), want); n != 1 {
			t.Errorf("%d times %s in the log:\n%s", n, want, &logged)
		}
	}

	if err := reload("health: {metrics: true, bond-down: false}\n"); err != nil {
		t.Fatal(err)
	}
	check("\"bond-degraded\"} 1\n")
	if err := reload("health: {bond-down: {severity: bad}}\n"); err == nil {
		t.Error("an unknown severity is accepted")
	}
	check("\"bond-degraded\"} 1\n")
	if err := reload("health: {bond-down: false}\n"); err != nil {
		t.Fatal(err)
	}
	if have := metrics(""); have != "" {
		t.Errorf("the metric is exported by default:\n%s", have)
	}
	if config := get(e, "/config").Body.String(); !strings.Contains(config, "\n  bond-down:\n    enabled: false\n") {
		t.Errorf("/config:\n%s", config)
	}
	if err := reload(""); err != nil {
		t.Fatal(err)
	}
	if config := get(e, "/config").Body.String(); !strings.Contains(config, "\n  bond-down:\n    enabled: true\n") {
		t.Errorf("/config:\n%s", config)
	}
}

// TestHealthWithoutData judges a host of which nothing is known.
func TestHealthWithoutData(t *testing.T) {
	e := newExporter(t, Config{specs: []collect.Spec{toySpec("none", 0, func(*metric.Set, *metric.Sink) error { return collect.ErrNoData })}})
	var text bytes.Buffer
	if err := e.Health(t.Context(), &text, HealthOptions{Format: "text"}); err != nil || !strings.HasSuffix(text.String(), ": ok, no problems\n") {
		t.Errorf("%v\n%s", err, &text)
	}
}

// TestHealthOfChecks has a check, which only the exporter that runs it can judge.
func TestHealthOfChecks(t *testing.T) {
	e, _ := newConfiguredExporter(t, Config{}, "disable-defaults: true\nchecks: {a: {command: [/bin/false], interval: 1h, format: exit, metric: a_ok}}\n")
	var text bytes.Buffer
	if err := e.Health(t.Context(), &text, HealthOptions{Format: "text"}); err != nil || !strings.HasSuffix(text.String(), "with --url.\n") {
		t.Errorf("%v\n%s", err, &text)
	}
}

// TestRemoteHealth asks exporters over TCP and over a unix socket, and what is no
// exporter.
func TestRemoteHealth(t *testing.T) {
	var up atomic.Int64
	e := newExporter(t, Config{specs: []collect.Spec{bondSpec(&up)}})
	tcp := httptest.NewServer(e)
	defer tcp.Close()
	socket := filepath.Join(t.TempDir(), "socket")
	listener, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	local := &http.Server{Handler: e}
	defer local.Close()
	go func() { _ = local.Serve(listener) }()
	other := httptest.NewServer(http.NotFoundHandler())
	defer other.Close()
	silent := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer silent.Close()
	for _, address := range []string{tcp.URL, tcp.URL + "/", "unix://" + socket} {
		for active, code := range map[int64]int{0: 2, 1: 1, 2: 0} {
			up.Store(active)
			var text bytes.Buffer
			err := RemoteHealth(t.Context(), &text, HealthOptions{Format: "nagios", URL: address})
			have := 0
			if unhealthy, ok := errors.AsType[*HealthError](err); ok {
				have, err = unhealthy.ExitCode(), nil
			}
			if err != nil || have != code || !strings.HasPrefix(text.String(), "HOST ") {
				t.Errorf("%s with %d interfaces: exit code %d, %v\n%s", address, active, have, err, &text)
			}
		}
	}
	for address, want := range map[string]string{
		other.URL:           "404 Not Found: 404 page not found",
		silent.URL:          `want a verdict of ok, warning or critical, have ""`,
		"localhost:9100":    "want a URL such as http://localhost:9100 or unix:///run/host_exporter.sock, have \"localhost:9100\"",
		"unix:///no/socket": "no such file or directory",
	} {
		var text bytes.Buffer
		err := RemoteHealth(t.Context(), &text, HealthOptions{Format: "text", URL: address})
		if _, unhealthy := errors.AsType[*HealthError](err); err == nil || unhealthy || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: have error %v", address, err)
		}
	}
}

// TestHealthInterrupted ends a report: what is not known is not healthy.
func TestHealthInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errors.New("terminated"))
	var text bytes.Buffer
	err := newExporter(t, Config{specs: []collect.Spec{steadySpec("a")}}).Health(ctx, &text, HealthOptions{Format: "text"})
	if err == nil || err.Error() != "interrupted before all collectors had finished: terminated" || text.Len() > 0 {
		t.Errorf("%v\n%s", err, &text)
	}
}
