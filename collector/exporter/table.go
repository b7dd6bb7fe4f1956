package exporter

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	dto "github.com/prometheus/client_model/go"

	"github.com/hostexporter/host_exporter/collector/internal/metric"
	"github.com/hostexporter/host_exporter/collector/internal/scrape"
)

// onceTable collects once and writes the samples for people: a table for each family
// with labels, and one for those without.
func (e *Exporter) onceTable(ctx context.Context, out io.Writer, req scrape.Request) error {
	families, err := e.gather(ctx, req)
	if err != nil {
		return err
	}
	var b bytes.Buffer
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	for _, f := range families {
		if !hasLabels(f) {
			fmt.Fprintf(w, "%s\t%s\t%s\n", f.GetName(), tableValue(f.GetName(), f.Metric[0]), f.GetHelp())
		}
	}
	w.Flush()
	for _, f := range families {
		if hasLabels(f) {
			fmt.Fprintf(&b, "\n%s: %s\n", f.GetName(), f.GetHelp())
			writeTable(&b, f)
		}
	}
	_, err = out.Write(bytes.TrimPrefix(b.Bytes(), []byte("\n")))
	return err
}

func hasLabels(f *dto.MetricFamily) bool {
	return len(f.Metric) > 1 || len(f.Metric[0].Label) > 0
}

// writeTable writes the series of a family, with a column for each label.
func writeTable(out io.Writer, f *dto.MetricFamily) {
	var names []string
	for _, m := range f.Metric {
		for _, l := range m.Label {
			if !slices.Contains(names, l.GetName()) {
				names = append(names, l.GetName())
			}
		}
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, n := range names {
		fmt.Fprintf(w, "  %s\t", strings.ToUpper(n))
	}
	fmt.Fprintln(w, "  VALUE")
	for _, m := range f.Metric {
		for _, n := range names {
			value := "-"
			for _, l := range m.Label {
				if l.GetName() == n && l.GetValue() != "" {
					value = cell(l.GetValue())
				}
			}
			fmt.Fprintf(w, "  %s\t", value)
		}
		fmt.Fprintf(w, "  %s\n", tableValue(f.GetName(), m))
	}
	w.Flush()
}

// maxCell is the maximum width of a label in a table.
const maxCell = 60

// cell returns the value of a label in a table.
func cell(value string) string {
	runes := []rune(strings.ReplaceAll(metric.Printable(value), "\t", " "))
	if len(runes) > maxCell {
		return string(runes[:maxCell-3]) + "..."
	}
	return string(runes)
}

// tableValue returns a value with what people read: bytes with a unit, and times.
func tableValue(family string, m *dto.Metric) string {
	s := newJSONSample(m)
	if s.Count != nil {
		return fmt.Sprintf("count %d, sum %v", *s.Count, s.Sum)
	}
	v, ok := s.Value.(float64)
	if !ok {
		return fmt.Sprint(s.Value)
	}
	text := strconv.FormatFloat(v, 'f', -1, 64)
	name := strings.TrimSuffix(family, "_total")
	switch {
	case strings.HasSuffix(name, "_bytes") && v >= 1024:
		return text + " (" + binaryBytes(v) + ")"
	case strings.HasSuffix(name, "time_seconds") && v > 1e9, strings.HasSuffix(name, "_timestamp_seconds") && v > 0:
		return text + " (" + time.Unix(int64(v), 0).UTC().Format(time.RFC3339) + ")"
	}
	return text
}

// binaryBytes returns a number of bytes with a unit, such as 1.5 GiB.
func binaryBytes(v float64) string {
	for _, unit := range []string{"B", "KiB", "MiB", "GiB", "TiB"} {
		if v < 1024 {
			return fmt.Sprintf("%.3g %s", v, unit)
		}
		v /= 1024
	}
	return fmt.Sprintf("%.4g PiB", v)
}
