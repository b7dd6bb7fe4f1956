package host

import "sync"

// A PerHost holds one T for each host: a reader that several collectors share,
// or that must outlive a reload. The zero value is ready. It is safe for
// concurrent use.
type PerHost[T any] struct {
	mu     sync.Mutex
	byHost map[*Host]T
}

// Of returns the T of a host. The first call for a host makes it.
func (s *PerHost[T]) Of(h *Host, make func(*Host) T) T {
	s.mu.Lock()
	defer s.mu.Unlock()
	t, ok := s.byHost[h]
	if !ok {
		if s.byHost == nil {
			s.byHost = map[*Host]T{}
		}
		t = make(h)
		s.byHost[h] = t
	}
	return t
}
