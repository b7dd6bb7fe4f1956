package flight

import (
	"runtime"
	"sync"
)

// Workers are goroutines that run flights one after another. A goroutine that
// goes on keeps its stack; a new one for each run would grow its stack from two
// kilobytes each time, which took a twentieth of a scrape. A run that hangs
// keeps its goroutine, and others start as needed.
//
// Nil Workers start a goroutine for each run. Workers are safe for concurrent
// use. Their idle goroutines end when the Workers are no longer referenced.
type Workers struct{ idle *idleWorkers }

// maxIdleWorkers is the maximum number of goroutines without a run.
const maxIdleWorkers = 4

type idleWorkers struct {
	mu      sync.Mutex
	workers []chan task // the last one ran last
	closed  bool
}

// A task is a run to be done. It does not panic.
type task interface{ do() }

// NewWorkers returns Workers without a goroutine.
func NewWorkers() *Workers {
	w := &Workers{&idleWorkers{}}
	runtime.AddCleanup(w, (*idleWorkers).close, w.idle)
	return w
}

// start does a task in a goroutine.
func (w *Workers) start(t task) {
	if w == nil {
		go t.do()
		return
	}
	tasks := w.idle.take()
	if tasks == nil {
		tasks = make(chan task, 1)
		go w.idle.work(tasks)
	}
	tasks <- t
	runtime.KeepAlive(w)
}

// work does tasks while the worker is needed.
func (i *idleWorkers) work(tasks chan task) {
	for t := range tasks {
		t.do()
		t = nil // it has the result of its run
		if !i.put(tasks) {
			return
		}
	}
}

func (i *idleWorkers) take() chan task {
	i.mu.Lock()
	defer i.mu.Unlock()
	last := len(i.workers) - 1
	if last < 0 {
		return nil
	}
	tasks := i.workers[last]
	i.workers = i.workers[:last]
	return tasks
}

// put reports whether the worker is to wait for its next task.
func (i *idleWorkers) put(tasks chan task) bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.closed || len(i.workers) >= maxIdleWorkers {
		return false
	}
	i.workers = append(i.workers, tasks)
	return true
}

func (i *idleWorkers) close() {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.closed = true
	for _, tasks := range i.workers {
		close(tasks)
	}
	i.workers = nil
}
