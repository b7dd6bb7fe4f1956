package health

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"github.com/hostexporter/host_exporter/collector/internal/expect"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
)

const testdata = "../../../testdata/"

// samplesOf returns the samples of an exposition.
func samplesOf(t testing.TB, text string) metric.Samples {
	t.Helper()
	parser := expfmt.NewTextParser(model.LegacyValidation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
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
	}
}

// judge returns the report of a configuration's rules on some samples.
func judge(t testing.TB, c *Config, samples metric.Samples) *Report {
	t.Helper()
	rules := c.Rules()
	e := rules.Begin()
	if e != nil {
		e.Observe(samples)
	}
	return rules.Report(e, func(string, string) expect.Source { return expect.Source{Requested: true, Declared: true} })
}

func shipped(t testing.TB) *Config {
	t.Helper()
	c, err := NewConfig()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func testX(t *testing.T) {
	files, _ := filepath.Glob(testdata + "*/*.prom")
	c := shipped(t)
	fired, passed := map[string][]string{}, map[string]int{}
	for _, f := range files {
		if strings.Contains(f, "/checks/") && !strings.Contains(f, "check.") && !strings.Contains(f, "textfile") {
			continue
		}
		b, _ := os.ReadFile(f)
		r := judge(t, c, samplesOf(t, string(b)))
		for _, p := range r.Problems {
			fired[p.Rule.Name] = append(fired[p.Rule.Name], filepath.Base(f)+": "+p.Text)
		}
		for _, p := range r.Passed {
			passed[p.Name]++
		}
	}
	for _, r := range c.rules {
		n := len(fired[r.Name])
		fmt.Println(r.Name, n, "passed", passed[r.Name])
		for _, s := range fired[r.Name][:min(n, 4)] {
			fmt.Println("     ", s)
		}
	}
}
