package checks

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"github.com/hostexporter/host_exporter/collector/checks/internal/merge"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
)

// collectorOf is a prometheus.Collector of metrics.
type collectorOf []prometheus.Metric

func (collectorOf) Describe(chan<- *prometheus.Desc) {}
func (g collectorOf) Collect(ch chan<- prometheus.Metric) {
	for _, m := range g {
		ch <- m
	}
}

// FuzzTextfile exports any two files together: the exposition must parse, have unique
// series, and be the same on both roads.
func FuzzTextfile(f *testing.F) {
	for _, s := range []string{
		"", "a 1\n", "a 1", "a{b=\"c\"} 1 5\n", "# TYPE a gauge\na{b=\"c\"} 1\na 2\n", "# HELP a x\\ny\n# TYPE a counter\na NaN\n",
		"# TYPE h histogram\nh_bucket{le=\"1\"} 1\nh_bucket{le=\"+Inf\"} 2\nh_sum 3\nh_count 2\n", "h_count 1\n# TYPE h histogram\nh_sum 1\n",
		"# TYPE h histogram\nh_bucket{le=\"NaN\"} 1\nh_bucket{le=\"NaN\"} 1.5\nh_count -0\n",
		"# TYPE s summary\ns{quantile=\"0.5\"} 1\ns_sum 3\ns_count 2\n", "# TYPE h gaugehistogram\nh_count 1\n",
		"{\"a.b\"} 1\n", "a{\"b.c\"=\"d\"} 1\n", "a{le=\"1\"} 1\n", "a{__x=\"1\"} 1\n", "a{l=\"\xff\"} 1\n", "# HELP a \xff\na 1\n",
		"a{b=\"\\\\\\\"\\n\"} 0x1p-2\n", "a{b=\"\"} 1\na 2\n", "# TYPE a summary\na{quantile=\"x\"} 1\n", "# TYPE h_count counter\nh_count 1\n# TYPE h summary\nh_sum 1\n",
	} {
		f.Add([]byte(s), []byte("# TYPE a gauge\na 5\nh_sum 6\n"))
		f.Add([]byte("a{b=\"c\"} 7\n"), []byte(s))
	}
	f.Fuzz(func(t *testing.T, first, second []byte) {
		var m merge.Merger
		files := []*textfileFile{parseText("/1.prom", first), parseText("/2.prom", second)}
		sink := metric.NewSink(metric.NewSet())
		for _, family := range m.Merge(sourcesOf(files)) {
			if family.External != nil {
				sink.EmitExternal(family.External)
			}
		}
		never := func(string) bool { return false }
		text := sink.AppendText(nil, nil, never)
		parser := expfmt.NewTextParser(model.LegacyValidation)
		byName, err := parser.TextToMetricFamilies(bytes.NewReader(text))
		if err != nil {
			t.Fatalf("%v:\n%s", err, text)
		}
		series := map[string]bool{}
		for line := range strings.Lines(string(text)) {
			name := line[:strings.LastIndexByte(line, ' ')]
			if !strings.HasPrefix(line, "#") && series[name] {
				t.Errorf("duplicate %s:\n%s", name, text)
			}
			series[name] = true
		}
		reg := prometheus.NewPedanticRegistry()
		reg.MustRegister(collectorOf(sink.Metrics(never)))
		families, err := reg.Gather()
		if err != nil {
			t.Fatalf("%v:\n%s", err, text)
		}
		var fast []*dto.MetricFamily
		for _, family := range byName {
			fast = append(fast, family)
		}
		if a, z := sortedLines(fast), sortedLines(families); a != z {
			t.Errorf("the roads differ:\n%s\n%s", a, z)
		}
	})
}

// parseText returns a file with a text.
func parseText(name string, text []byte) *textfileFile {
	f := parseContent(name, &textfileContent{text: text})
	f.normalize()
	return f
}

func sortedLines(families []*dto.MetricFamily) string {
	var lines []string
	for _, family := range families {
		var b bytes.Buffer
		for _, m := range family.Metric { // the registry sorts them, the parser does not
			slices.SortFunc(m.Label, func(a, b *dto.LabelPair) int { return strings.Compare(a.GetName(), b.GetName()) })
		}
		_, _ = expfmt.MetricFamilyToText(&b, family) // a bytes.Buffer does not fail
		lines = append(lines, strings.SplitAfter(b.String(), "\n")...)
	}
	slices.Sort(lines)
	return strings.Join(lines, "")
}
