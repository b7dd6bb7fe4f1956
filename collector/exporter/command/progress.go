package command

import (
	"fmt"
	"io"
	"sync"
	"time"
)

// A progress is a line on a terminal that says what a command does and since when. It
// appears after a second, and vanishes before other output.
type progress struct {
	out  io.Writer
	what string
	stop chan struct{}
	done chan struct{}
	once sync.Once
}

// startProgress starts a line that is written at each tick, which has the time.
func startProgress(out io.Writer, what string, started time.Time, ticks <-chan time.Time) *progress {
	p := &progress{out: out, what: what, stop: make(chan struct{}), done: make(chan struct{})}
	go p.write(started, ticks)
	return p
}

// clearLine returns to the start of the line of a terminal and clears it.
const clearLine = "\r\x1b[K"

func (p *progress) write(started time.Time, ticks <-chan time.Time) {
	defer close(p.done)
	shown := false
	for {
		select {
		case now := <-ticks:
			fmt.Fprintf(p.out, "%s%s for %v ", clearLine, p.what, now.Sub(started).Round(time.Second))
			shown = true
		case <-p.stop:
			if shown {
				fmt.Fprint(p.out, clearLine)
			}
			return
		}
	}
}

// end removes the line. It may be called more than once.
func (p *progress) end() {
	p.once.Do(func() { close(p.stop) })
	<-p.done
}

// A writerAfter is a writer that ends the progress before it writes.
type writerAfter struct {
	io.Writer
	progress *progress
}

func (w writerAfter) Write(b []byte) (int, error) {
	w.progress.end()
	return w.Writer.Write(b)
}

// showProgress shows on a terminal that a command takes longer than a second. The
// returned function ends that.
func (p *program) showProgress(what string) (end func()) {
	if what == "" || !isTerminal(p.stderr) {
		return func() {}
	}
	ticker := time.NewTicker(time.Second)
	shown := startProgress(p.stderr, what, time.Now(), ticker.C)
	p.stdout, p.stderr = writerAfter{p.stdout, shown}, writerAfter{p.stderr, shown}
	return func() {
		ticker.Stop()
		shown.end()
	}
}
