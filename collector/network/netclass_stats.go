package network

import (
	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
	"github.com/hostexporter/host_exporter/collector/internal/rtnl"
)

// netclassStats emits the counters of links, for use without the netdev
// collector. The families are the detailed ones of netdev, except those that
// another collector has declared.
type netclassStats struct {
	env              *collect.Env
	counters         []linkCounter
	familiesDeclared bool
}

func newNetclassStats(env *collect.Env) *netclassStats {
	env.Metrics.AllowDynamic()
	return &netclassStats{env: env}
}

func (s *netclassStats) emit(l *rtnl.Link, out *metric.Sink) {
	if !s.familiesDeclared {
		// Not in the constructor, where other collectors may not have declared
		// theirs yet.
		s.familiesDeclared = true
		s.counters = linkCounters(s.env.Metrics, true, []string{"device"}, s.env.Declared)
	}
	for _, counter := range s.counters {
		if v, ok := counter.value(&l.Stats); ok {
			out.Emit(counter.family, float64(v), l.Name)
		}
	}
}
