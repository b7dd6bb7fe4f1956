package web

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
)

// The ranks of states: what fails stands first.
const (
	rankFailing = iota
	rankPartial
	rankWaiting
	rankOK
	rankAbsent
)

// A collectorRow is a collector in the table.
type collectorRow struct {
	Name, Help, State, Label, Err string
	Duration, Age, Series         string
	Seconds, AgeSeconds           float64 // to sort by
	SeriesCount                   int
	rank                          int
}

// collectorRows returns the enabled collectors, those that fail first.
func (c Config) collectorRows() []collectorRow {
	var rows []collectorRow
	now := c.Now()
	for _, u := range c.Units() {
		rows = append(rows, newCollectorRow(u, now))
	}
	slices.SortStableFunc(rows, func(a, b collectorRow) int { return cmp.Compare(a.rank, b.rank) })
	return rows
}

func newCollectorRow(u *collect.Unit, now time.Time) collectorRow {
	s := u.Status()
	r := collectorRow{Name: u.Spec.Name, Help: u.Spec.Help, State: string(s.State), Label: string(s.State), rank: rankFailing}
	switch {
	case s.State == "":
		r.Label, r.rank = "not read yet", rankWaiting
	case !s.LateSince.IsZero():
		r.Label = fmt.Sprintf("late for %v", now.Sub(s.LateSince).Round(time.Second))
	case s.State == collect.NoData:
		r.Label, r.rank = "no data", rankAbsent
	case s.State == collect.Partial:
		r.rank = rankPartial
	case s.State == collect.OK:
		r.rank = rankOK
	}
	if !s.Finished.IsZero() {
		r.Seconds, r.Duration = s.Duration.Seconds(), roundDuration(s.Duration)
		r.AgeSeconds, r.Age = now.Sub(s.Finished).Seconds(), ago(s.Finished, now)
		r.SeriesCount, r.Series = s.SampleCount, fmt.Sprint(s.SampleCount)
	}
	if s.Err != nil {
		r.Err = metric.Printable(s.Err.Error())
	}
	return r
}

// roundDuration returns the duration of a run with three digits.
func roundDuration(d time.Duration) string {
	for unit := time.Duration(1); unit < time.Hour; unit *= 10 {
		if d < 1000*unit {
			return d.Round(unit).String()
		}
	}
	return d.Round(time.Second).String()
}

// A Summary counts the rows of a table by their states.
type Summary struct{ Failing, Partial, OK, Absent, Waiting int }

func (s *Summary) add(rank int) {
	*[]*int{&s.Failing, &s.Partial, &s.Waiting, &s.OK, &s.Absent}[rank]++
}

func summarize(rows []collectorRow) (s Summary) {
	for _, r := range rows {
		s.add(r.rank)
	}
	return s
}

// collectors responds with the table of the enabled collectors.
func (p *pages) collectors(w http.ResponseWriter, r *http.Request) {
	rows := p.config.collectorRows()
	p.render(w, r, http.StatusOK, "collectors", "/collectors", page{Title: "Collectors", Data: struct {
		Rows    []collectorRow
		Summary Summary
	}{rows, summarize(rows)}})
}

// A Setting is a value of the configuration.
type Setting struct {
	Name, Help, Value, Default string
	Origin                     string // a flag, a path and line, or default
}

// IsDefault reports whether the value has not been set.
func (s Setting) IsDefault() bool { return s.Origin == "default" }

// A Family is a metric family with some of its samples.
type Family struct {
	Name, Type, Help string
	Labels           []string
	Count            int      // of the samples
	Samples          []string // the first of them, in the text format
}

// More returns the number of the samples that are not shown.
func (f Family) More() int { return f.Count - len(f.Samples) }

// A Collector is a collector with all that a report on it needs.
type Collector struct {
	Unit     *collect.Unit // nil: disabled
	Spec     collect.Spec
	Docs     string // page and section
	Origin   string // of whether it is enabled
	Settings []Setting
	Caps     []string // capabilities that it uses
	Granted  string   // capabilities of the process
	Families []Family
}

// collector responds with the page of a collector.
func (p *pages) collector(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("name")
	c := p.config.Collector(r.Context(), name)
	if c == nil {
		p.notFound(w, r, "/collectors", fmt.Sprintf("There is no collector %q.", clip(name)))
		return
	}
	data := struct {
		*Collector
		Row    collectorRow
		Status collect.Status
	}{Collector: c, Row: collectorRow{Name: c.Spec.Name, Help: c.Spec.Help, Label: "disabled"}}
	if c.Unit != nil {
		data.Row, data.Status = newCollectorRow(c.Unit, p.config.Now()), c.Unit.Status()
	}
	p.render(w, r, http.StatusOK, "collector", "/collectors", page{Title: "Collector " + c.Spec.Name, Data: data})
}

// clip returns the first part of a text of a client.
func clip(s string) string { return metric.Printable(s[:min(len(s), 100)]) }
