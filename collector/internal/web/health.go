package web

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"strings"

	"github.com/hostexporter/host_exporter/collector/internal/health"
)

// HealthPath is the path of the health report, in a format that the parameter
// format names.
const HealthPath = "/health"

// VerdictHeader is the header of the health report with its verdict: ok, warning
// or critical.
const VerdictHeader = "Host-Exporter-Verdict"

// A Health is the health of the host.
type Health struct {
	Report       *health.Report
	Expectations []Expectation
	Risks        *Risks // nil: no storage network
}

// An Expectation is an expectation with its result.
type Expectation struct {
	Name, Expression string
	Collector        string // of its samples; empty: any
	State, Label     string
	Missing          []string
	Samples          []string // the first that it is about, in the text format
	Count            int      // of all
	Origin           string   // path and line
}

// More returns the number of samples that are not shown.
func (x Expectation) More() int { return x.Count - len(x.Samples) }

// sortExpectations sorts those first that are not met.
func sortExpectations(list []Expectation) {
	rank := map[string]int{"error": rankFailing, "": rankWaiting, "ok": rankOK}
	slices.SortStableFunc(list, func(a, b Expectation) int { return cmp.Compare(rank[a.State], rank[b.State]) })
}

// expectations responds with the table of the expectations. It collects.
func (p *pages) expectations(w http.ResponseWriter, r *http.Request) {
	h, err := p.config.Health(context.WithoutCancel(r.Context()), false)
	if err != nil {
		fail(w, http.StatusInternalServerError, err.Error())
		return
	}
	sortExpectations(h.Expectations)
	p.render(w, r, http.StatusOK, "expectations", "/expectations", page{Title: "Expectations", Data: h.Expectations})
}

// health responds with the health report.
func (c Config) health(w http.ResponseWriter, r *http.Request) {
	format := r.URL.Query().Get("format")
	if format == "" {
		format = "text"
	}
	if !slices.Contains(health.Formats, format) {
		fail(w, http.StatusBadRequest, "want a format of "+strings.Join(health.Formats, ", "))
		return
	}
	// A client may have closed its sending side only, which cancels the
	// request's context as well.
	h, err := c.Health(context.WithoutCancel(r.Context()), false)
	var text []byte
	if err == nil {
		text, err = h.Report.Format(format, c.Hostname)
	}
	if err != nil {
		fail(w, http.StatusInternalServerError, err.Error())
		return
	}
	w.Header().Set(VerdictHeader, h.Report.Verdict())
	if format == "json" {
		w.Header().Set("Content-Type", "application/json")
	} else {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	}
	c.Metrics.writers.write(w, http.StatusOK, text)
}
