package exporter

import (
	"bytes"
	"errors"
	"io"
	"math"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-kit/log"

	"github.com/hostexporter/host_exporter/collector/checks"
	"github.com/hostexporter/host_exporter/collector/internal/frame"
)

// pipeLinks returns the two ends of a link.
func pipeLinks(t *testing.T) (runner, serve *link) {
	t.Helper()
	a, b := net.Pipe()
	t.Cleanup(func() { _, _ = a.Close(), b.Close() })
	return newRunnerLink(a), newServeLink(b)
}

func TestLink(t *testing.T) {
	runner, serve := pipeLinks(t)
	sent := message{Kind: updateMessage, ID: 7, Err: "an error\nin lines", Status: "a status", body: []byte("a body\nin lines\n")}
	go func() { _ = runner.send(sent) }()
	have, err := serve.receive()
	if err != nil || have.Kind != sent.Kind || have.ID != 7 || have.Err != sent.Err || have.Status != sent.Status || !bytes.Equal(have.body, sent.body) {
		t.Errorf("%+v, %v", have, err)
	}
	go func() { _ = serve.send(message{Kind: loadedMessage, Err: strings.Repeat("x", 1<<20)}) }()
	if have, err := runner.receive(); err != nil || len(have.Err) != maxText+len("...") {
		t.Errorf("a long error: %d bytes, %v", len(have.Err), err)
	}
}

// TestLinkBounds rejects messages that are longer than they may be, on both ends.
func TestLinkBounds(t *testing.T) {
	runner, serve := pipeLinks(t)
	if err := serve.send(message{body: make([]byte, maxToRunner)}); err == nil {
		t.Error("serve sends a message that is too long")
	}
	go func() { _ = frame.Write(serve.conn, make([]byte, maxToRunner+1), maxToRunner+1) }()
	if _, err := runner.receive(); err == nil || !strings.Contains(err.Error(), "at most 65536 bytes") {
		t.Errorf("have error %v", err)
	}
	runner, serve = pipeLinks(t)
	go func() { _ = frame.Write(serve.conn, []byte("no line"), 100) }()
	if _, err := runner.receive(); err == nil {
		t.Error("a message without a line is accepted")
	}
}

// newTestRunner returns a runner without processes, and the log of its checks.
func newTestRunner(t *testing.T) (*Runner, *bytes.Buffer) {
	t.Helper()
	var logs bytes.Buffer
	file := filepath.Join(t.TempDir(), "host_exporter.yml")
	return NewRunner(Config{File: file, Log: log.NewLogfmtLogger(&logs)}, nil, nil), &logs
}

// TestCapturedServe sends all that a captured serve can send, with commands wherever
// there is room for a text: nothing starts, and what counts is bounded.
func TestCapturedServe(t *testing.T) {
	r, logs := newTestRunner(t)
	definition := checks.Definition{Name: "a", Enabled: true, Command: []string{"/bin/false"}, At: "@yearly"}
	if err := r.checks.Apply([]checks.Definition{definition}); err != nil {
		t.Fatal(err)
	}
	runner, serve := pipeLinks(t)
	p := &childProcess{runner: r, link: runner, answers: make(chan message, 1), ready: make(chan struct{}), stops: make(chan struct{}), done: make(chan struct{})}
	received := make(chan struct{})
	go func() {
		defer close(received)
		for {
			m, err := p.link.receive()
			if err != nil {
				return
			}
			p.take(m)
		}
	}()
	const evil = "/bin/touch /tmp/evil\nREADY=1\nMAINPID=1"
	for _, kind := range []messageKind{helloMessage, updateMessage, completeMessage, loadMessage, resultMessage, endMessage,
		readyMessage, stoppingMessage, loadedMessage, statusMessage, dropsMessage, "run", "notify", ""} {
		m := message{Kind: kind, ID: 1, Err: evil, Status: evil, Check: "a", Reason: evil, N: 1, Listeners: 1, body: []byte(evil)}
		for range 3 {
			if err := serve.send(m); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, n := range []int{-5, 3, math.MaxInt} {
		if err := serve.send(message{Kind: dropsMessage, Check: "a", Reason: "conflict", N: n}); err != nil {
			t.Fatal(err)
		}
	}
	if err := serve.send(message{Kind: dropsMessage, Check: "none", Reason: "conflict", N: 1}); err != nil {
		t.Fatal(err)
	}
	for range 10 {
		if err := serve.send(message{Kind: reloadMessage}); err != nil {
			t.Fatal(err)
		}
	}
	_ = serve.conn.Close()
	<-received
	if len(r.requests) != 1 {
		t.Errorf("%d requests to reload, want one at a time", len(r.requests))
	}
	if have := p.status(); strings.Contains(have, "\n") {
		t.Errorf("the status has lines of its own: %q", have)
	}
	states := r.checks.Status()
	if len(states) != 1 || states[0].Definition.Command[0] != "/bin/false" || states[0].Runs != 0 {
		t.Errorf("%+v", states)
	}
	if len(states[0].Drops) != 1 || states[0].Drops[0].Reason != "conflict" || states[0].Drops[0].N != 3+maxDrops {
		t.Errorf("drops %v", states[0].Drops)
	}
	if strings.Contains(logs.String(), "evil") {
		t.Errorf("the log has a text of serve: %s", logs)
	}
}

// TestSilentServe asks a serve that does not answer, one that answers late, and one
// that has ended.
func TestSilentServe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := net.Pipe()
		go func() { _, _ = io.Copy(io.Discard, b) }()
		defer b.Close()
		defer a.Close()
		p := &childProcess{link: newRunnerLink(a), answers: make(chan message, 1), done: make(chan struct{})}
		if _, err := p.ask(t.Context(), message{Kind: loadMessage, ID: 1}, time.Minute); err == nil || err.Error() != "no answer after 1m0s" {
			t.Errorf("have error %v", err)
		}
		p.answers <- message{ID: 1}
		time.AfterFunc(time.Second, func() { p.answers <- message{ID: 2, Status: "yes"} })
		if m, err := p.ask(t.Context(), message{Kind: loadMessage, ID: 2}, time.Minute); err != nil || m.Status != "yes" {
			t.Errorf("%+v, %v", m, err)
		}
		close(p.done)
		if _, err := p.ask(t.Context(), message{Kind: loadMessage, ID: 3}, time.Minute); err == nil || !strings.Contains(err.Error(), "has ended") {
			t.Errorf("have error %v", err)
		}
	})
}

// TestChild loads a configuration, records why the runner could not, and reports that it
// needs a new process.
func TestChild(t *testing.T) {
	runner, serve := pipeLinks(t)
	k := &child{link: serve, loads: make(chan message, 1), results: make(chan error, 1), complete: make(chan struct{}), drops: map[drop]int{}, dropped: make(chan struct{}, 1)}
	k.mirror = checks.NewMirror(k.countDrops)
	e, _ := newConfiguredExporter(t, Config{child: k}, "")
	go k.loadOn(t.Context(), e)
	go k.receive(func(error) {})
	go k.sendDrops(t.Context())
	ask := func(m message) message {
		t.Helper()
		if err := runner.send(m); err != nil {
			t.Fatal(err)
		}
		answer, err := runner.receive()
		if err != nil {
			t.Fatal(err)
		}
		return answer
	}
	if have := ask(message{Kind: loadMessage, ID: 1}); have.Kind != loadedMessage || have.ID != 1 || have.Err != "" || !strings.Contains(have.Status, " collectors, 0 checks") {
		t.Errorf("%+v", have)
	}
	if have := ask(message{Kind: loadMessage, ID: 2, Err: "host_exporter.yml:1:1: no"}); have.ID != 2 || !strings.Contains(have.Err, ":1:1: no") || !strings.Contains(have.Status, "reload failed") {
		t.Errorf("%+v", have)
	}
	if text := get(e, "/metrics").Body.String(); !strings.Contains(text, "host_exporter_config_last_reload_successful 0\n") {
		t.Error("the failure is not exported")
	}
	// A reload over HTTP is a request to the runner, whose answer it returns.
	result := make(chan error, 1)
	go func() { result <- e.Reload() }()
	if m, err := runner.receive(); err != nil || m.Kind != reloadMessage {
		t.Errorf("%+v, %v", m, err)
	}
	if err := runner.send(message{Kind: resultMessage, Err: "an error"}); err != nil {
		t.Fatal(err)
	}
	if err := <-result; err == nil || err.Error() != "an error" {
		t.Errorf("have error %v", err)
	}
	k.countDrops("a", "conflict", 2)
	if m, err := runner.receive(); err != nil || m.Kind != dropsMessage || m.Check != "a" || m.N != 2 {
		t.Errorf("%+v, %v", m, err)
	}
}

// TestChildEnds ends the child with its runner, and after an update that is no state.
func TestChildEnds(t *testing.T) {
	for name, end := range map[string]func(*link) error{
		"end of the runner": func(l *link) error { return l.conn.Close() },
		"a broken update":   func(l *link) error { return l.send(message{Kind: updateMessage, body: []byte("nonsense")}) },
	} {
		runner, serve := pipeLinks(t)
		k := &child{link: serve, loads: make(chan message, 1), results: make(chan error, 1), complete: make(chan struct{})}
		k.mirror = checks.NewMirror(nil)
		ended := make(chan error, 1)
		go k.receive(func(err error) { ended <- err })
		if err := end(runner); err != nil {
			t.Fatal(err)
		}
		if err := <-ended; !errors.Is(err, errRunnerGone) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzLink(f *testing.F) {
	f.Add([]byte("\x00\x00\x00\x15{\"Kind\":\"ready\"}\nbody"))
	f.Add([]byte("\x00\x00\x00\x03{}\n"))
	f.Add([]byte("\xff\xff\xff\xff"))
	f.Fuzz(func(t *testing.T, input []byte) {
		a, b := net.Pipe()
		defer a.Close()
		go func() { _, _ = b.Write(input); _ = b.Close() }()
		l := newRunnerLink(a)
		for {
			m, err := l.receive()
			if err != nil {
				return
			}
			if len(m.body) > maxToRunner {
				t.Fatalf("%d bytes", len(m.body))
			}
		}
	})
}
