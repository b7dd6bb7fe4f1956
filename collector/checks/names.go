package checks

import (
	"sync/atomic"

	"github.com/hostexporter/host_exporter/collector/checks/internal/merge"
	"github.com/hostexporter/host_exporter/collector/internal/collect"
)

// exportedNames are the names of the families that checks export. Files must not have
// them, since two collectors would export the same family, as when a cron job became a
// check and its file is still there. It is safe for concurrent use.
type exportedNames struct {
	names atomic.Pointer[map[string]bool]
}

// set replaces the names by those of families.
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

// withReserved builds collectors for which these names are reserved, too.
type withReserved struct {
	collect.Builder
	names *exportedNames
}

func (b withReserved) New(env *collect.Env, options map[string][]string) (collect.Collector, error) {
	e := *env
	e.Reserved = func(name string) bool { return env.Reserved(name) || b.names.has(name) }
	return b.Builder.New(&e, options)
}
