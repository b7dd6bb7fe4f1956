package output

import (
	"bytes"
	"fmt"
	"runtime"
	"strings"
	"testing"
)

// anyOptions returns options with which each format parses all of its input.
func anyOptions() []Options {
	return []Options{
		{Format: Prometheus}, {Format: KV}, {Format: Nagios, Name: "x"}, {Format: Number, Name: "x"}, {Format: Exit, Name: "x"},
		{Format: JSON, Metrics: []Metric{{Name: "x", Each: "..", Value: "."}}},
		{Format: Regexp, Metrics: []Metric{{Name: "x", Pattern: `(?P<l>\w+) (?P<value>\d+)`}, {Name: "y", Whole: true, Pattern: `(?P<l>\w+) (?P<value>\d+)`}}},
	}
}

// TestHostileOutput parses large and invalid outputs, and checks the results and what
// they allocate in total.
func TestHostileOutput(t *testing.T) {
	const size = 128 << 10
	line := strings.Repeat("x", size-2)
	inputs := map[string]string{
		"as many as there may": repeat("a{x=\"%d\"} 1\n", 8_000),
		"a line":               line + "\n",
		"a line and no end":    line,
		"a name":               line[:size/2] + " 1\n",
		"a label":              "a{x=\"" + line[:size/2] + "\"} 1\n",
		"open braces":          strings.Repeat("a{", size/4) + "\n",
		"labels":               "a{" + repeat("l%d=\"\",", 10_000) + "} 1\n",
		"labels in each line":  strings.Repeat("a{"+repeat("l%d=\"\",", 60)+"} 1\n", 250),
		"different labels":     repeat("a{l%d=\"\"} 1\n", 8_000),
		"short lines":          strings.Repeat("a\n", size/2),
		"newlines":             strings.Repeat("\n", size),
		"comments":             strings.Repeat("#\n", size/2),
		"numbers":              strings.Repeat("1 ", size/2-1) + "\n",
		"quotes":               strings.Repeat("\"", size-1) + "\n",
		"arrays":               strings.Repeat("[", size),
		"array":                "[" + strings.Repeat("1,", size/4) + "1]",
		"perfdata":             "x|" + repeat("a%d=1;2;3;4;5 ", 8_000),
		"open quotes":          "x|" + strings.Repeat("'a ", size/4),
		"blanks":               strings.Repeat(" ", size-1) + "\n",
		"binary":               string(binary(size)),
		"zeros":                strings.Repeat("\x00", size-1) + "\n",
		"digits":               strings.Repeat("9", size-1) + "\n",
	}
	for _, o := range anyOptions() {
		o.MaxBytes = size
		o.Quote = true
		p, err := New(o)
		if err != nil {
			t.Fatal(err)
		}
		for name, input := range inputs {
			t.Run(fmt.Sprintf("%s/%s", o.Format, name), func(t *testing.T) {
				var before, after runtime.MemStats
				runtime.ReadMemStats(&before)
				got := p.Parse([]byte(input), 0)
				runtime.ReadMemStats(&after)
				if len(input) > size {
					t.Errorf("%d bytes are rejected unread", len(input))
				}
				if mib := (after.TotalAlloc - before.TotalAlloc) >> 20; mib > 128 {
					t.Errorf("allocated %d MiB", mib)
				}
				checkResult(t, p, got)
				for _, problem := range got.Problems {
					if len(problem) > 1000 {
						t.Errorf("a problem of %d bytes", len(problem))
					}
				}
				if got.Err != nil && len(got.Err.Error()) > 1000 {
					t.Errorf("an error of %d bytes", len(got.Err.Error()))
				}
			})
		}
	}
}

// binary returns every byte, many times.
func binary(size int) []byte {
	all := make([]byte, 256)
	for i := range all {
		all[i] = byte(i)
	}
	return bytes.Repeat(all, size/256)
}

// TestMillionSeries is rejected without being parsed.
func TestMillionSeries(t *testing.T) {
	text := []byte(repeat("a{x=\"%d\"} 1\n", 1_000_000))
	for size, want := range map[int]string{
		0:        "want at most 1048576 bytes of output (stdout-limit), have 15888890",
		64 << 20: "want at most 12800 values (64 times max-series)",
	} {
		for _, format := range []Format{Prometheus, KV} {
			p, err := New(Options{Quote: true, Format: format, MaxBytes: size})
			if err != nil {
				t.Fatal(err)
			}
			if got := p.Parse(text, 0); got.Err == nil || got.Err.Error() != want || got.Families != nil {
				t.Errorf("%s: want %s, have %+v", format, want, got.Err)
			}
		}
	}
}
