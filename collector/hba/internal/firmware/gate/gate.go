// Package gate keeps the reads of firmware apart: at any moment at most one is
// outstanding on a PCI function. Two at a time can garble both answers, and an
// adapter that takes too long to answer is reset by its driver. A read that
// hangs cannot be cancelled; it keeps all others of its function waiting until
// the kernel ends it. The package does not know what is read.
package gate

import "sync"

// A Gate gives out turns to read from PCI functions, to one reader of a function
// at a time, first come, first served. The zero value is ready. It is safe for
// concurrent use.
type Gate struct {
	mu     sync.Mutex
	queues map[string]*queue // of the functions that are being read from
}

// A queue holds who reads from a function, and who waits for that, in order.
type queue struct {
	path    func() string
	waiting []turn
}

type turn struct {
	path  func() string
	begin chan struct{} // closed when the turn begins
}

// Turn waits until no other read of the function is outstanding, and calls read. While
// read is running, path returns the file that it reads; it is called by other
// goroutines.
func (g *Gate) Turn(function string, path func() string, read func()) {
	g.enter(function, path)
	defer g.leave(function)
	read()
}

func (g *Gate) enter(function string, path func() string) {
	g.mu.Lock()
	q := g.queues[function]
	if q == nil {
		if g.queues == nil {
			g.queues = map[string]*queue{}
		}
		g.queues[function] = &queue{path: path}
		g.mu.Unlock()
		return
	}
	next := turn{path, make(chan struct{})}
	q.waiting = append(q.waiting, next)
	g.mu.Unlock()
	<-next.begin
}

func (g *Gate) leave(function string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	q := g.queues[function]
	if len(q.waiting) == 0 {
		delete(g.queues, function)
		return
	}
	next := q.waiting[0]
	q.path, q.waiting = next.path, q.waiting[1:]
	close(next.begin)
}

// Outstanding returns the file that is being read from a function, or "".
func (g *Gate) Outstanding(function string) string {
	g.mu.Lock()
	q := g.queues[function]
	if q == nil {
		g.mu.Unlock()
		return ""
	}
	path := q.path
	g.mu.Unlock()
	return path()
}
