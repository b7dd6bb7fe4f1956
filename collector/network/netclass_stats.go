package network

import (
	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
	"github.com/hostexporter/host_exporter/collector/internal/rtnl"
)

// netclassStats tells the counters of links, for those who run without the
// netdev collector. They have the names of its detailed families. Families
// that are declared elsewhere are left to that collector: nothing is told
// twice.
type netclassStats struct {
	env      *collect.Env
	counters []linkCounter
	declared bool
}

func newNetclassStats(env *collect.Env) *netclassStats {
	env.Metrics.AllowDynamic()
	return &netclassStats{env: env}
}

func (s *netclassStats) emit(l *rtnl.Link, out *metric.Sink) {
	if !s.declared {
		// Not in the constructor: only now all collectors have declared theirs.
		s.declared = true
		s.counters = linkCounters(s.env.Metrics, true, []string{"device"}, s.env.Reserved)
	}
	for _, counter := range s.counters {
		if v, ok := counter.value(&l.Stats); ok {
			out.Emit(counter.family, float64(v), l.Name)
		}
	}
}
