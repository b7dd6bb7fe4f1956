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

// source returns a source with the families of a text.
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

// show returns the exported text of families, and their errors.
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
				errs += fmt.Sprintf("%s drops %d of %s\n", p.Source.Name, p.DroppedSeries, f.Name)
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
			"# HELP x Same.\n# TYPE x gauge\nx 1\n", "b: x is a counter, but a gauge in a: dropped\nb drops 2 of x\n",
		},
		{
			"other help texts",
			"# HELP x Of a.\n# TYPE x gauge\nx 1\n", "# HELP x Of b.\n# TYPE x gauge\nx{of=\"b\"} 2\n",
			"# HELP x Of a.\n# TYPE x gauge\nx 1\nx{of=\"b\"} 2\n", "b: the help text of x differs from that in a\n",
		},
		{
			"a series of both",
			"# HELP x Same.\n# TYPE x gauge\nx 1\n", "# HELP x Same.\n# TYPE x gauge\nx 2\nx{of=\"b\"} 3\n",
			"# HELP x Same.\n# TYPE x gauge\nx 1\nx{of=\"b\"} 3\n", "b: x is already in a: dropped\nb drops 1 of x\n",
		},
		{
			"a name taken by a summary",
			"# HELP x Same.\n# TYPE x summary\nx_sum 1\nx_count 1\n", "# HELP x_count Other.\n# TYPE x_count counter\nx_count 2\n",
			"# HELP x Same.\n# TYPE x summary\nx_sum 1\nx_count 1\n", "b: x_count has the name of a series of x in a: dropped\nb drops 1 of x_count\n",
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			m := Merger{ReportHelp: true}
			sources := []*Source{source(t, "a", tc.a), source(t, "b", tc.b)}
			text, errs := show(m.Merge(sources))
			if text != tc.text || errs != tc.errs {
				t.Errorf("have\n%s%s\nwant\n%s%s", text, errs, tc.text, tc.errs)
			}
			if again, errsAgain := show(m.Merge(sources)); again != text || errsAgain != errs {
				t.Errorf("the second merge has\n%s%s", again, errsAgain)
			}
		})
	}
}

func TestMergeReusesFamilies(t *testing.T) {
	var m Merger
	a, b := source(t, "a", "a 1\n"), source(t, "b", "b 1\n")
	m.Merge([]*Source{a, b})
	keptA, keptB := m.Lookup("a"), m.Lookup("b")
	m.Merge([]*Source{a, source(t, "b", "b 1\n")})
	if m.Lookup("a") != keptA || m.Lookup("b") == keptB {
		t.Error("want the family of a reused, and that of b merged again")
	}
	m.Merge([]*Source{a})
	if m.Lookup("b") != nil {
		t.Error("want no family without a source")
	}
}
