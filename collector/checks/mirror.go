package checks

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/hostexporter/host_exporter/collector/checks/internal/scheduler"
)

// A Mirror has the states of checks that run in another process, as their Feed sends
// them. It can start none. It is safe for concurrent use.
type Mirror struct {
	countDrops func(check, reason string, n int)

	mu     sync.Mutex
	states []scheduler.State // sorted by the names of checks
}

// NewMirror returns a mirror without checks. It calls countDrops, which must not
// block, for series that are dropped after a check published them.
func NewMirror(countDrops func(check, reason string, n int)) *Mirror {
	return &Mirror{countDrops: countDrops}
}

// Checks returns the checks of the mirror. Their definitions, schedules and runs are
// those of the other process: Apply, Start and Close do nothing.
func (m *Mirror) Checks() *Checks {
	return &Checks{source: m, run: func(context.Context, Definition) Report {
		return Report{Reason: scheduler.Spawn, Err: errors.New("this process starts no checks")}
	}}
}

// Update takes an update of a Feed.
func (m *Mirror) Update(b []byte) error {
	u, s, err := decodeState(b, m.last)
	if err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	i, known := m.find(u.Name)
	switch {
	case u.Removed && known:
		m.states = slices.Delete(m.states, i, i+1)
	case u.Removed:
	case known:
		m.states[i] = s
	default:
		m.states = slices.Insert(m.states, i, s)
	}
	return nil
}

// last returns a copy of the last state of a check, or nil.
func (m *Mirror) last(name string) *scheduler.State {
	m.mu.Lock()
	defer m.mu.Unlock()
	i, known := m.find(name)
	if !known {
		return nil
	}
	s := m.states[i]
	return &s
}

// find returns the index of a check, or where to insert it.
func (m *Mirror) find(name string) (int, bool) {
	return slices.BinarySearchFunc(m.states, name, func(s scheduler.State, name string) int {
		return strings.Compare(s.Definition.Name, name)
	})
}

// States appends the states of the checks, sorted by name. Families expire here, too,
// in case the other process is late.
func (m *Mirror) States(all []scheduler.State) []scheduler.State {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := time.Now()
	for i := range m.states {
		if s := &m.states[i]; !s.Expires.IsZero() && !now.Before(s.Expires) {
			s.Publication, s.Series, s.Expires = nil, 0, time.Time{}
		}
	}
	return append(all, m.states...)
}

// CountDrops counts series that were dropped after the check published them.
func (m *Mirror) CountDrops(check, reason string, n int) { m.countDrops(check, reason, n) }

// Apply implements source.
func (m *Mirror) Apply([]Definition) error { return nil }

// Start implements source.
func (m *Mirror) Start() {}

// Close implements source.
func (m *Mirror) Close(context.Context) error { return nil }
