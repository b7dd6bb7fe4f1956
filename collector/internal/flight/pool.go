package flight

import (
	"math"
	"slices"
	"sync"
)

// A Pool bounds the runs that are in progress in several flights together. A run
// that hangs in a system call holds a thread until the kernel answers, and a
// process that may have no more threads is ended by the Go runtime. A run
// beyond the bound waits for a place, which holds no thread. It is safe for
// concurrent use.
type Pool struct {
	mu      sync.Mutex
	free    int
	waiting []*Source // with runs that wait, in order of arrival
}

// NewPool returns a pool with a number of places.
func NewPool(places int) *Pool { return &Pool{free: places} }

// Source returns a new source. A source of a nil pool has no bound.
func (p *Pool) Source() *Source {
	if p == nil {
		return nil
	}
	return &Source{pool: p}
}

// A Source is a user of a pool, with one flight or many. It gets another place
// only while it leaves more places free than it holds: one source alone holds
// up to half of the pool, the next one up to a quarter. So a thousand mounts
// that hang leave places to the sensors. A nil Source has no bound.
type Source struct {
	pool  *Pool
	held  int
	queue []chan struct{} // of the runs that wait; closed when a run has its place
}

// Held returns the number of places that the source holds.
func (s *Source) Held() int {
	if s == nil {
		return 0
	}
	s.pool.mu.Lock()
	defer s.pool.mu.Unlock()
	return s.held
}

// Room returns how many more places the source can have now.
func (s *Source) Room() int {
	if s == nil {
		return math.MaxInt
	}
	s.pool.mu.Lock()
	defer s.pool.mu.Unlock()
	return max(s.pool.free-s.held+1, 0) / 2
}

// acquire takes a place, or queues for one: then it returns a channel that is
// closed when there is a place. It never blocks.
func (s *Source) acquire() (queued chan struct{}) {
	if s == nil {
		return nil
	}
	p := s.pool
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(s.queue) == 0 && s.take() {
		return nil
	}
	if len(s.queue) == 0 {
		p.waiting = append(p.waiting, s)
	}
	queued = make(chan struct{})
	s.queue = append(s.queue, queued)
	return queued
}

// release returns a place, and gives out those that this makes available.
func (s *Source) release() {
	if s == nil {
		return
	}
	p := s.pool
	p.mu.Lock()
	defer p.mu.Unlock()
	s.held--
	p.free++
	p.waiting = slices.DeleteFunc(p.waiting, func(s *Source) bool {
		for len(s.queue) > 0 && s.take() {
			close(s.queue[0])
			s.queue = s.queue[1:]
		}
		return len(s.queue) == 0
	})
}

// take takes a place if the source may have one more.
func (s *Source) take() bool {
	if s.pool.free <= s.held {
		return false
	}
	s.pool.free--
	s.held++
	return true
}
