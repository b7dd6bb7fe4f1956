// Package e2e runs the built binary beside the real programs that it has to
// get on with. A test is skipped where its program is not installed, unless
// TEST_E2E is set: then a missing program is a failure. Tests that take
// seconds are skipped with -short, and those that take minutes, or need a host
// of their own, run only where TEST_E2E is set.
package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hostexporter/host_exporter/collector/internal/compare"
	"github.com/hostexporter/host_exporter/collector/internal/test/golden"
)

func TestMain(m *testing.M) {
	code := m.Run()
	if err := os.RemoveAll(binaryDir()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = max(code, 1)
	}
	os.Exit(code)
}

// binaryDir returns the folder of the binary that all tests share.
func binaryDir() string {
	return filepath.Join(os.TempDir(), fmt.Sprintf("host_exporter-e2e-%d", os.Getpid()))
}

var builtOnce = sync.OnceValues(func() (binary string, err error) {
	binary = filepath.Join(binaryDir(), "host_exporter")
	cmd := exec.Command("go", "build", "-o", binary, ".")
	cmd.Dir, cmd.Env = "../../../..", append(os.Environ(), "CGO_ENABLED=0") // as it is released
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w\n%s", err, out)
	}
	return binary, nil
})

// build returns the path of the exporter, which it builds for the first test.
func build(t *testing.T) string {
	t.Helper()
	binary, err := builtOnce()
	if err != nil {
		t.Fatal(err)
	}
	return binary
}

const e2eVariable = "TEST_E2E"

// requireE2E skips a test where TEST_E2E is not set.
func requireE2E(t *testing.T) {
	t.Helper()
	if os.Getenv(e2eVariable) == "" {
		t.Skip(e2eVariable + " is not set")
	}
}

// parallelUnlessShort skips a test with -short. Otherwise it marks the test as
// parallel: such a test takes seconds, and waits for most of them.
func parallelUnlessShort(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("it takes seconds")
	}
	t.Parallel()
}

// program returns the path of an installed program.
func program(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		if os.Getenv(e2eVariable) != "" {
			t.Fatalf("%s is not installed", name)
		}
		t.Skipf("%s is not installed", name)
	}
	return path
}

// freeAddress returns a local address that is free.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// run starts a program that stops with the test.
func run(t *testing.T, binary string, args ...string) *exec.Cmd {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, binary, args...)
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 10 * time.Second
	log, err := os.Create(filepath.Join(t.TempDir(), "log"))
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cancel()
		_ = cmd.Wait()
		if t.Failed() {
			b, _ := os.ReadFile(log.Name())
			t.Logf("%s:\n%s", binary, b)
		}
		log.Close()
	})
	return cmd
}

// get fetches a URL. It tries again until the server is up.
func get(t *testing.T, target string) string {
	t.Helper()
	var body string
	var last error
	if !eventually(30*time.Second, func() bool {
		var resp *http.Response
		if resp, last = http.Get(target); last != nil {
			return false
		}
		defer resp.Body.Close()
		b, err := io.ReadAll(resp.Body)
		body, last = string(b), fmt.Errorf("%s, %w", resp.Status, err)
		return err == nil && resp.StatusCode == http.StatusOK
	}) {
		t.Fatalf("%s: %v", target, last)
	}
	return body
}

// eventually reports whether ok returns true within a time.
func eventually(limit time.Duration, ok func() bool) bool {
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(limit); time.Now().Before(deadline); <-tick.C {
		if ok() {
			return true
		}
	}
	return false
}

// TestEndToEndPrometheus scrapes the exporter with a real Prometheus.
func TestEndToEndPrometheus(t *testing.T) {
	parallelUnlessShort(t)
	prometheus := program(t, "prometheus")
	exporter, server := freeAddress(t), freeAddress(t)
	dir := t.TempDir()
	config := filepath.Join(dir, "prometheus.yml")
	if err := os.WriteFile(config, fmt.Appendf(nil, `
global: {scrape_interval: 1s, scrape_timeout: 1s}
scrape_configs: [{job_name: node, static_configs: [{targets: [%q]}]}]
`, exporter), 0o644); err != nil {
		t.Fatal(err)
	}
	run(t, build(t), "--web.listen-address="+exporter)
	exposition := get(t, "http://"+exporter+"/metrics")
	run(t, prometheus, "--config.file="+config, "--web.listen-address="+server, "--storage.tsdb.path="+filepath.Join(dir, "data"))
	get(t, "http://"+server+"/-/ready")

	query := func(expr string) float64 {
		var answer struct {
			Data struct {
				Result []struct{ Value [2]any }
			}
		}
		body := get(t, "http://"+server+"/api/v1/query?query="+url.QueryEscape(expr))
		if err := json.Unmarshal([]byte(body), &answer); err != nil {
			t.Fatalf("%s: %v\n%s", expr, err, body)
		}
		if len(answer.Data.Result) == 0 {
			return -1
		}
		v, err := strconv.ParseFloat(answer.Data.Result[0].Value[1].(string), 64)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	until := func(expr string, ok func(float64) bool) {
		t.Helper()
		var v float64
		if !eventually(60*time.Second, func() bool { v = query(expr); return ok(v) }) {
			t.Errorf("%s = %v", expr, v)
			return
		}
		t.Logf("%s = %v", expr, v)
	}
	want := 0.0
	for line := range strings.Lines(exposition) {
		if line[0] != '#' {
			want++
		}
	}
	until(`min_over_time(up{job="node"}[20s])`, func(v float64) bool { return v == 1 })
	until(`sum(rate(node_cpu_seconds_total[10s]))`, func(v float64) bool { return v > 0.5 })
	// Between two scrapes a mount or an error counter may come or go.
	until(`scrape_samples_scraped{job="node"}`, func(v float64) bool { return v > want*0.9 && v < want*1.1 })
	until(`scrape_samples_post_metric_relabeling{job="node"} - scrape_samples_scraped`, func(v float64) bool { return v == 0 })
	until(`prometheus_target_scrapes_sample_duplicate_timestamp_total or vector(0)`, func(v float64) bool { return v == 0 })
	until(`node_uname_info`, func(v float64) bool { return v == 1 })
}

// TestEndToEndPromtool checks the exposition with promtool, which may complain of
// inherited names only.
func TestEndToEndPromtool(t *testing.T) {
	parallelUnlessShort(t)
	promtool := program(t, "promtool")
	exporter := freeAddress(t)
	run(t, build(t), "--web.listen-address="+exporter)
	cmd := exec.Command(promtool, "check", "metrics")
	cmd.Stdin = strings.NewReader(get(t, "http://"+exporter+"/metrics"))
	out, _ := cmd.CombinedOutput() // it fails for every finding
	inherited := golden.Inherited(t)
	for line := range strings.Lines(string(out)) {
		name, _, _ := strings.Cut(line, " ")
		if _, ok := inherited[name]; !ok && !golden.InheritedKind(name) {
			t.Errorf("promtool: %s", line)
		}
	}
}

// TestEndToEndChromium opens the landing page in a real browser: the browser
// applies the page's policy and its style.
func TestEndToEndChromium(t *testing.T) {
	parallelUnlessShort(t)
	chromium := program(t, "chromium")
	exporter := freeAddress(t)
	run(t, build(t), "--web.listen-address="+exporter)
	get(t, "http://"+exporter+"/metrics")
	dom, console := browse(t, chromium, "http://"+exporter+"/")
	for _, want := range []string{`id="verdict"`, `<tr id="loadavg">`, `<span class="s ok">ok</span>`, "host_exporter"} {
		if !strings.Contains(dom, want) {
			t.Errorf("the page has no %s:\n%s", want, dom)
		}
	}
	const violation = "Content Security Policy"
	if strings.Contains(console, violation) {
		t.Errorf("the page violates its policy:\n%s", console)
	}
	// The same page with a script and another style, under the same policy.
	resp, err := http.Get("http://" + exporter + "/")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	page, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	injected := strings.Replace(string(page), "</style>", " </style><script>document.title = 'injected'</script>", 1)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Security-Policy", resp.Header.Get("Content-Security-Policy"))
		_, _ = io.WriteString(w, injected)
	}))
	defer server.Close()
	if dom, console := browse(t, chromium, server.URL); strings.Contains(dom, "<title>injected") || strings.Count(console, violation) < 2 {
		t.Errorf("the policy allows an injected script or style:\n%s\n%s", dom, console)
	}
}

// TestEndToEndOtherSites opens pages of another site in a real browser: one
// whose name resolves to the exporter, one that has the exporter in a frame, and
// one that requests a reload.
func TestEndToEndOtherSites(t *testing.T) {
	parallelUnlessShort(t)
	chromium := program(t, "chromium")
	exporter := freeAddress(t)
	file := filepath.Join(t.TempDir(), "host_exporter.yml")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	run(t, build(t), "--web.listen-address="+exporter, "--config.file="+file, "--web.enable-lifecycle")
	loaded := regexp.MustCompile(`(?m)^host_exporter_config_last_reload_success_timestamp_seconds .*$`)
	before := loaded.FindString(get(t, "http://"+exporter+"/metrics"))
	_, port, err := net.SplitHostPort(exporter)
	if err != nil {
		t.Fatal(err)
	}
	if dom, _ := browse(t, chromium, "http://evil.example:"+port+"/"); strings.Contains(dom, "loadavg") || !strings.Contains(dom, "--web.allowed-host") {
		t.Errorf("a name that resolves to the exporter:\n%s", dom)
	}
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprintf(w, `<iframe src="http://%[1]s/" name="frame"></iframe>
<form method="post" action="http://%[1]s/-/reload" target="frame"></form><script>document.forms[0].submit()</script>`, exporter)
	}))
	defer site.Close()
	_, port, err = net.SplitHostPort(site.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	for _, page := range []string{site.URL, "http://evil.example:" + port + "/"} {
		if _, console := browse(t, chromium, page); !strings.Contains(console, "frame") {
			t.Errorf("%s: no error of the frame:\n%s", page, console)
		}
	}
	if after := loaded.FindString(get(t, "http://"+exporter+"/metrics")); after != before || before == "" {
		t.Errorf("another site has reloaded: %q, then %q", before, after)
	}
	resp, err := http.Post("http://"+exporter+"/-/reload", "", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if after := loaded.FindString(get(t, "http://"+exporter+"/metrics")); after == before {
		t.Errorf("curl has not reloaded: %s", resp.Status)
	}
}

// browse opens a page in a browser in which evil.example is this host, and
// returns the document and the messages of the console.
func browse(t *testing.T, chromium, url string, flags ...string) (dom, console string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	flags = append(flags, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
		"--disable-background-networking", "--disable-component-update", "--disable-sync", "--user-data-dir="+t.TempDir(),
		"--enable-logging=stderr", "--host-resolver-rules=MAP evil.example 127.0.0.1", "--dump-dom", url)
	cmd := exec.CommandContext(ctx, chromium, flags...)
	var messages bytes.Buffer
	cmd.Stderr = &messages
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, &messages)
	}
	return string(out), messages.String()
}

// TestEndToEndPeer compares the exporter with Debian's node_exporter on this
// host. Each difference must be explained in testdata/known-differences.tsv.
func TestEndToEndPeer(t *testing.T) {
	parallelUnlessShort(t)
	peer := program(t, "prometheus-node-exporter")
	ours, theirs := freeAddress(t), freeAddress(t)
	run(t, build(t), "--web.listen-address="+ours)
	run(t, peer, "--web.listen-address="+theirs)
	var both [2]compare.Exposition
	for i, address := range []string{ours, theirs} {
		get(t, "http://"+address+"/metrics") // some series begin with the second scrape
		var err error
		if both[i], err = compare.Parse(strings.NewReader(get(t, "http://"+address+"/metrics"))); err != nil {
			t.Fatal(err)
		}
	}
	f, err := os.Open("../../../../testdata/known-differences.tsv")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	known, err := compare.ParseKnown(f)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range known.FilterOut(compare.Diff(both[0], both[1], false)) {
		t.Errorf("unexplained: %s", d)
	}
	// An alert on a failed collector must fire on the same hosts.
	success := func(e compare.Exposition) map[string]float64 {
		all := map[string]float64{}
		for _, m := range e["node_scrape_collector_success"].GetMetric() {
			all[m.GetLabel()[0].GetValue()] = m.GetGauge().GetValue()
		}
		return all
	}
	a, b := success(both[0]), success(both[1])
	for name, want := range b {
		if have, ok := a[name]; ok && have != want {
			t.Errorf("success of %s is %v, the peer's %v", name, have, want)
		}
	}
}
