package self

import (
	"math"
	"runtime"
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

// TestMatchesClientGolang compares every family with client_golang's collectors.
func TestMatchesClientGolang(t *testing.T) {
	runtime.GC() // so that there is a last one
	set := metric.NewSet()
	sink := metric.NewSink(set)
	NewProcess(set, host.Live(host.Paths{})).Emit(sink)
	NewRuntime(set).Emit(sink)
	parser := expfmt.NewTextParser(model.LegacyValidation)
	ours, err := parser.TextToMetricFamilies(strings.NewReader(string(sink.AppendText(nil, nil, func(string) bool { return false }))))
	if err != nil {
		t.Fatal(err)
	}
	reg := prometheus.NewRegistry()
	reg.MustRegister(collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}), collectors.NewGoCollector())
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
		// The process allocates between the two readings.
		a, b := value(have), value(f)
		if math.Abs(a-b) > 0.5*math.Abs(b)+8e6 {
			t.Errorf("%s is %v, want about %v", f.GetName(), a, b)
		}
		if q := f.GetMetric()[0].GetSummary().GetQuantile(); len(q) != len(have.GetMetric()[0].GetSummary().GetQuantile()) {
			t.Errorf("%s: quantiles %v, want %v", f.GetName(), have, f)
		}
		delete(ours, f.GetName())
	}
	for name := range ours {
		t.Errorf("%s is not in client_golang", name)
	}
}

// BenchmarkSelf compares the cost with that of client_golang's collectors.
func BenchmarkSelf(b *testing.B) {
	b.Run("self", func(b *testing.B) {
		set := metric.NewSet()
		p, r := NewProcess(set, host.Live(host.Paths{})), NewRuntime(set)
		sink := metric.NewSink(set)
		b.ReportAllocs()
		for b.Loop() {
			sink.Reset(metric.Text)
			p.Emit(sink)
			r.Emit(sink)
		}
	})
	b.Run("client_golang", func(b *testing.B) {
		reg := prometheus.NewRegistry()
		reg.MustRegister(collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}), collectors.NewGoCollector())
		b.ReportAllocs()
		for b.Loop() {
			if _, err := reg.Gather(); err != nil {
				b.Fatal(err)
			}
		}
	})
}
