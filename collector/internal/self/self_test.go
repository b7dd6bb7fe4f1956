package self

import (
	"math"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
)

func value(f *dto.MetricFamily) float64 {
	m := f.GetMetric()[0]
	return m.GetCounter().GetValue() + m.GetGauge().GetValue()
}

// TestLikeClientGolang holds every family against client_golang's collector.
func TestLikeClientGolang(t *testing.T) {
	set := metric.NewSet()
	p := NewProcess(set, host.Live(host.Paths{}))
	sink := metric.NewSink(set)
	p.Emit(sink)
	parser := expfmt.NewTextParser(model.LegacyValidation)
	ours, err := parser.TextToMetricFamilies(strings.NewReader(string(sink.AppendText(nil, nil, func(string) bool { return false }))))
	if err != nil {
		t.Fatal(err)
	}
	reg := prometheus.NewRegistry()
	reg.MustRegister(collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	theirs, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range theirs {
		have := ours[f.GetName()]
		if have == nil {
			t.Errorf("%s is missing", f.GetName())
			continue
		}
		if have.GetType() != f.GetType() {
			t.Errorf("%s is a %v, want %v", f.GetName(), have.GetType(), f.GetType())
		}
		// Between the two readings the process goes on.
		a, b := value(have), value(f)
		if math.Abs(a-b) > 0.5*math.Abs(b)+2 {
			t.Errorf("%s is %v, want about %v", f.GetName(), a, b)
		}
		delete(ours, f.GetName())
	}
	for name := range ours {
		t.Errorf("%s is not in client_golang", name)
	}
}

func BenchmarkProcess(b *testing.B) {
	b.Run("self", func(b *testing.B) {
		set := metric.NewSet()
		p := NewProcess(set, host.Live(host.Paths{}))
		sink := metric.NewSink(set)
		b.ReportAllocs()
		for b.Loop() {
			sink.Reset(metric.Text)
			p.Emit(sink)
		}
	})
	b.Run("client_golang", func(b *testing.B) {
		reg := prometheus.NewRegistry()
		reg.MustRegister(collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
		b.ReportAllocs()
		for b.Loop() {
			if _, err := reg.Gather(); err != nil {
				b.Fatal(err)
			}
		}
	})
}
