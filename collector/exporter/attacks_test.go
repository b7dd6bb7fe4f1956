package exporter

import (
	"bufio"
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"net/http/httptrace"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
)

// A testServer is an exporter that serves on real sockets.
type testServer struct {
	tcp, unix string
	stop      func() error // returns the error of Serve
}

// serve starts an exporter on a TCP and a unix socket.
func serve(t *testing.T, e *Exporter, webConfig string) *testServer {
	t.Helper()
	path := filepath.Join(t.TempDir(), "x.sock")
	toolkit := toolkitFlags(false, "127.0.0.1:0", "unix://"+path)
	toolkit.WebConfigFile = &webConfig
	listeners, err := Listen(toolkit)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- e.ServeOn(ctx, listeners, toolkit, slog.New(slog.DiscardHandler), nil) }()
	s := &testServer{tcp: listeners[0].Addr().String(), unix: path}
	s.stop = sync.OnceValue(func() error { cancel(); return <-done })
	t.Cleanup(func() { _ = s.stop() })
	return s
}

// dial connects from an address of the loopback network, or from any if it is
// empty. The connection ends with the test.
func (s *testServer) dial(t *testing.T, from string) net.Conn {
	t.Helper()
	dialer := net.Dialer{Timeout: 30 * time.Second}
	if from != "" {
		dialer.LocalAddr = &net.TCPAddr{IP: net.ParseIP(from)}
	}
	conn, err := dialer.DialContext(t.Context(), "tcp", s.tcp)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	return conn
}

// client returns a client with connections of its own, from an address.
func (s *testServer) client(from string) *http.Client {
	dialer := &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}}
	return &http.Client{Transport: &http.Transport{DialContext: dialer.DialContext}, Timeout: time.Minute}
}

// unixClient returns a client of the unix socket.
func (s *testServer) unixClient() *http.Client {
	return &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", s.unix)
	}}, Timeout: time.Minute}
}

// request sends a request of name and value pairs of headers; "Host" is one.
func (s *testServer) request(t *testing.T, client *http.Client, method, path string, header ...string) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, "http://"+s.tcp+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
		if header[i] == "Host" {
			req.Host = header[i+1]
		}
	}
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(b)
}

// TestServerProcess is not a test: the tests that follow start it as a process
// with limits. It serves on the listener that it inherits until its input ends.
func TestServerProcess(t *testing.T) {
	role := os.Getenv("SERVER_ROLE")
	if role == "" {
		t.Skip("runs for other tests only")
	}
	l, err := InheritedListener(os.NewFile(3, "listener"))
	if err != nil {
		t.Fatal(err)
	}
	c := Config{MaxRequests: 40, Settings: nil}
	switch role {
	case "descriptors":
		if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: 256, Max: 256}); err != nil {
			t.Fatal(err)
		}
	case "memory":
		debug.SetMemoryLimit(128 << 20) // and as main does:
		debug.SetGCPercent(50)
		runtime.GOMAXPROCS(1)
		c.specs = []collect.Spec{bigSpec(5000), steadySpec("good")}
	}
	e := newExporter(t, c)
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		cancel()
	}()
	if err := e.ServeOn(ctx, []net.Listener{l}, toolkitFlags(false), slog.New(slog.DiscardHandler), nil); err != nil {
		t.Fatal(err)
	}
}

// bigSpec returns a collector with about as much text as a number of disks.
func bigSpec(disks int) collect.Spec {
	return toySpec("big", 0, func(set *metric.Set, out *metric.Sink) error {
		f := set.Gauge("toy_big", "Many.", "device", "kind")
		pad := strings.Repeat("x", 80)
		for i := range disks * 17 {
			out.Emit(f, float64(i), "sd"+strconv.Itoa(i), pad)
		}
		return nil
	})
}

// serveProcess starts TestServerProcess in a role.
func serveProcess(t *testing.T, role string) (s *testServer, pid int) {
	t.Helper()
	l, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	f, err := l.File()
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	cmd := exec.Command(os.Args[0], "-test.run=^TestServerProcess$")
	cmd.Env = append(os.Environ(), "SERVER_ROLE="+role)
	cmd.ExtraFiles = []*os.File{f}
	input, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		input.Close()
		if err := cmd.Wait(); err != nil {
			t.Errorf("the server: %v\n%s", err, &out)
		}
	})
	return &testServer{tcp: l.Addr().String()}, cmd.Process.Pid
}

var failedCollector = regexp.MustCompile(`(?m)^host_exporter_collector_state\{collector="(\w+)",reason="(error|timeout|panic|partial)"\} 1$`)

// TestManyConnections opens more connections than the process may have
// descriptors, from many addresses: idle ones, unfinished requests, and silent
// ones. Scrapes see the whole host, and a client with one connection keeps it.
func TestManyConnections(t *testing.T) {
	s, _ := serveProcess(t, "descriptors")
	prometheus := s.client("127.0.0.1")
	_, before := s.request(t, prometheus, "GET", "/metrics")
	for i := range 400 {
		conn := s.dial(t, fmt.Sprintf("127.0.1.%d", 1+i%40))
		text, idle := "GET /-/healthy HTTP/1.1\r\nHost: x\r\n\r\n", true
		switch i % 8 {
		case 0:
			text, idle = "", false
		case 1:
			text, idle = "GET /metrics HTTP/1.1\r\nHost: x\r\n", false
		}
		if _, err := io.WriteString(conn, text); err != nil {
			continue // the server has closed it already
		}
		if idle {
			if err := conn.SetReadDeadline(time.Now().Add(2 * time.Second)); err != nil {
				t.Fatal(err)
			}
			if _, err := bufio.NewReader(conn).ReadString('\n'); err != nil {
				t.Fatalf("connection %d: %v", i, err)
			}
		}
	}
	reused := false
	trace := &httptrace.ClientTrace{GotConn: func(i httptrace.GotConnInfo) { reused = i.Reused }}
	req, err := http.NewRequestWithContext(httptrace.WithClientTrace(t.Context(), trace), "GET", "http://"+s.tcp+"/metrics", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := prometheus.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	for _, failed := range failedCollector.FindAllString(string(b), -1) {
		if !strings.Contains(before, failed) {
			t.Errorf("with many connections: %s", failed)
		}
	}
	if !reused {
		t.Error("the connection of the client with one connection was closed")
	}
	if strings.Contains(string(b), "\nhost_exporter_connections_closed_total 0\n") || !strings.Contains(string(b), "\nhost_exporter_connections_closed_total ") {
		t.Error("the closed connections are not counted")
	}
	s.request(t, s.client("127.0.2.1"), "GET", "/metrics?collect[]=loadavg")
	if m := regexp.MustCompile(`(?m)^process_open_fds (.*)$`).FindStringSubmatch(string(b)); m != nil {
		if n, err := strconv.ParseFloat(m[1], 64); err != nil || n > 128 {
			t.Errorf("%s descriptors are open", m[1])
		}
	}
}

// TestManyUnreadResponses requests large responses on 150 connections and does
// not read them: the process stays within its memory limit, and other clients
// are served.
func TestManyUnreadResponses(t *testing.T) {
	if testing.Short() || underRaceDetector {
		t.Skip("takes seconds, and measures memory")
	}
	s, pid := serveProcess(t, "memory")
	// Several at a time, so that some are rendered while others wait.
	var clients sync.WaitGroup
	for n := range 10 {
		clients.Go(func() {
			for range 15 {
				conn := s.dial(t, fmt.Sprintf("127.0.1.%d", 1+n))
				if err := conn.(*net.TCPConn).SetReadBuffer(4096); err != nil {
					t.Error(err)
				}
				fmt.Fprintf(conn, "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
				status := make([]byte, len("HTTP/1.1 200"))
				if _, err := io.ReadFull(conn, status); err != nil || string(status) != "HTTP/1.1 200" {
					t.Errorf("%s, %v", status, err)
				}
			}
		})
	}
	clients.Wait()
	if resp, body := s.request(t, s.client("127.0.0.1"), "GET", "/metrics?collect[]=good"); resp.StatusCode != 200 || !strings.Contains(body, "toy_good 1\n") {
		t.Errorf("%s\n%s", resp.Status, body)
	}
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(status)) {
		if f := strings.Fields(line); f[0] == "VmHWM:" {
			t.Logf("peak of the resident memory: %s kB", f[1])
			// The limit is a soft one, and without the binary. With 64
			// responses it would be 700 MB.
			if kb, err := strconv.Atoi(f[1]); err != nil || kb > 192<<10 {
				t.Errorf("the process took %s kB", f[1])
			}
		}
	}
}

// TestHalfClosedClients requests pages and closes the sending side before the
// response: the whole page comes.
func TestHalfClosedClients(t *testing.T) {
	slow := toySpec("slow", 0, func(set *metric.Set, out *metric.Sink) error {
		time.Sleep(50 * time.Millisecond) // long enough for the server to see the end of the input
		out.Emit(set.Gauge("toy_slow", "A value."), 1)
		return nil
	})
	s := serve(t, newExporter(t, Config{specs: []collect.Spec{slow}}), "")
	for path, want := range map[string]string{"/metrics": "\ntoy_slow 1\n", "/metrics?checked=1": "\ntoy_slow 1\n", "/": "</html>", "/health": ": ok, no problems\n", "/config": "slow:"} {
		conn := s.dial(t, "")
		fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", path)
		if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(conn)
		if err != nil || !strings.Contains(string(b), want) {
			t.Errorf("%s: %v\n%s\nwant %q", path, err, b, want)
		}
	}
}

// TestForeignHosts sends names in the header Host as a browser does whose user
// visits a site with the address of the exporter.
func TestForeignHosts(t *testing.T) {
	e, _ := newConfiguredExporter(t, Config{specs: []collect.Spec{steadySpec("a")}, Lifecycle: true, Pprof: true}, "")
	s := serve(t, e, "")
	hostname, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	for host, want := range map[string]int{
		"evil.example": 403, "evil.example:9100": 403, "evil-example.com": 403, "example.com.evil.example": 403, "localhost.evil.example": 403, "127.0.0.1.evil.example": 403,
		"1.2.3.4x": 403, "[::1].evil.example": 403,
		"127.0.0.1": 200, "127.0.0.1:9100": 200, "[::1]:9100": 200, "[fe80::1%25eth0]": 200, "LOCALHOST:1": 200, hostname: 200, hostname + ".": 200, "example.com": 200, "EXAMPLE.com.:80": 200,
	} {
		for _, r := range []struct {
			method, path string
			open         bool
		}{{"GET", "/", false}, {"GET", "/config", false}, {"GET", "/health", false}, {"POST", "/-/reload", false}, {"GET", "/debug/pprof/", false}, {"GET", "/debug/pprof/cmdline", false},
			{"GET", "/metrics", true}, {"GET", "/-/healthy", true}, {"GET", "/-/ready", true}} {
			want := want
			if r.open || strings.Contains(host, "%") { // net/http itself rejects or accepts a zone
				want = 200
			}
			resp, body := s.request(t, http.DefaultClient, r.method, r.path, "Host", host)
			if resp.StatusCode != want && !strings.Contains(host, "%") {
				t.Errorf("%s %s with Host %s: %s, want %d", r.method, r.path, host, resp.Status, want)
			}
			if want == 403 && (!strings.Contains(body, "--web.allowed-host") || strings.Contains(body, "<")) {
				t.Errorf("%s with Host %s: %s", r.path, host, body)
			}
		}
	}
	resp, _ := s.request(t, s.unixClient(), "GET", "/", "Host", "evil.example")
	if resp.StatusCode != 200 {
		t.Errorf("over the unix socket: %s", resp.Status)
	}
	// A client of HTTP/1.0 has no Host.
	conn := s.dial(t, "")
	fmt.Fprintf(conn, "GET / HTTP/1.0\r\n\r\n")
	if b, err := io.ReadAll(conn); err != nil || !strings.HasPrefix(string(b), "HTTP/1.0 200 ") {
		t.Errorf("HTTP/1.0: %v\n%s", err, b)
	}
}

// TestAllowedHosts starts with names of its own and of a domain.
func TestAllowedHosts(t *testing.T) {
	e, err := New(Config{specs: []collect.Spec{steadySpec("a")}, MetricsPath: "/metrics", AllowedHosts: []string{"metrics.example.org", ".Dc1.example.com"}})
	if err != nil {
		t.Fatal(err)
	}
	s := serve(t, e, "")
	for host, want := range map[string]int{"metrics.example.org": 200, "METRICS.example.org:443": 200, "x.dc1.example.com:9100": 200, "a.b.dc1.example.com": 200,
		"dc1.example.com": 403, ".dc1.example.com": 403, "xdc1.example.com": 403, "example.org": 403, "x.metrics.example.org": 403} {
		if resp, _ := s.request(t, http.DefaultClient, "GET", "/", "Host", host); resp.StatusCode != want {
			t.Errorf("%s: %s, want %d", host, resp.Status, want)
		}
	}
}

// TestCrossSiteReload requests a reload as a browser does for a page of another
// site, and as curl does.
func TestCrossSiteReload(t *testing.T) {
	e, _ := newConfiguredExporter(t, Config{specs: []collect.Spec{steadySpec("a"), steadySpec("b")}, Lifecycle: true}, "collectors: {a: false}\n")
	s := serve(t, e, "")
	if err := os.WriteFile(e.config.File, []byte("collectors: {b: false}\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, method := range []string{"POST", "PUT"} {
		for _, header := range [][]string{{"Origin", "http://evil.example"}, {"Origin", "null"}, {"Sec-Fetch-Site", "cross-site"}, {"Sec-Fetch-Site", "same-site"},
			{"Origin", "http://evil.example:9100", "Host", "evil.example:9100"}} {
			if resp, _ := s.request(t, http.DefaultClient, method, "/-/reload", header...); resp.StatusCode != 403 {
				t.Errorf("%s with %v: %s", method, header, resp.Status)
			}
			if e.Names()[0] != "b" {
				t.Fatalf("%s with %v reloads", method, header)
			}
		}
	}
	for _, header := range [][]string{nil, {"Sec-Fetch-Site", "same-origin"}, {"Origin", "http://" + s.tcp}} {
		if resp, body := s.request(t, http.DefaultClient, "POST", "/-/reload", header...); resp.StatusCode != 200 {
			t.Errorf("POST with %v: %s %s", header, resp.Status, body)
		}
	}
	if e.Names()[0] != "a" {
		t.Error("the reload has no effect")
	}
}

// TestSecretsOnThePage has a check with a password in its command line and in
// its output.
func TestSecretsOnThePage(t *testing.T) {
	for _, show := range []bool{false, true} {
		e, _ := newConfiguredExporter(t, Config{ShowCheckRuns: show},
			"disable-defaults: true\nchecks: {a: {command: [/bin/sh, -c, 'echo password=hunter3 >&2; exit 1', password=hunter2], timeout: 10s, interval: 1h}}\n")
		s := serve(t, e, "")
		deadline := time.Now().Add(30 * time.Second)
		local := ""
		for !strings.Contains(local, "hunter3") && time.Now().Before(deadline) { // until the check has run
			_, local = s.request(t, s.unixClient(), "GET", "/checks/a")
		}
		remote := ""
		for _, page := range []string{"/", "/checks", "/checks/a"} {
			_, text := s.request(t, http.DefaultClient, "GET", page)
			remote += text
		}
		_, config := s.request(t, http.DefaultClient, "GET", "/config")
		_, metrics := s.request(t, http.DefaultClient, "GET", "/metrics")
		for what, text := range map[string]string{"the page over TCP": remote, "the page over a unix socket": local} {
			want := show || text == local
			for _, secret := range []string{"password=hunter2", "password=hunter3"} {
				if strings.Contains(text, secret) != want {
					t.Errorf("shown %v: %s has %s: %v, want %v\n%s", show, what, secret, !want, want, text)
				}
			}
		}
		if strings.Contains(config+metrics, "hunter") {
			t.Errorf("a secret in\n%s\n%s", config, metrics)
		}
	}
}

// TestSecurityHeaders checks the headers of every kind of response, and that
// those of the operator stay.
func TestSecurityHeaders(t *testing.T) {
	e, _ := newConfiguredExporter(t, Config{specs: []collect.Spec{steadySpec("a")}, Lifecycle: true, Pprof: true}, "")
	s := serve(t, e, "")
	for _, path := range []string{"/", "/health", "/config", "/-/reload", "/-/healthy", "/-/ready", "/nothing", "/debug/pprof/", "//"} {
		for _, host := range []string{"127.0.0.1", "evil.example"} {
			client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
			resp, _ := s.request(t, client, "GET", path, "Host", host)
			for name, want := range map[string]string{"X-Content-Type-Options": "nosniff", "X-Frame-Options": "deny", "Cache-Control": "no-store", "Referrer-Policy": "no-referrer", "Cross-Origin-Resource-Policy": "same-origin"} {
				if have := resp.Header.Get(name); have != want {
					t.Errorf("%s: %s: %q, want %q", path, name, have, want)
				}
			}
			policy := resp.Header.Get("Content-Security-Policy")
			if !strings.HasPrefix(policy, "default-src 'none'; style-src 'sha256-") || !strings.Contains(policy, "frame-ancestors 'none'") || strings.Contains(policy, "unsafe") {
				t.Errorf("%s: policy %q", path, policy)
			}
		}
	}
	if resp, _ := s.request(t, http.DefaultClient, "GET", "/metrics"); resp.Header.Get("X-Content-Type-Options") != "nosniff" || resp.Header.Get("Cache-Control") != "" {
		t.Errorf("metrics: %v", resp.Header)
	}
	config := filepath.Join(t.TempDir(), "web.yml")
	if err := os.WriteFile(config, []byte("http_server_config: {headers: {X-Frame-Options: sameorigin, Content-Security-Policy: default-src}}\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	s = serve(t, e, config)
	if resp, _ := s.request(t, http.DefaultClient, "GET", "/"); resp.Header.Get("X-Frame-Options") != "sameorigin" || resp.Header.Get("Content-Security-Policy") != "default-src" {
		t.Errorf("headers of the operator: %v", resp.Header)
	}
}

// TestTinyScrapeTimeouts sends scrape timeouts that no collector can keep.
func TestTinyScrapeTimeouts(t *testing.T) {
	var log syncBuffer
	logger, _ := NewLogger(&log, "debug", "logfmt")
	hang := make(chan struct{})
	e := newExporter(t, Config{Log: logger, specs: []collect.Spec{
		toySpec("quick", 0, func(set *metric.Set, out *metric.Sink) error {
			time.Sleep(20 * time.Millisecond) // stands for a read that takes its time
			out.Emit(set.Gauge("toy_quick", "A value."), 1)
			return nil
		}),
		toySpec("slow", time.Minute, func(set *metric.Set, out *metric.Sink) error {
			<-hang
			out.Emit(set.Gauge("toy_slow", "A value."), 1)
			return nil
		}),
	}})
	s := serve(t, e, "")
	for _, timeout := range []string{"1e-300", "0.001", "4e-324", "0x1p-99"} {
		_, body := s.request(t, http.DefaultClient, "GET", "/metrics", "X-Prometheus-Scrape-Timeout-Seconds", timeout)
		for _, want := range []string{"\ntoy_quick 1\n", `host_exporter_collector_state{collector="slow",reason="timeout"} 1`} {
			if !strings.Contains(body, want) {
				t.Errorf("%s: no %s in\n%s", timeout, want, body)
			}
		}
		if strings.Contains(body, "host_exporter_collector_errors_total{") {
			t.Errorf("%s: counted as an error:\n%s", timeout, body)
		}
	}
	close(hang)
	for _, timeout := range []string{"0", "-1", "NaN", "-Inf", "Inf", "1e300", "x", ""} {
		_, body := s.request(t, http.DefaultClient, "GET", "/metrics", "X-Prometheus-Scrape-Timeout-Seconds", timeout)
		if !strings.Contains(body, "\ntoy_slow 1\n") {
			t.Errorf("%q:\n%s", timeout, body)
		}
	}
	if strings.Contains(log.String(), "level=error") {
		t.Errorf("the log:\n%s", log.String())
	}
}

type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *syncBuffer) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(b)
}

func (s *syncBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// TestStopBesideUnfinishedClients stops the exporter while a client has sent
// half a request and another does not read its response: that is no error.
func TestStopBesideUnfinishedClients(t *testing.T) {
	if testing.Short() {
		t.Skip("waits for the clients")
	}
	s := serve(t, newExporter(t, Config{specs: []collect.Spec{bigSpec(10000), steadySpec("good")}}), "")
	silent, half, unread := s.dial(t, ""), s.dial(t, ""), s.dial(t, "")
	fmt.Fprintf(half, "GET /metrics HTTP/1.1\r\nHost:")
	fmt.Fprintf(unread, "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
	if _, err := bufio.NewReaderSize(unread, 16).ReadByte(); err != nil {
		t.Fatal(err)
	}
	idle := s.client("127.0.0.1")
	s.request(t, idle, "GET", "/-/ready")
	started := time.Now()
	if err := s.stop(); err != nil {
		t.Errorf("stop: %v", err)
	}
	if d := time.Since(started); d > 2*stopTimeout {
		t.Errorf("the stop took %v", d)
	}
	if _, err := silent.Read(make([]byte, 1)); err == nil {
		t.Error("a connection is still open")
	}
}

// TestStopAnswersQueuedClients stops the exporter while a scrape is in progress
// and clients connect.
func TestStopAnswersQueuedClients(t *testing.T) {
	entered, hang := make(chan struct{}), make(chan struct{})
	var once sync.Once
	s := serve(t, newExporter(t, Config{specs: []collect.Spec{toySpec("hangs", 0, func(set *metric.Set, out *metric.Sink) error {
		once.Do(func() { close(entered) })
		<-hang
		out.Emit(set.Gauge("toy_hangs", "A value."), 1)
		return nil
	})}}), "")
	var clients sync.WaitGroup
	scrape := func() {
		conn := s.dial(t, "")
		fmt.Fprintf(conn, "GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
		if b, err := io.ReadAll(conn); err != nil || !strings.Contains(string(b), "\ntoy_hangs 1\n") {
			t.Errorf("%v\n%s", err, b)
		}
	}
	for range 10 {
		clients.Go(scrape)
	}
	<-entered
	stopped := make(chan error, 1)
	go func() { stopped <- s.stop() }()
	for { // until the exporter no longer listens
		// From another address: the exporter closes connections of a peer that
		// makes too many.
		dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 2)}}
		conn, err := dialer.Dial("tcp", s.tcp)
		if err != nil {
			break
		}
		conn.Close()
	}
	close(hang)
	clients.Wait()
	if err := <-stopped; err != nil {
		t.Error(err)
	}
}

// TestMetricsPaths starts with paths that cannot be those of the metrics.
func TestMetricsPaths(t *testing.T) {
	for _, path := range []string{"", "metrics", "/a b", "/{x", "/{x}", "/-/reload", "/-/healthy", "/-/", "/health", "/health/a", "/config", "/config/", "/san", "/debug/pprof", "/debug/pprof/heap",
		"//", "/a//b", "/a/../b", "/.", "/a\tb", "/a?b", "/a#b", "/%zz", "/a\x00", "GET /metrics"} {
		_, err := New(Config{MetricsPath: path, specs: []collect.Spec{steadySpec("a")}})
		if err == nil || strings.Contains(err.Error(), "\n") || !strings.HasPrefix(err.Error(), "--web.telemetry-path: want ") {
			t.Errorf("%q: have error %v", path, err)
		}
	}
	for _, path := range []string{"/", "/metrics", "/metrics/", "/a/b.c", "/configuration", "/debug", "/métriques", "/a:b@c", "/~x"} {
		e, err := New(Config{MetricsPath: path, specs: []collect.Spec{steadySpec("a")}})
		if err != nil {
			t.Errorf("%q: %v", path, err)
			continue
		}
		if rec := get(e, path); rec.Code != 200 || !strings.Contains(rec.Body.String(), "toy_a 1") {
			t.Errorf("%q: %d", path, rec.Code)
		}
	}
}

// TestServerErrors sends what is not TLS to a server with TLS: the error is in
// the log, at level debug. A client over HTTP/2 is served.
func TestServerErrors(t *testing.T) {
	cert, key := certificate(t)
	config := filepath.Join(t.TempDir(), "web.yml")
	if err := os.WriteFile(config, fmt.Appendf(nil, "tls_server_config: {cert_file: %s, key_file: %s}\n", cert, key), 0o644); err != nil {
		t.Fatal(err)
	}
	var log syncBuffer
	logger, _ := NewLogger(&log, "debug", "logfmt")
	s := serve(t, newExporter(t, Config{Log: logger, specs: []collect.Spec{steadySpec("a")}}), config)
	conn := s.dial(t, "")
	fmt.Fprintf(conn, "nonsense, and more than a record of TLS has in its header\r\n\r\n")
	_, _ = io.ReadAll(conn)
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: insecure(), ForceAttemptHTTP2: true}}
	resp, err := client.Get("https://" + s.tcp + "/")
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.ProtoMajor != 2 || resp.StatusCode != 200 {
		t.Errorf("%s %s", resp.Proto, resp.Status)
	}
	client.CloseIdleConnections()
	if err := s.stop(); err != nil {
		t.Error(err)
	}
	if text := log.String(); !strings.Contains(text, "level=debug") || !strings.Contains(text, "TLS handshake error") {
		t.Errorf("the log:\n%s", text)
	}
}

// certificate writes a self-signed certificate and its key to files.
func certificate(t *testing.T) (cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	der2, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	cert, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	for path, block := range map[string]*pem.Block{cert: {Type: "CERTIFICATE", Bytes: der}, key: {Type: "PRIVATE KEY", Bytes: der2}} {
		if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return cert, key
}

func insecure() *tls.Config { return &tls.Config{InsecureSkipVerify: true} }
