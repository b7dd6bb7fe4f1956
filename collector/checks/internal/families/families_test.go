package families

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
)

// parseOne parses a document with one family.
func parseOne(t *testing.T, text string) *dto.MetricFamily {
	t.Helper()
	byName, err := Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range byName {
		return family
	}
	t.Fatal("no family")
	return nil
}

func TestErrorLine(t *testing.T) {
	for _, c := range []struct {
		text, quoted, kind string
		line               int
	}{
		{"a 1\nb x\n", `expected float as value, got "x"`, "expected float as value", 2},
		{"a 1\nb 2", "the last line is incomplete (unexpected end of input stream)", "the last line is incomplete (unexpected end of input stream)", 2},
		{"a{b 1}\n", `expected '=' after label name, found '1'`, "expected '=' after label name", 1},
		{"a 1 x\n", `expected integer as timestamp, got "x"`, "expected integer as timestamp", 1},
		{"a{b=\"\n", `label value "" contains unescaped new-line`, "not in the text format", 1},
	} {
		_, err := Parse([]byte(c.text))
		if line, kind, quoted := ErrorLine([]byte(c.text), err); line != c.line || kind != c.kind || quoted != c.quoted {
			t.Errorf("%q: want line %d: %s, %s\nhave line %d: %s, %s", c.text, c.line, c.kind, c.quoted, line, kind, quoted)
		}
	}
}

// TestErrorKinds parses what is not in the text format, with a word in each place: the
// form without quotes never has the word.
func TestErrorKinds(t *testing.T) {
	const word = "hunter2"
	for _, text := range []string{"W", "W\n", "W W\n", "a W\n", "a{W}\n", "a{W\n", "a{W=W} 1\n", "a{W=\"W\",W=\"W\"} 1\n", "a{b=\"W} 1\n", "a{b=\"W\"W} 1\n", "a{b=\"W\"} W\n", "a 1 W\n", "a 1 1 W\n",
		"# TYPE a W\n", "# TYPE W\n", "# HELP W x\n# HELP W y\n", "# TYPE W gauge\n# TYPE W gauge\n", "{\"W\" \"W\"} 1\n", "{\"W.b\"} 1\n", "{\"W", "{\"W\n", "a{\"W.x\"=\"1\"} 1\n", "root:$y$W:1:\n", "a{b=\"\\W\"} 1\n",
		"# TYPE W histogram\nW_count -1\n", "# TYPE W histogram\nW_bucket{le=\"W\"} 1\n", "# TYPE W summary\nW{quantile=\"W\"} 1\n", "a{__name__=\"W\"} 1\n", "a{b=\"\xffW\"} 1\n"} {
		text = strings.ReplaceAll(text, "W", word)
		_, err := Parse([]byte(text))
		if err == nil {
			continue
		}
		if _, kind, _ := ErrorLine([]byte(text), err); kind == "" || strings.Contains(kind, word) {
			t.Errorf("%q: %s", text, kind)
		}
	}
}

func TestMeasure(t *testing.T) {
	labels := func(n int) string { return "a{" + strings.Repeat("b=\"\\\"\\\\\",", n) + "} 1\n" }
	for _, c := range []struct {
		text string
		want Size
		line int
	}{
		{"", Size{}, 0},
		{"# HELP a \"\"\"\"\n\n  a 1\na{b=\"c\",d=\"\"} 1", Size{Families: 1, Samples: 2, Labels: 2}, 0},
		{"a 1\na{b=\"\"} 1\nab 1\na\t1\n", Size{Families: 3, Samples: 4, Labels: 1}, 0},
		{"# TYPE a gauge\n# TYPE b gauge\n# HELP c \na 1\n# x\n", Size{Families: 2, Samples: 1}, 0},
		{labels(64), Size{Families: 1, Samples: 1, Labels: 64}, 0},
		{"a 1\n" + labels(65), Size{Families: 1, Samples: 2, Labels: 65}, 2},
	} {
		c.want.Bytes = len(c.text)
		if have, line, err := Measure([]byte(c.text)); have != c.want || line != c.line || err == nil != (line == 0) {
			t.Errorf("%q: %+v, line %d, %v, want %+v, line %d", c.text, have, line, err, c.want, c.line)
		}
	}
}

func TestNormalize(t *testing.T) {
	for _, c := range []struct{ text, want, errs string }{
		{"a{y=\"2\",x=\"1\"} 1\na 2\n", "# TYPE a untyped\na{x=\"1\",y=\"2\"} 1\na{x=\"\",y=\"\"} 2\n", ""},
		{"# TYPE h histogram\nh_bucket{le=\"+Inf\"} 3\nh_bucket{le=\"1\"} 2\nh_bucket{le=\"1\"} 1\n",
			"# TYPE h histogram\nh_bucket{le=\"1\"} 2\nh_bucket{le=\"+Inf\"} 3\nh_sum 0\nh_count 3\n",
			"h: duplicate bucket or quantile: the first one is exported\n"},
		{"# TYPE h histogram\nh_bucket{le=\"1\"} 2\n", "", "h: histogram without a count or a bucket for +Inf: dropped\n"},
		{"a{__x=\"1\"} 1\n", "", "a: label __x is reserved: dropped\n"},
	} {
		family := parseOne(t, c.text)
		errs := ""
		for _, err := range Normalize(family) {
			errs += err.Error() + "\n"
		}
		var b bytes.Buffer
		if len(family.Metric) > 0 {
			if _, err := expfmt.MetricFamilyToText(&b, family); err != nil {
				t.Fatal(err)
			}
		}
		if b.String() != c.want || errs != c.errs {
			t.Errorf("%s: want\n%s%s\nhave\n%s%s", c.text, c.want, c.errs, b.String(), errs)
		}
	}
}

func TestSeries(t *testing.T) {
	m := parseOne(t, "a{x=\"1\",y=\"\"} 5\n").Metric[0]
	if have, want := SeriesName("a", m), `a{x="1"}`; have != want {
		t.Errorf("want %s, have %s", want, have)
	}
	if SeriesKey(m) != SeriesKey(parseOne(t, "a{x=\"1\"} 5\n").Metric[0]) {
		t.Error("want the same key with an empty label")
	}
	if have, want := SeriesNames("a", dto.MetricType_HISTOGRAM), []string{"a", "a_bucket", "a_sum", "a_count"}; !slices.Equal(have, want) {
		t.Errorf("want %v, have %v", want, have)
	}
	if have := Retype(m, dto.MetricType_COUNTER); have.GetCounter().GetValue() != 5 {
		t.Errorf("have %v", have)
	}
	if !IsConvertible(dto.MetricType_UNTYPED, dto.MetricType_GAUGE) || IsConvertible(dto.MetricType_UNTYPED, dto.MetricType_SUMMARY) || IsConvertible(dto.MetricType_GAUGE, dto.MetricType_COUNTER) {
		t.Error("want untyped convertible to gauge and counter only")
	}
}
