package host

import "sync"

// PerHost hands all who ask for the same host one and the same T: what several
// collectors read together, and what must outlive a reload. The zero value is
// ready. It is safe for concurrent use.
type PerHost[T any] struct {
	mu     sync.Mutex
	byHost map[*Host]T
}

// Of returns what belongs to a host. It is made at the first call.
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
