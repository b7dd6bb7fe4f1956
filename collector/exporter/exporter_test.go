package exporter

import (
	"bufio"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
)

// A toy is a collector made of a function.
type toy struct {
	set    *metric.Set
	update func(set *metric.Set, out *metric.Sink) error
}

func (c *toy) Update(_ context.Context, out *metric.Sink) error { return c.update(c.set, out) }

func toySpec(name string, timeout time.Duration, update func(set *metric.Set, out *metric.Sink) error) collect.Spec {
	return collect.Spec{Name: name, Help: "A toy.", Timeout: timeout, Build: collect.Plain(func(env *collect.Env) *toy {
		env.Metrics.AllowDynamic()
		return &toy{env.Metrics, update}
	})}
}

// steadySpec returns a collector that emits one sample.
func steadySpec(name string) collect.Spec {
	return toySpec(name, 0, func(set *metric.Set, out *metric.Sink) error {
		out.Emit(set.Gauge("toy_"+name, "A value."), 1)
		return nil
	})
}

func newExporter(t testing.TB, c Config) *Exporter {
	t.Helper()
	c.MetricsPath, c.AllowedHosts = "/metrics", []string{"example.com"} // as httptest.NewRequest has it
	if c.host == nil {
		c.host = host.Live(host.Paths{Procfs: "/proc", Sysfs: "/sys", Rootfs: "/"})
	}
	e, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func get(h http.Handler, target string, header ...string) *httptest.ResponseRecorder {
	req := httptest.NewRequest("GET", target, nil)
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, req)
	return rec
}

func TestEndpoints(t *testing.T) {
	off := steadySpec("off")
	off.DisabledByDefault = true
	e := newExporter(t, Config{specs: []collect.Spec{steadySpec("a"), steadySpec("b"), off}})
	for _, tc := range []struct {
		target string
		code   int
		want   string
	}{
		{"/metrics", 200, "toy_a 1\n"},
		{"/metrics", 200, "node_exporter_build_info{"},
		{"/metrics", 200, `node_scrape_collector_success{collector="b"} 1`},
		{"/metrics?collect[]=b", 200, "toy_b 1\n"},
		{"/metrics?collect[]=nonsense", 400, `"nonsense"`},
		{"/metrics?collect[]=off", 400, `disabled collector: "off"`},
		{"/metrics?collect[]=", 400, `unknown collector: ""`},
		{"/metrics?exclude[]=nonsense", 200, "toy_a 1\n"},
		{"/metrics?exclude[]=", 200, "toy_a 1\n"},
		{"/metrics?exclude[]=off&exclude[]=nonsense&exclude[]=a", 200, "toy_b 1\n"},
		{"/metrics?collect[]=a&exclude[]=b", 400, "cannot"},
		{"/metrics?checked=1", 200, "toy_a 1\n"},
		{"/metrics?checked=1&name[]=toy_a", 200, "toy_a 1\n"},
		{"/-/healthy", 200, "healthy"},
		{"/-/ready", 200, "ready"},
		{"/", 200, "<h1>Is this host OK?</h1>"},
		{"/metrics/", 404, ""},
		{"/nothing", 404, ""},
		{"/debug/pprof/", 404, ""},
		{"/metrics?%zz;;&&==&collect[=x", 200, "toy_a 1\n"},
	} {
		rec := get(e, tc.target)
		if rec.Code != tc.code || !strings.Contains(rec.Body.String(), tc.want) {
			t.Errorf("%s: %d\n%s\nwant %d with %q", tc.target, rec.Code, rec.Body, tc.code, tc.want)
		}
	}
	for target, missing := range map[string]string{
		"/metrics":                         "toy_off",
		"/metrics?collect[]=b":             "toy_a",
		"/metrics?exclude[]=a":             "toy_a",
		"/metrics?exclude[]=x&exclude[]=a": "toy_a",
		"/metrics?name[]=toy_a":            "toy_b",
		"/metrics?name[]=toy_b&other=1":    "node_scrape",
	} {
		if body := get(e, target).Body.String(); strings.Contains(body, missing) {
			t.Errorf("%s has %s:\n%s", target, missing, body)
		}
	}
	if rec := get(newExporter(t, Config{Pprof: true}), "/debug/pprof/"); rec.Code != 200 {
		t.Errorf("with pprof: %d", rec.Code)
	}
}

func TestMethods(t *testing.T) {
	e := newExporter(t, Config{specs: []collect.Spec{steadySpec("a")}})
	for method, code := range map[string]int{"HEAD": 200, "POST": 405, "DELETE": 405} {
		rec := httptest.NewRecorder()
		e.ServeHTTP(rec, httptest.NewRequest(method, "/metrics", nil))
		if rec.Code != code || method == "HEAD" && rec.Body.Len() != 0 {
			t.Errorf("%s: %d, %d bytes", method, rec.Code, rec.Body.Len())
		}
	}
}

// The Accept headers of Prometheus: 2.42, 3.x, and 3.x with native histograms.
const (
	acceptOld    = "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
	acceptNew    = "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2"
	acceptNative = "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;q=0.7," + acceptNew
)

func TestNegotiation(t *testing.T) {
	e := newExporter(t, Config{specs: []collect.Spec{steadySpec("a")}})
	for _, tc := range []struct{ accept, want string }{
		{"", "text/plain; version=0.0.4"},
		{"*/*", "text/plain; version=0.0.4"},
		{acceptOld, "text/plain; version=0.0.4"},
		{acceptNew, "text/plain; version=0.0.4"},
		{acceptNative, "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited"},
		{"application/openmetrics-text;version=1.0.0", "application/openmetrics-text; version=1.0.0"},
		{"nonsense", "text/plain; version=0.0.4"},
	} {
		rec := get(e, "/metrics", "Accept", tc.accept)
		if got := rec.Header().Get("Content-Type"); rec.Code != 200 || !strings.HasPrefix(got, tc.want) {
			t.Errorf("Accept %q gives %d %q, want %q", tc.accept, rec.Code, got, tc.want)
		}
		switch format := expfmt.ResponseFormat(rec.Header()); {
		case strings.Contains(tc.want, "openmetrics"):
			if !strings.HasSuffix(rec.Body.String(), "# EOF\n") {
				t.Errorf("not OpenMetrics:\n%s", rec.Body)
			}
		case strings.Contains(tc.want, "protobuf"):
			families := 0
			for dec := expfmt.NewDecoder(rec.Body, format); ; families++ {
				if err := dec.Decode(new(dto.MetricFamily)); err != nil {
					break
				}
			}
			if families < 5 {
				t.Errorf("%d families as protobuf", families)
			}
		}
	}
}

// TestLargeResponses tests that many samples, of which only text fits in the memory, are
// text for clients that accept it, and an error for others.
func TestLargeResponses(t *testing.T) {
	limit := debug.SetMemoryLimit(4096 * 100)
	e := newExporter(t, Config{specs: []collect.Spec{diskSpec(120), steadySpec("a")}})
	debug.SetMemoryLimit(limit)
	for _, tc := range []struct {
		query, accept, want string
		code                int
	}{
		{"", acceptNew, "text/plain; version=0.0.4", 200},
		{"", acceptNative, "text/plain; version=0.0.4", 200},
		{"", "application/openmetrics-text", "text/plain; charset=utf-8", 406},
		{"?checked=1", acceptNew, "text/plain; charset=utf-8", 406},
		{"?collect[]=a", "application/openmetrics-text", "application/openmetrics-text", 200},
		{"?collect[]=a&checked=1", acceptNew, "text/plain; version=0.0.4", 200},
	} {
		rec := get(e, "/metrics"+tc.query, "Accept", tc.accept)
		if got := rec.Header().Get("Content-Type"); rec.Code != tc.code || !strings.HasPrefix(got, tc.want) {
			t.Errorf("%s, Accept %q: %d %q, want %d %q", tc.query, tc.accept, rec.Code, got, tc.code, tc.want)
		}
	}
	first := newExporter(t, Config{specs: []collect.Spec{diskSpec(120)}})
	if rec := get(first, "/metrics", "Accept", "application/openmetrics-text"); rec.Code != 200 {
		t.Errorf("%d without a memory limit", rec.Code)
	}
}

func TestEncodings(t *testing.T) {
	e := newExporter(t, Config{specs: []collect.Spec{steadySpec("a")}})
	for _, accept := range []string{acceptOld, acceptNative} {
		for _, tc := range []struct{ encodings, want string }{
			{"", ""}, {"identity", ""}, {"gzip", "gzip"}, {"GZIP;q=0.5", "gzip"}, {"gzip;q=0", ""}, {"deflate, gzip, br, zstd", "gzip"},
			{"gzip, zstd;q=0.1", "gzip"}, {"zstd", "zstd"}, {"br", ""}, {"gzip;q=x", ""},
		} {
			if accept == acceptNative && (tc.encodings == "GZIP;q=0.5" || strings.Contains(tc.encodings, ",") || tc.encodings == "gzip;q=x") {
				continue // promhttp chooses by itself
			}
			rec := get(e, "/metrics?collect[]=a", "Accept-Encoding", tc.encodings, "Accept", accept)
			if got := rec.Header().Get("Content-Encoding"); got != tc.want {
				t.Errorf("%q gives %q, want %q", tc.encodings, got, tc.want)
			}
			if body := decode(t, rec); !strings.Contains(body, "toy_a") {
				t.Errorf("%q: %q", tc.encodings, body)
			}
		}
	}
}

func decode(t *testing.T, rec *httptest.ResponseRecorder) string {
	t.Helper()
	var r io.Reader = rec.Body
	var err error
	switch rec.Header().Get("Content-Encoding") {
	case "gzip":
		r, err = gzip.NewReader(r)
	case "zstd":
		r, err = zstd.NewReader(r)
	}
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestProcessMetrics(t *testing.T) {
	for enabled, names := range map[bool][]string{
		true:  {"go_goroutines", "process_resident_memory_bytes", "promhttp_metric_handler_requests_total", "promhttp_metric_handler_errors_total", "host_exporter_build_info"},
		false: {"host_exporter_build_info", "host_exporter_scrapes_rejected_total"},
	} {
		e := newExporter(t, Config{ProcessMetrics: enabled, specs: []collect.Spec{steadySpec("a")}})
		get(e, "/metrics?checked=1")
		body := get(e, "/metrics").Body.String()
		for _, name := range names {
			if !strings.Contains(body, "\n"+name) {
				t.Errorf("with process metrics %v there is no %s:\n%s", enabled, name, body)
			}
		}
		if strings.Contains(body, "\ngo_") != enabled {
			t.Errorf("process metrics %v:\n%s", enabled, body)
		}
	}
}

// TestIsolation has collectors that hang, panic and fail beside a good one.
func TestIsolation(t *testing.T) {
	hang := make(chan struct{})
	e := newExporter(t, Config{specs: []collect.Spec{
		toySpec("hangs", 30*time.Millisecond, func(*metric.Set, *metric.Sink) error { <-hang; return nil }),
		toySpec("panics", 0, func(*metric.Set, *metric.Sink) error { panic("bug") }),
		toySpec("fails", 0, func(*metric.Set, *metric.Sink) error { return errors.New("/proc/x:1: broken") }),
		steadySpec("good"),
	}})
	for _, target := range []string{"/metrics", "/metrics?checked=1"} {
		rec := get(e, target)
		for _, want := range []string{
			"toy_good 1",
			`node_scrape_collector_success{collector="good"} 1`,
			`node_scrape_collector_success{collector="hangs"} 0`,
			`host_exporter_collector_state{collector="hangs",reason="timeout"} 1`,
			`host_exporter_collector_state{collector="panics",reason="panic"} 1`,
			`host_exporter_collector_state{collector="fails",reason="error"} 1`,
		} {
			if rec.Code != 200 || !strings.Contains(rec.Body.String(), want) {
				t.Errorf("%s: %d without %s:\n%s", target, rec.Code, want, rec.Body)
			}
		}
	}
	if page := get(e, "/").Body.String(); !strings.Contains(page, "/proc/x:1: broken") || !strings.Contains(page, "late for") {
		t.Errorf("the landing page does not show the errors:\n%s", page)
	}
	close(hang)
}

// TestNoData checks which collectors without data have series of
// node_scrape_collector_*: those of node_exporter, since alerts on
// node_scrape_collector_success name the exceptions.
func TestNoData(t *testing.T) {
	noData := func(name string) collect.Spec {
		return toySpec(name, 0, func(*metric.Set, *metric.Sink) error { return collect.ErrNoData })
	}
	inherited, success, native := noData("inherited"), noData("success"), noData("native")
	success.NoDataIsSuccess = true
	native.Native = true
	fails := toySpec("fails", 0, func(*metric.Set, *metric.Sink) error { return errors.New("broken") })
	good := steadySpec("good")
	fails.Native, good.Native = true, true
	e := newExporter(t, Config{specs: []collect.Spec{inherited, success, native, fails, good}})
	for _, target := range []string{"/metrics", "/metrics?checked=1"} {
		text := get(e, target).Body.String()
		for line, want := range map[string]bool{
			`node_scrape_collector_success{collector="inherited"} 0`:                 true,
			`node_scrape_collector_success{collector="success"} 1`:                   true,
			`node_scrape_collector_success{collector="fails"} 0`:                     true,
			`node_scrape_collector_success{collector="good"} 1`:                      true,
			`node_scrape_collector_duration_seconds{collector="inherited"} `:         true,
			`node_scrape_collector_duration_seconds{collector="fails"} `:             true,
			`node_scrape_collector_success{collector="native"}`:                      false,
			`node_scrape_collector_duration_seconds{collector="native"}`:             false,
			`host_exporter_collector_state{collector="native",reason="no_data"} 1`:   true,
			`host_exporter_collector_state{collector="inherited",reason="no_data"} `: true,
		} {
			if strings.Contains(text, line) != want {
				t.Errorf("%s: %s is there: %v, want %v", target, line, !want, want)
			}
		}
	}
}

// slots is the number of slots of the scrape engine.
const slots = 4

// TestManyHungCollectors has more hung collectors than slots: the others are
// still served, and the number of goroutines does not grow.
func TestManyHungCollectors(t *testing.T) {
	hang := make(chan struct{})
	var specs []collect.Spec
	for i := range 20 {
		specs = append(specs,
			toySpec(fmt.Sprintf("hangs%d", i), 200*time.Millisecond, func(_ *metric.Set, out *metric.Sink) error { <-hang; return nil }),
			steadySpec(fmt.Sprintf("good%d", i)))
	}
	e := newExporter(t, Config{specs: specs})
	scrape := func() string { return get(e, "/metrics", "X-Prometheus-Scrape-Timeout-Seconds", "1.5").Body.String() }
	scrape()
	before := runtime.NumGoroutine()
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 25 {
				if body := scrape(); strings.Count(body, "\ntoy_good") != 20 {
					t.Errorf("%d of 20 good collectors", strings.Count(body, "\ntoy_good"))
				}
			}
		})
	}
	wg.Wait()
	// The goroutine of a finished run may not have returned yet.
	if after := runtime.NumGoroutine(); after > before+slots {
		t.Errorf("%d goroutines became %d in 100 scrapes", before, after)
	}
	close(hang)
	for range 50 {
		if !strings.Contains(scrape(), `"timeout"`) {
			return
		}
	}
	t.Error("the collectors have not recovered")
}

func TestDeadlineOfTheScrape(t *testing.T) {
	hang := make(chan struct{})
	defer close(hang)
	e := newExporter(t, Config{specs: []collect.Spec{
		toySpec("hangs", time.Hour, func(*metric.Set, *metric.Sink) error { <-hang; return nil }), steadySpec("good"),
	}})
	rec := get(e, "/metrics", "X-Prometheus-Scrape-Timeout-Seconds", "0.1")
	if rec.Code != 200 || !strings.Contains(rec.Body.String(), "toy_good 1") || !strings.Contains(rec.Body.String(), `"timeout"`) {
		t.Errorf("%d\n%s", rec.Code, rec.Body)
	}
}

func TestTooManyScrapes(t *testing.T) {
	hang, entered := make(chan struct{}), make(chan struct{})
	var once sync.Once
	e := newExporter(t, Config{MaxRequests: 1, specs: []collect.Spec{
		toySpec("hangs", time.Minute, func(*metric.Set, *metric.Sink) error { once.Do(func() { close(entered) }); <-hang; return nil }),
	}})
	done := make(chan int)
	go func() { done <- get(e, "/metrics").Code }()
	<-entered
	if rec := get(e, "/metrics"); rec.Code != 503 || !strings.Contains(rec.Body.String(), "the limit is 1") {
		t.Errorf("the second scrape: %d %s", rec.Code, rec.Body)
	}
	close(hang)
	if code := <-done; code != 200 {
		t.Errorf("the first scrape: %d", code)
	}
	if body := get(e, "/metrics").Body.String(); !strings.Contains(body, "host_exporter_scrapes_rejected_total 1") {
		t.Errorf("the rejected scrape is not counted:\n%s", body)
	}
}

// TestAbandonedScrape has a client that disconnects: its slot is free when the
// scrape has ended.
func TestAbandonedScrape(t *testing.T) {
	hang, entered := make(chan struct{}), make(chan struct{})
	var once sync.Once
	e := newExporter(t, Config{MaxRequests: 1, specs: []collect.Spec{
		toySpec("hangs", 100*time.Millisecond, func(*metric.Set, *metric.Sink) error { once.Do(func() { close(entered) }); <-hang; return nil }),
		steadySpec("good"),
	}})
	ctx, disconnect := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		e.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/metrics", nil).WithContext(ctx))
		close(done)
	}()
	<-entered
	disconnect()
	<-done
	if rec := get(e, "/metrics?collect[]=good"); rec.Code != 200 {
		t.Errorf("after a client disconnected: %d %s", rec.Code, rec.Body)
	}
	close(hang)
}

// TestClientsThatStopReading opens more connections than there are slots,
// requests a large response on each, and does not read it.
func TestClientsThatStopReading(t *testing.T) {
	big := toySpec("big", 0, func(set *metric.Set, out *metric.Sink) error {
		f := set.Gauge("toy_big", "Many.", "n")
		pad := strings.Repeat("x", 1000)
		for i := range 16000 { // 16 MB: more than any socket buffer
			out.Emit(f, 1, fmt.Sprint(i, pad))
		}
		return nil
	})
	e := newExporter(t, Config{MaxRequests: 2, specs: []collect.Spec{big, steadySpec("good")}})
	server := httptest.NewServer(e)
	defer server.Close()
	for range 3 {
		conn, err := net.Dial("tcp", server.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		fmt.Fprintf(conn, "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
		if line, err := bufio.NewReaderSize(conn, 16).ReadString('\n'); err != nil || !strings.Contains(line, "200") {
			t.Fatalf("%q, %v", line, err)
		}
	}
	resp, err := http.Get(server.URL + "/metrics?collect[]=good")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != 200 {
		t.Errorf("with clients that do not read: %s", resp.Status)
	}
}

func TestHTTP10(t *testing.T) {
	e := newExporter(t, Config{specs: []collect.Spec{steadySpec("a")}})
	server := httptest.NewServer(e)
	defer server.Close()
	conn, err := net.Dial("tcp", server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "GET /metrics HTTP/1.0\r\n\r\n")
	b, err := io.ReadAll(conn)
	if err != nil || !strings.Contains(string(b), "toy_a 1\n") || strings.Contains(string(b), "chunked") {
		t.Errorf("%v\n%s", err, b)
	}
}

// TestHostileNames exports device names with quotes, control characters and
// invalid UTF-8.
func TestHostileNames(t *testing.T) {
	e := newExporter(t, Config{specs: []collect.Spec{toySpec("hostile", 0, func(set *metric.Set, out *metric.Sink) error {
		f := set.Gauge("toy_hostile", "Line one.\nLine \x00two \\ \xff.", "name")
		for i, name := range []string{"\"} 1\nevil 666\n", "\xff\xfe", "\x1b[31mred", "a\\", strings.Repeat("é", 1000), ""} {
			out.Emit(f, float64(i), name)
		}
		return nil
	})}})
	for _, target := range []string{"/metrics", "/metrics?checked=1"} {
		rec := get(e, target)
		p := expfmt.NewTextParser(model.LegacyValidation)
		families, err := p.TextToMetricFamilies(rec.Body)
		if err != nil || len(families["toy_hostile"].GetMetric()) != 6 || families["evil"] != nil {
			t.Errorf("%s: %v, %v", target, err, families["toy_hostile"])
		}
	}
}

func TestReservedNames(t *testing.T) {
	var reserved func(string) bool
	spec := collect.Spec{Name: "a", Help: "A toy.", Build: collect.Plain(func(env *collect.Env) *toy {
		reserved = env.Reserved
		served := env.Metrics.Gauge("toy_served", "A value.")
		env.Metrics.Gauge("toy_declared", "A value.")
		return &toy{env.Metrics, func(_ *metric.Set, out *metric.Sink) error { out.Emit(served, 1); return nil }}
	})}
	e := newExporter(t, Config{specs: []collect.Spec{spec}})
	for _, target := range []string{"/metrics", "/metrics?checked=1"} {
		get(e, target)
		for name, want := range map[string]bool{
			"toy_served": true, "toy_declared": false, "host_exporter_x": true, "host_check_x": true, "go_goroutines": false, "my_metric": false,
		} {
			if reserved(name) != want {
				t.Errorf("after %s: %s is reserved: %v, want %v", target, name, !want, want)
			}
		}
	}
}

// TestTextfileNames exports a text file with families that collectors and the
// exporter itself declare.
func TestTextfileNames(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "a.prom")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write(`# TYPE node_md_state gauge
node_md_state{device="md0",state="active"} 1
# TYPE node_load1 gauge
node_load1 4711
# TYPE host_exporter_mine gauge
host_exporter_mine 1
go_goroutines 4711
go_goroutines{foo="bar"} 5
up{service="x"} 0
scrape_duration_seconds 1
scrape_jobs 3
`)
	proc := t.TempDir()
	if err := os.WriteFile(filepath.Join(proc, "loadavg"), []byte("0.25 0.5 0.75 1/80 11206\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	e, _ := newConfiguredExporter(t, Config{ProcessMetrics: true, host: host.Live(host.Paths{Procfs: proc, Sysfs: t.TempDir(), Rootfs: "/"})},
		"disable-defaults: true\ncollectors: {loadavg: true, mdadm: true, textfile: {enabled: true, directory: ["+dir+"]}}\n")
	for i, target := range []string{"/metrics", "/metrics", "/metrics?checked=1"} {
		text := get(e, target).Body.String()
		p := expfmt.NewTextParser(model.LegacyValidation)
		families, err := p.TextToMetricFamilies(strings.NewReader(text))
		if err != nil {
			t.Fatalf("%s: %v\n%s", target, err, text)
		}
		if n := len(families["go_goroutines"].GetMetric()); n != 2 {
			t.Errorf("%s: %d series of go_goroutines, want 2", target, n)
		}
		for line, want := range map[string]bool{
			`node_md_state{device="md0",state="active"} 1`: true,
			`go_goroutines{foo="bar"} 5`:                   true,
			"node_load1 0.25":                              true,
			"node_load1 4711":                              false,
			"go_goroutines 4711":                           false,
			"host_exporter_mine 1":                         false,
			`up{service="x"} 0`:                            false,
			"scrape_duration_seconds 1":                    false,
			"scrape_jobs 3":                                true,
			// What collectors serve is known from the last scrape.
			`host_exporter_textfile_dropped_series{file="` + file + `",reason="reserved"} 4`: i > 0,
		} {
			if strings.Contains(text, "\n"+line+"\n") != want && (i > 0 || !strings.HasPrefix(line, "host_exporter_textfile")) {
				t.Errorf("%s: %s is there: %v, want %v\n%s", target, line, !want, want, text)
			}
		}
	}
}

// TestHelp checks that the help of the exporter's own families is one sentence of
// at most 100 characters.
func TestHelp(t *testing.T) {
	e, _ := newConfiguredExporter(t, Config{ProcessMetrics: true, specs: []collect.Spec{steadySpec("a")}}, "")
	for _, f := range e.engine.Families().Families() {
		if help := f.Help(); len(help) > 100 || !strings.HasSuffix(help, ".") || strings.Contains(help, ". ") {
			t.Errorf("%s: %q has %d characters", f.Name(), help, len(help))
		}
	}
}
