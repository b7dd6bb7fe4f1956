package web

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/hostexporter/host_exporter/collector/internal/metric"
	"github.com/hostexporter/host_exporter/collector/internal/santopo"
)

// chartCollectors are the collectors whose samples the charts show.
var chartCollectors = []string{"cpu", "meminfo", "pressure", "diskstats", "netdev", "fibrechannel", "loadavg"}

// Risks are what is not as redundant as it should be in the storage network.
type Risks struct {
	Health  santopo.Health
	Summary []string
	Ports   []Risk
	Volumes []Risk
	Mounts  []Risk
}

// A Risk is a part of the storage network that is not OK.
type Risk struct {
	Health       santopo.Health
	Name, Detail string
}

// maxRisks is the maximum number of parts of one kind: the page of the SAN has all.
const maxRisks = 8

// NewRisks returns the risks of a topology; nil if it has no ports.
func NewRisks(t *santopo.Topology) *Risks {
	if len(t.Ports) == 0 {
		return nil
	}
	bad := func(h santopo.Health) bool { return h == santopo.Degraded || h == santopo.Lost }
	r := &Risks{Health: t.Health, Summary: slices.Clone(t.Summary)}
	for _, p := range t.Ports {
		if bad(p.Health) {
			r.Ports = append(r.Ports, Risk{p.Health, p.ID, joinWords(", ", p.State, p.Address, p.Login())})
		}
	}
	for _, g := range t.Groups() {
		if bad(g.First().Health) {
			r.Volumes = append(r.Volumes, Risk{g.First().Health, g.Name(), g.Status()})
		}
	}
	for _, m := range t.Mounts {
		if bad(m.Health) {
			r.Mounts = append(r.Mounts, Risk{m.Health, m.Mountpoint, "on " + strings.Join(m.LUNs, ", ")})
		}
	}
	return r
}

// OK reports whether there is nothing at risk.
func (r *Risks) OK() bool { return r.Ports == nil && r.Volumes == nil && r.Mounts == nil }

// Shown returns the first risks of a kind.
func (*Risks) Shown(list []Risk) []Risk { return list[:min(len(list), maxRisks)] }

// Hidden returns the number of the other ones.
func (*Risks) Hidden(list []Risk) int { return max(len(list)-maxRisks, 0) }

// joinWords joins the words that are not empty.
func joinWords(separator string, words ...string) string {
	return strings.Join(slices.DeleteFunc(words, func(s string) bool { return s == "" }), separator)
}

// A hostPage is the data of the first page.
type hostPage struct {
	Health
	HealthErr string
	Rows      []collectorRow
	Summary   Summary
	Checks    []Check
	File      *Configuration
	Now       time.Time
}

// host responds with the first page. It collects, and judges the host.
func (p *pages) host(w http.ResponseWriter, r *http.Request) {
	data, pg := hostPage{Now: p.config.Now()}, page{Title: p.config.Hostname}
	if p.config.Health != nil {
		// A client may have closed its sending side only, which cancels the
		// request's context as well.
		h, err := p.config.Health(context.WithoutCancel(r.Context()), true)
		if err == nil {
			data.Health, pg.Verdict = h, h.Report.Verdict()
			sortExpectations(data.Expectations)
		} else {
			data.HealthErr = err.Error()
		}
	}
	data.Rows, data.Checks = p.config.collectorRows(), p.checkTable(r)
	data.Summary = summarize(data.Rows)
	data.File = p.file()
	var live []string
	for _, u := range p.config.Units() {
		if slices.Contains(chartCollectors, u.Spec.Name) {
			live = append(live, u.Spec.Name)
		}
	}
	pg.Live, pg.Data = strings.Join(live, " "), data
	p.render(w, r, http.StatusOK, "host", "/", pg)
}

// printableLines returns the lines of a text without control characters.
func printableLines(text string) []string {
	var lines []string
	for line := range strings.Lines(strings.TrimRight(text, "\n")) {
		lines = append(lines, metric.Printable(strings.ReplaceAll(line, "\t", "    ")))
	}
	return lines
}
