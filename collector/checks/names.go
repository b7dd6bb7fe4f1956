package checks

import (
	"sync/atomic"

	"github.com/hostexporter/host_exporter/collector/checks/internal/merge"
	"github.com/hostexporter/host_exporter/collector/internal/collect"
)

// exportedNames are the names that checks serve. A textfile must not have one of them:
// the two are collectors of their own, and one family would be there twice. It
// is what happens when a cron job becomes a check and its file is left behind.
type exportedNames struct {
	names atomic.Pointer[map[string]bool]
}

// set says what is served from now on.
func (s *exportedNames) set(families []*merge.Family) {
	names := make(map[string]bool, len(families))
	for _, f := range families {
		if f.External != nil {
			for _, name := range f.Names {
				names[name] = true
			}
		}
	}
	s.names.Store(&names)
}

func (s *exportedNames) has(name string) bool {
	names := s.names.Load()
	return names != nil && (*names)[name]
}

// withReserved builds collectors that must not take these names either.
type withReserved struct {
	collect.Builder
	names *exportedNames
}

func (b withReserved) New(env *collect.Env, options map[string][]string) (collect.Collector, error) {
	e := *env
	e.Reserved = func(name string) bool { return env.Reserved(name) || b.names.has(name) }
	return b.Builder.New(&e, options)
}
