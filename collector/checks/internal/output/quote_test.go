package output

import (
	"fmt"
	"strings"
	"testing"
)

// TestQuotesNothing parses outputs that are not what was wanted, such as a file that a
// check printed by mistake: problems and errors have a position and no text of them,
// unless they are for the operator.
func TestQuotesNothing(t *testing.T) {
	const word = "hunter2"
	limits := func(text string) []string { return []string{text, text + "\n", text + "\n" + text + "\n"} }
	for _, c := range []struct {
		o     Options
		texts []string
	}{
		{Options{Format: Prometheus}, []string{"W", "root:$y$W:1\n", "a{b=W} 1\n", "a{b=\"W\"} 1 5\n", "a{b=\"W\"} 1\na{b=\"W\"} 1\n", "a{__b=\"W\"} 1\n", "a 1\n# EOF\nW\n", "# TYPE h histogram\nh_bucket{b=\"W\",le=\"1\"} 1\n", "a 1\nW"}},
		{Options{Format: Prometheus, Metrics: []Metric{{Name: "m", Labels: []string{"x"}}}}, []string{"m{W=\"1\"} 1\n", "m{x=\"W\"} 1\nm{x=\"W\"} 2\n"}},
		{Options{Format: KV}, []string{"W", "root:$y$W:1\n", "W W\n", "W=\"W\"\n", "W{W} 1\n", "a{b=\"W} 1\n", "a{b=\"\\W\"} 1\n", "a W\n", "a 1 W\n", "a 1W\n", "W.W 1\n", "a{__b=\"W\"} 1\n", "a{b=\"W\",b=\"W\"} 1\n", "a=\n", "\"W\" 1\n"}},
		{Options{Format: KV, Metrics: []Metric{{Name: "m_seconds", Unit: "s"}}}, []string{"W 1\n", "m_seconds W\n", "m_seconds 1W\n", "m_seconds{W=\"1\"} 1\n"}},
		{Options{Format: JSON, Metrics: []Metric{{Name: "m", Value: ".a"}}}, []string{"W", "\"W\"", "[\"W\"]", "{\"a\": \"W\"}", "{\"a\": [\"W\"]}", "{\"a\": {\"W\": 1}}", "{\"a\": 1} W", "{\"a\": W}"}},
		{Options{Format: JSON, Metrics: []Metric{{Name: "m", Value: "1", Labels: []string{"l"}, LabelValues: map[string]string{"l": ".a"}}}}, []string{"{\"a\": [\"W\"]}", "{\"a\": {\"W\": 1}}", "\"W\""}},
		{Options{Format: JSON, Metrics: []Metric{{Name: "m", Value: ".a | error"}}}, []string{"{\"a\": \"W\"}"}},
		{Options{Format: JSON, Metrics: []Metric{{Name: "m", Enum: map[string]float64{"x": 1}, Value: ".a"}}}, []string{"{\"a\": \"W\"}"}},
		{Options{Format: Regexp, Metrics: []Metric{{Name: "m_seconds", Pattern: "(?P<value>[^ ]+) ?(?P<unit>.*)"}}}, []string{"W", "W W\n", "1 W\n"}},
		{Options{Format: Nagios, Name: "n"}, limits("OK | W")},
		{Options{Format: Nagios, Name: "n"}, []string{"OK | 'W'=W", "OK | W=1W", "OK | W=1;W;W;W;W", "OK | W=1;2;3;4;5;6;W", "OK | 'W", "OK | 'W'W=1", "OK | W=", "OK | W=-1c"}},
		{Options{Format: Nagios, Name: "n", Metrics: []Metric{{Name: "m"}}}, []string{"OK | W=1"}},
		{Options{Format: Number, Name: "n"}, []string{"W", "1W", "1 W", "W 1", ""}},
		{Options{Format: Number, Metrics: []Metric{{Name: "n", Enum: map[string]float64{"x": 1}}}}, []string{"W"}},
		{Options{Format: Number, Metrics: []Metric{{Name: "n", Max: new(float64)}}}, []string{"770077"}},
	} {
		for _, text := range c.texts {
			text = strings.ReplaceAll(text, "W", word)
			said := map[bool]string{}
			for _, quote := range []bool{false, true} {
				c.o.Quote = quote
				p, err := New(c.o)
				if err != nil {
					t.Fatal(err)
				}
				r := p.Parse([]byte(text), 0)
				said[quote] = strings.Join(r.Problems, "\n")
				if r.Err != nil {
					said[quote] += fmt.Sprint(r.Err)
				}
			}
			if strings.Contains(said[false], "hunter") || strings.Contains(said[false], "770077") || strings.Contains(said[false]+said[true], mark) || said[false] == "" != (said[true] == "") {
				t.Errorf("%s: %q: %s\nto the operator: %s", c.o.Format, text, said[false], said[true])
			}
		}
	}
}
