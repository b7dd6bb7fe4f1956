package exporter

import (
	"bytes"
	"io"
	"sync"
	"time"

	"github.com/hostexporter/host_exporter/collector/internal/metric"
)

// Limits of a LogWriter's queue.
const (
	maxQueuedLines = 1024
	maxQueuedBytes = 1 << 20
)

// A LogWriter writes log lines to another writer in the background. Write never
// blocks and never fails: a journal that stalls, a full pipe or a reader that
// exits must not delay a scrape. Lines that do not fit into the queue, and those
// that cannot be written, are dropped and counted. It is safe for concurrent
// use.
type LogWriter struct {
	out io.Writer

	mu      sync.Mutex
	queue   [][]byte
	size    int           // bytes of the queue and of the line that is being written
	done    chan struct{} // closed when the queue is empty; nil: it is
	dropped uint64
}

// NewLogWriter returns a LogWriter that writes to out.
func NewLogWriter(out io.Writer) *LogWriter { return &LogWriter{out: out} }

// Write queues a line, without characters that control a terminal.
func (w *LogWriter) Write(line []byte) (int, error) {
	text := append([]byte(metric.Printable(string(bytes.TrimSuffix(line, []byte("\n"))))), '\n')
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.queue) == maxQueuedLines || w.size+len(text) > maxQueuedBytes {
		w.dropped++
		return len(line), nil
	}
	w.queue = append(w.queue, text)
	w.size += len(text)
	if w.done == nil {
		w.done = make(chan struct{})
		go w.drain()
	}
	return len(line), nil
}

// drain writes the lines of the queue until it is empty.
func (w *LogWriter) drain() {
	for {
		line, ok := w.next()
		if !ok {
			return
		}
		_, err := w.out.Write(line)
		w.written(line, err)
	}
}

func (w *LogWriter) next() (line []byte, ok bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.queue) == 0 {
		close(w.done)
		w.queue, w.done = nil, nil
		return nil, false
	}
	line, w.queue = w.queue[0], w.queue[1:]
	return line, true
}

func (w *LogWriter) written(line []byte, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.size -= len(line)
	if err != nil {
		w.dropped++
	}
}

// Dropped returns the number of lines that were dropped.
func (w *LogWriter) Dropped() uint64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.dropped
}

// Flush waits until the queued lines are written, no longer than the timeout.
// It reports whether they are.
func (w *LogWriter) Flush(timeout time.Duration) bool {
	w.mu.Lock()
	done := w.done
	w.mu.Unlock()
	if done == nil {
		return true
	}
	timer := time.NewTimer(timeout)
	defer timer.Stop()
	select {
	case <-done:
		return true
	case <-timer.C:
		return false
	}
}
