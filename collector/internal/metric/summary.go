package metric

import (
	"fmt"
	"strconv"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
)

// A Summary is one declared summary: a family with quantiles, a sum and a
// count, and without other labels.
type Summary struct {
	family    *Family
	quantiles []float64
	leads     [][]byte // the text before each quantile's value, and before sum and count
}

// Summary declares a summary with the given quantiles.
func (s *Set) Summary(name, help string, quantiles ...float64) *Summary {
	sum := &Summary{family: s.declare(dto.MetricType_SUMMARY, name, help, nil), quantiles: quantiles}
	for _, q := range quantiles {
		sum.leads = append(sum.leads, fmt.Appendf(nil, "%s{quantile=%q} ", name, strconv.FormatFloat(q, 'g', -1, 64)))
	}
	sum.leads = append(sum.leads, []byte(name+"_sum "), []byte(name+"_count "))
	return sum
}

// EmitSummary adds a summary: a value for each of its quantiles, the sum and
// the count.
func (s *Sink) EmitSummary(f *Summary, values []float64, sum float64, count uint64) {
	if len(values) != len(f.quantiles) {
		panic(fmt.Sprintf("metric: %s has %d quantiles and got %d", f.family.name, len(f.quantiles), len(values)))
	}
	b := s.buffer(f.family)
	if b.count > 0 {
		s.reportRepeat(f.family.name)
		return
	}
	if s.sampleCount+len(f.leads) > s.maximum && !s.makeRoom(f.family, len(f.leads)) {
		return
	}
	s.sampleCount += len(f.leads)
	for _, lead := range f.leads {
		b.add(lead, true)
		b.count++
	}
	if s.mode == Metrics {
		quantiles := make(map[float64]float64, len(values))
		for i, q := range f.quantiles {
			quantiles[q] = values[i]
		}
		s.metrics = append(s.metrics, prometheus.MustNewConstSummary(f.family.Desc(), count, sum, quantiles))
		return
	}
	b.values = append(append(b.values, values...), sum, float64(count))
}
