package exporter

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// A stalledWriter blocks until it is released.
type stalledWriter struct {
	release chan struct{}
	mu      sync.Mutex
	text    bytes.Buffer
}

func (w *stalledWriter) Write(b []byte) (int, error) {
	<-w.release
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.text.Write(b)
}

func TestLogWriterNeverBlocks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		out := &stalledWriter{release: make(chan struct{})}
		w := NewLogWriter(out)
		const lines = maxQueuedLines + 100
		for i := range lines {
			if i == 1 {
				synctest.Wait() // the first line is being written, which leaves the queue empty
			}
			if n, err := fmt.Fprintf(w, "line %d\n", i); n == 0 || err != nil {
				t.Fatal(n, err)
			}
		}
		if have := w.Dropped(); have != 99 {
			t.Errorf("%d lines dropped, want 99", have)
		}
		began := time.Now()
		if w.Flush(time.Second) || time.Since(began) != time.Second {
			t.Errorf("flushed after %v", time.Since(began))
		}
		close(out.release)
		if !w.Flush(time.Second) {
			t.Error("not flushed")
		}
		var want strings.Builder
		for i := range maxQueuedLines + 1 {
			fmt.Fprintf(&want, "line %d\n", i)
		}
		if out.text.String() != want.String() {
			t.Errorf("have\n%s", out.text.String())
		}
		fmt.Fprintln(w, "more")
		if !w.Flush(time.Second) || !strings.HasSuffix(out.text.String(), "\nmore\n") || w.Dropped() != 99 {
			t.Errorf("%d lines dropped; have\n%s", w.Dropped(), out.text.String())
		}
	})
}

// TestLogWriterBoundsBytes has a few long lines, such as stacks.
func TestLogWriterBoundsBytes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		out := &stalledWriter{release: make(chan struct{})}
		w := NewLogWriter(out)
		long := strings.Repeat("x", maxQueuedBytes/4-1) + "\n"
		for range 6 {
			fmt.Fprint(w, long)
		}
		if have := w.Dropped(); have != 2 {
			t.Errorf("%d lines dropped, want 2", have)
		}
		close(out.release)
		if w.Flush(time.Second); out.text.Len() != maxQueuedBytes {
			t.Errorf("%d bytes written, want %d", out.text.Len(), maxQueuedBytes)
		}
	})
}

type failingWriter struct{}

func (failingWriter) Write([]byte) (int, error) { return 0, errors.New("broken pipe") }

func TestLogWriterCountsFailures(t *testing.T) {
	w := NewLogWriter(failingWriter{})
	for range 3 {
		if _, err := fmt.Fprintln(w, "line"); err != nil {
			t.Error(err)
		}
	}
	if !w.Flush(10*time.Second) || w.Dropped() != 3 {
		t.Errorf("%d lines dropped, want 3", w.Dropped())
	}
}

// TestLogIsPrintable logs what controls a terminal: an escape, the single-byte
// CSI U+009B, and an override of the writing direction.
func TestLogIsPrintable(t *testing.T) {
	for _, format := range []string{"logfmt", "json"} {
		var out bytes.Buffer
		w := NewLogWriter(&out)
		logger, library := NewLogger(w, "info", format)
		_ = logger.Log("msg", "größe", "err", errors.New("\x1b[31m\u009b31m\u202ex\x7f\n\xff"))
		library.Info("\x1b\u009b\u202ex\x7f")
		w.Flush(10 * time.Second)
		if have := out.String(); strings.Count(have, "\n") != 2 || strings.ContainsAny(have, "\x1b\u009b\u202e\x7f") || strings.Contains(have, "\xff") || !strings.Contains(have, "größe") {
			t.Errorf("%s: have %q", format, have)
		}
	}
}
