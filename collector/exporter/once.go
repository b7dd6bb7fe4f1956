package exporter

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"

	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/scrape"
)

// OnceFormats are the formats of Once.
func OnceFormats() []string { return []string{"text", "json", "table"} }

// A NoDataError says that the host does not have what the collectors read that were
// asked for. It is no failure.
type NoDataError struct{ details []string }

func (e *NoDataError) Error() string {
	return "this host does not have what is asked for:\n" + strings.Join(e.details, "\n")
}

// Once collects once and writes the samples, in one of OnceFormats. Of the exporter
// itself it writes only the states of the collectors if Settings.Only has named some.
// The error lists the collectors that failed; the samples of the others are still
// written. It is a NoDataError if none failed, and a named one has no data.
func (e *Exporter) Once(ctx context.Context, out io.Writer, format string) error {
	if err := e.checkRoots(); err != nil {
		return err
	}
	if err := e.seal(); err != nil {
		return err
	}
	g := e.current.Load()
	req := scrape.Request{Units: g.units, Expect: g.expect, Health: e.exportedHealth(true)}
	named := e.config.Settings.Named()
	if len(named) > 0 {
		req.Filtered, req.Want = true, e.isOfCollectors
	}
	var err error
	switch format {
	case "json":
		err = e.onceJSON(ctx, out, req)
	case "table":
		err = e.onceTable(ctx, out, req)
	default:
		_, err = out.Write(e.engine.AppendText(ctx, nil, req))
	}
	if err == nil {
		err = interrupted(ctx)
	}
	if err != nil {
		return err
	}
	if failed := failures(req.Units); failed != nil {
		return fmt.Errorf("%d of %d collectors failed:\n%s", len(failed), len(req.Units), strings.Join(failed, "\n"))
	}
	var absent []string
	for _, name := range named {
		if u := collect.UnitByName(req.Units, name); u.Status().State == collect.NoData {
			absent = append(absent, fmt.Sprintf("%s: %v", name, u.Status().Err))
		}
	}
	if absent != nil {
		return &NoDataError{absent}
	}
	return nil
}

// isOfCollectors reports whether a family is not about the exporter itself: of a
// collector, or about collectors.
func (e *Exporter) isOfCollectors(name string) bool {
	return !e.engine.Families().Has(name) || strings.HasPrefix(name, "node_scrape_collector_") || name == "host_exporter_collector_state"
}

// failures returns a line for each unit whose last run failed.
func failures(units []*collect.Unit) (failed []string) {
	for _, u := range units {
		if s := u.Status(); s.State != collect.OK && s.State != collect.Partial && s.State != collect.NoData {
			failed = append(failed, fmt.Sprintf("%s: %s: %v", u.Spec.Name, s.State, s.Err))
		}
	}
	return failed
}

// interrupted returns an error if ctx is done: not all collectors have finished.
func interrupted(ctx context.Context) error {
	if ctx.Err() == nil {
		return nil
	}
	return fmt.Errorf("interrupted before all collectors had finished: %w", context.Cause(ctx))
}

// A jsonOutput is the JSON output of Once.
type jsonOutput struct {
	Collectors []jsonCollector `json:"collectors"`
	Families   []jsonFamily    `json:"families"`
}

type jsonCollector struct {
	Name    string  `json:"name"`
	State   string  `json:"state"`
	Seconds float64 `json:"seconds"`
	Error   string  `json:"error,omitempty"`
}

type jsonFamily struct {
	Name    string       `json:"name"`
	Type    string       `json:"type"`
	Help    string       `json:"help"`
	Samples []jsonSample `json:"samples"`
}

// A jsonSample has a Value, which is a number or the string NaN, +Inf or -Inf.
// A sample of a histogram or summary has Count, Sum and Parts instead.
type jsonSample struct {
	Labels map[string]string `json:"labels,omitempty"`
	Value  any               `json:"value,omitempty"`
	Count  *uint64           `json:"count,omitempty"`
	Sum    any               `json:"sum,omitempty"`
	Parts  map[string]any    `json:"parts,omitempty"` // values by quantile, or cumulative counts by upper bound
}

// gather collects once and returns the families that are wanted.
func (e *Exporter) gather(ctx context.Context, req scrape.Request) ([]*dto.MetricFamily, error) {
	reg := prometheus.NewRegistry()
	if err := reg.Register(e.engine.Collector(ctx, req)); err != nil {
		return nil, err
	}
	families, err := reg.Gather()
	if err == nil {
		err = interrupted(ctx)
	}
	if err != nil {
		return nil, err
	}
	if req.Want != nil {
		families = slices.DeleteFunc(families, func(f *dto.MetricFamily) bool { return !req.Want(f.GetName()) })
	}
	return families, nil
}

func (e *Exporter) onceJSON(ctx context.Context, out io.Writer, req scrape.Request) error {
	families, err := e.gather(ctx, req)
	if err != nil {
		return err
	}
	var r jsonOutput
	for _, u := range req.Units {
		s := u.Status()
		c := jsonCollector{Name: u.Spec.Name, State: string(s.State), Seconds: s.Duration.Seconds()}
		if s.Err != nil {
			c.Error = s.Err.Error()
		}
		r.Collectors = append(r.Collectors, c)
	}
	for _, f := range families {
		family := jsonFamily{Name: f.GetName(), Type: strings.ToLower(f.GetType().String()), Help: f.GetHelp()}
		for _, m := range f.Metric {
			family.Samples = append(family.Samples, newJSONSample(m))
		}
		r.Families = append(r.Families, family)
	}
	enc := json.NewEncoder(out)
	enc.SetIndent("", " ")
	enc.SetEscapeHTML(false)
	return enc.Encode(r)
}

func newJSONSample(m *dto.Metric) jsonSample {
	s := jsonSample{}
	for _, l := range m.Label {
		if s.Labels == nil {
			s.Labels = map[string]string{}
		}
		s.Labels[l.GetName()] = l.GetValue()
	}
	switch {
	case m.Gauge != nil:
		s.Value = jsonNumber(m.Gauge.GetValue())
	case m.Counter != nil:
		s.Value = jsonNumber(m.Counter.GetValue())
	case m.Untyped != nil:
		s.Value = jsonNumber(m.Untyped.GetValue())
	case m.Summary != nil:
		s.Count, s.Sum, s.Parts = m.Summary.SampleCount, jsonNumber(m.Summary.GetSampleSum()), map[string]any{}
		for _, q := range m.Summary.Quantile {
			s.Parts[formatFloat(q.GetQuantile())] = jsonNumber(q.GetValue())
		}
	case m.Histogram != nil:
		s.Count, s.Sum, s.Parts = m.Histogram.SampleCount, jsonNumber(m.Histogram.GetSampleSum()), map[string]any{}
		for _, b := range m.Histogram.Bucket {
			s.Parts[formatFloat(b.GetUpperBound())] = b.GetCumulativeCount()
		}
	}
	return s
}

func jsonNumber(v float64) any {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return formatFloat(v)
	}
	return v
}

func formatFloat(v float64) string {
	if math.IsInf(v, 1) {
		return "+Inf"
	}
	return strconv.FormatFloat(v, 'g', -1, 64)
}
