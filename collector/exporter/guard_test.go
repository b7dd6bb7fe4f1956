package exporter

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
)

// guardSpec returns a collector with a family of n series and one of ten, of
// which it emits one twice.
func guardSpec(name string, n *int) collect.Spec {
	return toySpec(name, 0, func(set *metric.Set, out *metric.Sink) error {
		large, small := set.Counter("toy_"+name+"_large_total", "A large family.", "i"), set.Gauge("toy_"+name+"_small", "A small family.", "i", "name")
		for i := range *n {
			out.Emit(large, float64(i), fmt.Sprint(i))
		}
		for i := range 11 {
			out.Emit(small, float64(i), fmt.Sprint(i%10), "a \"name\"\\")
		}
		return nil
	})
}

// TestGuardOnBothRoads scrapes collectors with too many and with repeated series
// on both roads: the samples are the same.
func TestGuardOnBothRoads(t *testing.T) {
	a, b := 100, 5
	e, reload := newConfiguredExporter(t, Config{specs: []collect.Spec{guardSpec("a", &a), guardSpec("b", &b)}}, "max-series: 100\ncollectors: {b: {max-series: 15}}\n")
	scrape := func(target, accept string) (samples []string, families map[string]*dto.MetricFamily) {
		t.Helper()
		rec := get(e, target, "Accept", accept)
		p := expfmt.NewTextParser(model.LegacyValidation)
		families, err := p.TextToMetricFamilies(strings.NewReader(rec.Body.String()))
		if rec.Code != 200 || err != nil {
			t.Fatalf("%s: status %d, %v:\n%s", target, rec.Code, err, rec.Body)
		}
		var lines []string
		for _, name := range slices.Sorted(maps.Keys(families)) {
			if !strings.HasPrefix(name, "toy_") && name != "host_exporter_collector_state" {
				continue
			}
			for _, m := range families[name].Metric {
				slices.SortFunc(m.Label, func(a, b *dto.LabelPair) int { return strings.Compare(a.GetName(), b.GetName()) })
				lines = append(lines, fmt.Sprint(name, m.Label, m.GetGauge().GetValue(), m.GetCounter().GetValue()))
			}
		}
		slices.Sort(lines)
		return lines, families
	}
	for _, tc := range []struct {
		a, b, wantA, wantB int
	}{
		{90, 5, 90, 5},
		{91, 5, 0, 5},
		{1000, 11, 0, 0},
		{100_000, 100_000, 0, 0},
	} {
		a, b = tc.a, tc.b
		for range 2 {
			text, families := scrape("/metrics", acceptNew)
			metrics, _ := scrape("/metrics?checked=1", acceptNew)
			if !slices.Equal(text, metrics) {
				t.Errorf("%d and %d series: %d series in text and %d metrics, or others", a, b, len(text), len(metrics))
			}
			for name, want := range map[string]int{"toy_a_large_total": tc.wantA, "toy_b_large_total": tc.wantB, "toy_a_small": 10, "toy_b_small": 10} {
				if have := len(families[name].GetMetric()); have != want {
					t.Errorf("%d and %d series: %s has %d, want %d", a, b, name, have, want)
				}
			}
		}
	}
	page := get(e, "/").Body.String()
	for _, want := range []string{"want at most 100 series, have 100010: dropped toy_a_large_total (100000)", "--collector.max-series=b=N", "a second toy_a_small{i=&#34;0&#34;"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page has no %q:\n%s", want, page)
		}
	}
	if text := get(e, "/metrics").Body.String(); !strings.Contains(text, `host_exporter_series_dropped_total{collector="a"} `) {
		t.Errorf("no dropped series:\n%s", text)
	}
	before := e.units()[0]
	if err := reload("max-series: 100\ncollectors: {b: {max-series: 0}}\n"); err != nil {
		t.Fatal(err)
	}
	if e.units()[0] != before {
		t.Error("a collector whose maximum stays the same is replaced")
	}
	b = 500
	if _, families := scrape("/metrics", acceptNew); len(families["toy_b_large_total"].GetMetric()) != 500 || len(families["host_exporter_series_dropped_total"].GetMetric()) != 1 {
		t.Errorf("without a limit: %v", families["host_exporter_series_dropped_total"])
	}
}
