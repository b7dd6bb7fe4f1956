// Package exposition reads metrics in the text format, for tests.
package exposition

import (
	"bytes"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"github.com/hostexporter/host_exporter/collector/internal/metric"
)

// Parse returns the samples of a text. Summaries and histograms have none.
func Parse(text []byte) (metric.Samples, error) {
	parser := expfmt.NewTextParser(model.LegacyValidation)
	families, err := parser.TextToMetricFamilies(bytes.NewReader(text))
	if err != nil {
		return nil, err
	}
	return func(name string, fn metric.SampleFunc) {
		f := families[name]
		if f.GetType() == dto.MetricType_SUMMARY || f.GetType() == dto.MetricType_HISTOGRAM {
			return
		}
		for _, m := range f.GetMetric() {
			var labels metric.Labels
			for _, l := range m.Label {
				labels = append(labels, metric.Label{Name: []byte(l.GetName()), Value: []byte(l.GetValue())})
			}
			fn(labels, m.GetGauge().GetValue()+m.GetCounter().GetValue()+m.GetUntyped().GetValue())
		}
	}, nil
}
