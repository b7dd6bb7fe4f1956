package output

import (
	"bytes"
	"maps"
	"strings"
	"sync"
	"testing"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
)

// A testCase is the output of a check and its expected result.
type testCase struct {
	name    string
	options Options
	stdout  string
	exit    int

	want     string // the families as text, without help texts
	dropped  map[Reason]int
	problems string // one per line
	err      string
}

func (c testCase) run(t *testing.T) {
	t.Run(c.name, func(t *testing.T) {
		c.options.Quote = true
		p, err := New(c.options)
		if err != nil {
			t.Fatal(err)
		}
		got := p.Parse([]byte(c.stdout), c.exit)
		if have := withoutHelp(render(t, got.Families)); have != c.want {
			t.Errorf("want\n%shave\n%s", c.want, have)
		}
		if c.dropped == nil {
			c.dropped = map[Reason]int{}
		}
		if !maps.Equal(got.Drops, c.dropped) {
			t.Errorf("dropped: want %v, have %v: %q", c.dropped, got.Drops, got.Problems)
		}
		if have := strings.Join(got.Problems, "\n"); c.problems != "" && have != c.problems {
			t.Errorf("problems: want\n%s\nhave\n%s", c.problems, have)
		}
		have := ""
		if got.Err != nil {
			have = got.Err.Error()
		}
		if have != c.err {
			t.Errorf("error: want %q, have %q", c.err, have)
		}

	})
}

// render returns families in the text format.
func render(t testing.TB, all []*dto.MetricFamily) string {
	t.Helper()
	var b bytes.Buffer
	for _, family := range all {
		if _, err := expfmt.MetricFamilyToText(&b, family); err != nil {
			t.Fatal(err)
		}
	}
	return b.String()
}

func withoutHelp(text string) string {
	var kept strings.Builder
	for line := range strings.Lines(text) {
		if !strings.HasPrefix(line, "# HELP") {
			kept.WriteString(line)
		}
	}
	return kept.String()
}

func at(f float64) *float64 { return &f }

// TestCap keeps the same series for every order of the output.
func TestCap(t *testing.T) {
	lines := []string{"b 5", "a{x=\"2\"} 2", "a{x=\"1\"} 1", "a{x=\"3\"} 3", "c 6"}
	p, err := New(Options{Quote: true, Format: KV, MaxSeries: 2})
	if err != nil {
		t.Fatal(err)
	}
	for range lines {
		lines = append(lines[1:], lines[0])
		got := p.Parse([]byte(strings.Join(lines, "\n")+"\n"), 0)
		if have, want := withoutHelp(render(t, got.Families)), "# TYPE a untyped\na{x=\"1\"} 1\na{x=\"2\"} 2\n"; have != want {
			t.Errorf("%q: want\n%shave\n%s", lines, want, have)
		}
		if got.Series != 2 || got.Drops[OverLimit] != 3 || got.Err != nil {
			t.Errorf("%q: %+v", lines, got)
		}
		if want := `a{x="3"}: dropped with all series after it: max-series is 2`; got.Problems[0] != want {
			t.Errorf("want %s, have %s", want, got.Problems[0])
		}
	}
}

// TestCapCountsTimeSeries counts the time series of a histogram: here two buckets, the
// one for +Inf, sum and count.
func TestCapCountsTimeSeries(t *testing.T) {
	text := "# TYPE h histogram\nh_bucket{le=\"1\"} 1\nh_bucket{le=\"2\"} 2\nh_sum 3\nh_count 3\n# TYPE s summary\ns{quantile=\"0.5\"} 1\ns_sum 2\ns_count 2\n"
	for limit, want := range map[int]struct{ families, series, dropped int }{8: {2, 8, 0}, 7: {1, 5, 1}, 5: {1, 5, 1}, 4: {0, 0, 2}} {
		p, err := New(Options{Quote: true, Format: Prometheus, MaxSeries: limit})
		if err != nil {
			t.Fatal(err)
		}
		got := p.Parse([]byte(text), 0)
		if len(got.Families) != want.families || got.Series != want.series || got.Drops[OverLimit] != want.dropped {
			t.Errorf("%d: want %v, have %d families, %d series, %v", limit, want, len(got.Families), got.Series, got.Drops)
		}
	}
}

// TestConcurrentParse uses each parser in several goroutines, for the race detector.
func TestConcurrentParse(t *testing.T) {
	texts := map[Format]string{Prometheus: "a 1\n", KV: "a=1 ms\n", JSON: `[1, {"a": 2}]`, Regexp: "a 1\n", Nagios: "OK | a=1\n", Number: "1\n"}
	for _, o := range anyOptions() {
		o.Quote = true
		p, err := New(o)
		if err != nil {
			t.Fatal(err)
		}
		want := render(t, p.Parse([]byte(texts[o.Format]), 0).Families)
		if want == "" {
			t.Errorf("%s: no families", o.Format)
		}
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				if have := render(t, p.Parse([]byte(texts[o.Format]), 0).Families); have != want {
					t.Errorf("%s: want\n%s\nhave\n%s", o.Format, want, have)
				}
			})
		}
		wg.Wait()
	}
}
