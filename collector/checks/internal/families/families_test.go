package families

import (
	"bytes"
	"slices"
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
		text, want string
		line       int
	}{
		{"a 1\nb x\n", `expected float as value, got "x"`, 2},
		{"a 1\nb 2", "the last line is incomplete (unexpected end of input stream)", 2},
	} {
		_, err := Parse([]byte(c.text))
		if line, msg := ErrorLine([]byte(c.text), err); line != c.line || msg != c.want {
			t.Errorf("%q: want line %d: %s, have line %d: %s", c.text, c.line, c.want, line, msg)
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
