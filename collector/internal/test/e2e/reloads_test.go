package e2e

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// TestEndToEndReloads switches between two configurations a thousand times, by
// HTTP and by signal, while two clients scrape. Each scrape is of one of the two
// configurations, and the exporter needs no more memory in the end.
func TestEndToEndReloads(t *testing.T) {
	const reloads = 1000
	configs := [2]string{
		`collectors: {arp: false}
expect: {one: node_load1 >= 0, both: node_load1}
checks:
  both: {command: [/bin/echo, "1"], interval: 1s, timeout: 1s, format: number, metric: e2e_both}
  one: {command: [/bin/sleep, "30"], interval: 60s, timeout: 40s, format: exit}
`,
		`collectors: {sockstat: false}
expect: {two: node_load1 >= 0, both: node_load1}
checks:
  both: {command: [/bin/echo, "1"], interval: 1s, timeout: 1s, format: number, metric: e2e_both}
  two: {command: [/bin/echo, "2"], interval: 1s, timeout: 1s, format: number, metric: e2e_two}
`,
	}
	e := newExporter(t, configs[0])
	before := e.until(30*time.Second, "a check runs", func(s samples) bool { _, ok := s.get("e2e_both"); return ok })

	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var scrapes atomic.Int64
	done := make(chan error, 2)
	for range cap(done) {
		go func() { done <- e.scrapeUntilDone(ctx, &scrapes) }()
	}
	var early samples
	for i := range reloads {
		e.write(configs[(i+1)%2])
		if i%2 == 0 {
			if err := e.post(); err != nil {
				t.Fatalf("reload %d: %v", i, err)
			}
		} else {
			e.hangup()
		}
		if i == reloads/10 {
			early, _ = e.scrape()
		}
	}
	stop()
	for range cap(done) {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	t.Logf("%d reloads, %d scrapes", reloads, scrapes.Load())
	e.reload(configs[0])
	late, _ := e.scrape()
	a, _ := early.get("process_resident_memory_bytes")
	b, _ := late.get("process_resident_memory_bytes")
	t.Logf("resident: %.0f MiB after %d reloads, %.0f MiB after all", a/(1<<20), reloads/10, b/(1<<20))
	if b > a+32<<20 || b > 160<<20 {
		t.Errorf("memory has grown from %.0f to %.0f bytes", a, b)
	}
	e.checkResources(before)
	e.reload("")
	var left []string
	if !eventually(30*time.Second, func() bool { left = e.left(); return len(left) == 0 }) {
		t.Errorf("processes are left: %q", left)
	}
}

// scrapeUntilDone scrapes until ctx ends. Each answer has to be complete, and of
// one configuration.
func (e *exporter) scrapeUntilDone(ctx context.Context, n *atomic.Int64) error {
	for ctx.Err() == nil {
		resp, err := http.Get(e.url + "/metrics")
		if err != nil {
			return err
		}
		body, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil || resp.StatusCode != http.StatusOK {
			return fmt.Errorf("%s: %w\n%s", resp.Status, err, body)
		}
		text := string(body)
		one := strings.Contains(text, `host_exporter_collector_state{collector="sockstat"`)
		two := strings.Contains(text, `host_exporter_collector_state{collector="arp"`)
		if one == two || strings.Contains(text, `_ok{name="one"} 1`) != one || strings.Contains(text, `_ok{name="two"} 1`) != two {
			return fmt.Errorf("a scrape is of both configurations, or of none: one %v, two %v\n%s", one, two, text)
		}
		for _, want := range []string{"\nnode_load1 ", "\ne2e_both 1\n", `expectation_ok{name="both"} 1`} {
			if !strings.Contains(text, want) {
				return fmt.Errorf("a scrape lacks %q:\n%s", want, text)
			}
		}
		n.Add(1)
	}
	return nil
}
