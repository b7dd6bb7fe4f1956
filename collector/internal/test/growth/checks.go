package growth

import (
	"context"
	"fmt"
	"slices"
	"time"

	dto "github.com/prometheus/client_model/go"

	"github.com/hostexporter/host_exporter/collector/checks"
	"github.com/hostexporter/host_exporter/collector/internal/document"
)

// makeTextFiles makes files of two families: one of its own, and one that all have.
func makeTextFiles(s *Scene, n int) error {
	t := tree{root: s.root}
	for i := range n {
		t.write(fmt.Sprintf("textfiles/job%d.prom", i), fmt.Sprintf("# TYPE job%d_items gauge\njob%d_items{queue=\"a\"} 1\njob%d_items{queue=\"b\"} 2\n"+
			"# HELP job_success Whether the job succeeded.\n# TYPE job_success gauge\njob_success{job=\"job%d\"} 1\n", i, i, i, i))
	}
	s.options["textfile"] = map[string][]string{"directory": {"/textfiles"}}
	return t.err
}

// makeChecks makes checks that have run once, and published the families of
// makeTextFiles.
func makeChecks(s *Scene, n int) error {
	changed := make(chan struct{}, 1)
	notify := func() {
		select {
		case changed <- struct{}{}:
		default:
		}
	}
	all := checks.New(checks.Options{Concurrency: n, Changed: notify, Run: func(_ context.Context, d checks.Definition) checks.Report {
		return checks.Report{HasExitCode: true, CPUKnown: true, MaxRSS: 1 << 20, Families: []*dto.MetricFamily{
			newGauge(d.Name+"_items", "queue", "a", "b"), newGauge("job_success", "job", d.Name),
		}}
	}})
	s.closers = append(s.closers, func() error { return all.Close(context.Background()) })
	s.specs = all.Specs()
	doc := document.Parse("growth.yml", []byte(lines(n, func(i int) string {
		return fmt.Sprintf("job%d: {command: /bin/true, at: '@reboot'}", i)
	})))
	definitions := checks.ReadDefinitions(doc.Root())
	if findings := doc.Findings(); len(findings) > 0 {
		return fmt.Errorf("%v", findings)
	}
	if err := all.Apply(definitions); err != nil {
		return err
	}
	all.Start()
	timeout := time.After(time.Minute)
	for slices.ContainsFunc(all.Status(), func(s checks.Status) bool { return !s.HasRun }) {
		select {
		case <-changed:
		case <-timeout:
			return fmt.Errorf("not all of %d checks have run after a minute", n)
		}
	}
	return nil
}

// newGauge returns a family with a series for each value of a label.
func newGauge(name, label string, values ...string) *dto.MetricFamily {
	help, typ := "A gauge.", dto.MetricType_GAUGE
	f := &dto.MetricFamily{Name: &name, Help: &help, Type: &typ}
	for i := range values {
		v := float64(i)
		f.Metric = append(f.Metric, &dto.Metric{
			Label: []*dto.LabelPair{{Name: &label, Value: &values[i]}},
			Gauge: &dto.Gauge{Value: &v},
		})
	}
	return f
}
