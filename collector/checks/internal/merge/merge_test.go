package merge

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	dto "github.com/prometheus/client_model/go"

	"github.com/hostexporter/host_exporter/collector/checks/internal/families"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
)

// source returns a source that has what is written in the text format.
func source(t *testing.T, name, text string) *Source {
	t.Helper()
	byName, err := families.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	s := &Source{Name: name}
	for _, f := range byName {
		s.Families = append(s.Families, f)
	}
	slices.SortFunc(s.Families, func(a, b *dto.MetricFamily) int { return strings.Compare(a.GetName(), b.GetName()) })
	return s
}

// show returns what is served of families, and what is told.
func show(all []*Family) (text, errs string) {
	sink := metric.NewSink(metric.NewSet())
	for _, f := range all {
		if f.External != nil {
			sink.EmitExternal(f.External)
		}
		for _, err := range f.Errs {
			errs += err.Error() + "\n"
		}
		for _, p := range f.Parts {
			if p.DroppedSeries > 0 {
				errs += fmt.Sprintf("%s loses %d of %s\n", p.Source.Name, p.DroppedSeries, f.Name)
			}
		}
	}
	text = string(sink.AppendText(nil, nil, func(string) bool { return false }))
	return text, errs
}

func TestMerge(t *testing.T) {
	for _, tc := range []struct{ name, a, b, text, errs string }{
		{
			"series of both",
			"# HELP x Of both.\n# TYPE x gauge\nx{of=\"a\"} 1\n", "# HELP x Of both.\n# TYPE x gauge\nx{of=\"b\"} 2\n",
			"# HELP x Of both.\n# TYPE x gauge\nx{of=\"a\"} 1\nx{of=\"b\"} 2\n", "",
		},
		{
			"other types",
			"# HELP x Same.\n# TYPE x gauge\nx 1\n", "# HELP x Same.\n# TYPE x counter\nx{of=\"b\"} 2\nx{of=\"c\"} 3\n",
			"# HELP x Same.\n# TYPE x gauge\nx 1\n", "b: x is a counter, and a gauge in a: left out\nb loses 2 of x\n",
		},
		{
			"other help texts",
			"# HELP x Of a.\n# TYPE x gauge\nx 1\n", "# HELP x Of b.\n# TYPE x gauge\nx{of=\"b\"} 2\n",
			"# HELP x Of a.\n# TYPE x gauge\nx 1\nx{of=\"b\"} 2\n", "b: x has another help text than in a, which is served\n",
		},
		{
			"a series of both",
			"# HELP x Same.\n# TYPE x gauge\nx 1\n", "# HELP x Same.\n# TYPE x gauge\nx 2\nx{of=\"b\"} 3\n",
			"# HELP x Same.\n# TYPE x gauge\nx 1\nx{of=\"b\"} 3\n", "b: x is in a already\nb loses 1 of x\n",
		},
		{
			"a name taken by a summary",
			"# HELP x Same.\n# TYPE x summary\nx_sum 1\nx_count 1\n", "# HELP x_count Other.\n# TYPE x_count counter\nx_count 2\n",
			"# HELP x Same.\n# TYPE x summary\nx_sum 1\nx_count 1\n", "b: x_count has series of the same name as x in a: left out\nb loses 1 of x_count\n",
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			m := Merger{ReportHelp: true}
			sources := []*Source{source(t, "a", tc.a), source(t, "b", tc.b)}
			text, errs := show(m.Merge(sources))
			if text != tc.text || errs != tc.errs {
				t.Errorf("have\n%s%s\nwant\n%s%s", text, errs, tc.text, tc.errs)
			}
			if again, toldAgain := show(m.Merge(sources)); again != text || toldAgain != errs {
				t.Errorf("the second time it is\n%s%s", again, toldAgain)
			}
		})
	}
}

func TestMergeKeepsWhatDidNotChange(t *testing.T) {
	var m Merger
	a, b := source(t, "a", "a 1\n"), source(t, "b", "b 1\n")
	m.Merge([]*Source{a, b})
	keptA, keptB := m.Lookup("a"), m.Lookup("b")
	m.Merge([]*Source{a, source(t, "b", "b 1\n")})
	if m.Lookup("a") != keptA || m.Lookup("b") == keptB {
		t.Error("want the family of a kept, and that of b made anew")
	}
	m.Merge([]*Source{a})
	if m.Lookup("b") != nil {
		t.Error("a family that no source has any longer is still known")
	}
}
