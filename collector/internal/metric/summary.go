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
	s.sampleCount += len(f.leads)
	if s.mode == Metrics {
		quantiles := make(map[float64]float64, len(values))
		for i, q := range f.quantiles {
			quantiles[q] = values[i]
		}
		s.addMetric(f.family, prometheus.MustNewConstSummary(f.family.desc, count, sum, quantiles))
		return
	}
	b := s.familyText(f.family)
	for i, v := range values {
		b = append(appendValue(append(b, f.leads[i]...), v), '\n')
	}
	b = append(appendValue(append(b, f.leads[len(values)]...), sum), '\n')
	b = append(strconv.AppendUint(append(b, f.leads[len(values)+1]...), count, 10), '\n')
	s.text[f.family.index] = b
}
