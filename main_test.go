package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// start runs the program on a unix socket and returns a client for it, and a
// function that stops it.
func start(t *testing.T, args ...string) (*http.Client, func() error) {
	t.Helper()
	socket := filepath.Join(t.TempDir(), "metrics.sock")
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- run(ctx, append(args, "--web.listen-address=unix://"+socket), io.Discard, io.Discard) }()
	client := &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		for { // until it listens
			conn, err := new(net.Dialer).DialContext(ctx, "unix", socket)
			select {
			case runErr := <-done:
				done <- runErr
				return nil, runErr
			default:
			}
			if err == nil || ctx.Err() != nil {
				return conn, err
			}
		}
	}}, Timeout: 30 * time.Second}
	t.Cleanup(cancel)
	return client, func() error { cancel(); return <-done }
}

func fetch(t *testing.T, client *http.Client, path string) string {
	t.Helper()
	resp, err := client.Get("http://host" + path)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s, %v\n%s", path, resp.Status, err, b)
	}
	return string(b)
}

func TestServesAndStops(t *testing.T) {
	client, stop := start(t)
	if body := fetch(t, client, "/metrics"); !strings.Contains(body, "\nnode_load1 ") {
		t.Errorf("no load average:\n%s", body)
	}
	if err := stop(); err != nil {
		t.Errorf("stopping: %v", err)
	}
}

func TestFlagsOfADropIn(t *testing.T) {
	b, err := os.ReadFile("testdata/compatible-flags.txt")
	if err != nil {
		t.Fatal(err)
	}
	var help bytes.Buffer
	if err := run(t.Context(), []string{"--help"}, &help, io.Discard); err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(b)) {
		f := strings.Split(strings.TrimRight(line, "\n"), "\t")
		if len(f) != 3 || strings.HasPrefix(f[0], "collector.") && f[0] != "collector.disable-defaults" || strings.HasPrefix(f[0], "help-") {
			continue
		}
		if !strings.Contains(help.String(), f[0]) {
			t.Errorf("--%s is not in the help", f[0])
		}
		if f[2] != "" && !strings.Contains(help.String(), f[2]) {
			t.Errorf("--%s: default %s is not in the help", f[0], f[2])
		}
	}
}

func TestBadFlags(t *testing.T) {
	for _, args := range [][]string{
		{"--nonsense"},
		{"--no-such.switch"},
		{"argument"},
		{"--log.level=loud"},
		{"--web.telemetry-path=metrics"},
		{"--web.max-requests=many"},
		{"--web.listen-address=unix:///no/such/folder/x.sock"},
		{"--web.config.file=/no/such/file", "--web.listen-address=127.0.0.1:0"},
	} {
		if err := run(t.Context(), args, io.Discard, io.Discard); err == nil {
			t.Errorf("%v is accepted", args)
		}
	}
}

func TestVersion(t *testing.T) {
	var out bytes.Buffer
	if err := run(t.Context(), []string{"--version"}, &out, io.Discard); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(out.String(), "\n")
	if !strings.HasPrefix(lines[0], "host_exporter, version ") || len(lines) < 6 || !strings.HasPrefix(lines[1], "  build user:") {
		t.Errorf("version:\n%s", &out)
	}
}

func TestLogFormats(t *testing.T) {
	for format, check := range map[string]func(line string) bool{
		"json": func(line string) bool { return json.Valid([]byte(line)) },
		"logfmt": func(line string) bool {
			return strings.HasPrefix(line, "ts=") && strings.Contains(line, " level=") && strings.Contains(line, " msg=")
		},
	} {
		var logs bytes.Buffer
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		socket := "unix://" + filepath.Join(t.TempDir(), "x.sock")
		if err := run(ctx, []string{"--log.format=" + format, "--web.listen-address=" + socket}, io.Discard, &logs); err != nil {
			t.Error(err)
		}
		for line := range strings.Lines(logs.String()) {
			if !check(strings.TrimSpace(line)) {
				t.Errorf("%s: %s", format, line)
			}
		}
		if !strings.Contains(logs.String(), "Starting host_exporter") {
			t.Errorf("%s: no start in the log:\n%s", format, &logs)
		}
	}
}

// TestMissingRoots starts on trees that are not there, and on one where files
// and folders have changed places.
func TestMissingRoots(t *testing.T) {
	odd := t.TempDir()
	for _, dir := range []string{"loadavg", "stat", "meminfo", "net"} {
		if err := os.Mkdir(filepath.Join(odd, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, file := range []string{"class", "devices", "pressure"} {
		if err := os.WriteFile(filepath.Join(odd, file), []byte("a file\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, root := range []string{"/no/such/root", odd, "main.go"} {
		client, stop := start(t, "--path.procfs="+root, "--path.sysfs="+root)
		body := fetch(t, client, "/metrics")
		if !strings.Contains(body, `node_scrape_collector_success{collector="loadavg"} 0`) || strings.Contains(body, `reason="panic"`) {
			t.Errorf("%s:\n%s", root, body)
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
	}
}

// TestDeadSocket starts where a killed exporter left its socket, and refuses
// where one still listens.
func TestDeadSocket(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.sock")
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	if err := run(t.Context(), []string{"--web.listen-address=unix://" + path}, io.Discard, io.Discard); err == nil {
		t.Error("a socket that is in use is taken")
	}
	l.SetUnlinkOnClose(false)
	l.Close()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := run(ctx, []string{"--web.listen-address=unix://" + path}, io.Discard, io.Discard); err != nil {
		t.Errorf("a dead socket is in the way: %v", err)
	}
}
