package web

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/hostexporter/host_exporter/collector/internal/metric"
)

// A Check is a custom check in the table.
type Check struct {
	Name, Help, Err string
	State, Label    string // ok, partial if it drops samples, or error; empty: it has not run
	Duration        string
	Seconds         float64   // the same
	LastRun, Next   time.Time // zero: none
	SeriesCount     int
	Program         string // path of the command
	Command, Stderr string // may have secrets
	Reason          string // why the last run failed
}

// rank returns the rank of the check's state.
func (c Check) rank() int {
	switch c.State {
	case "ok":
		return rankOK
	case "partial":
		return rankPartial
	case "":
		return rankWaiting
	}
	return rankFailing
}

// CheckDetails are a check with all that a report on it needs.
type CheckDetails struct {
	Check
	Schedule, Format, User string
	Origin                 string // path and line of the definition
	Settings               []Setting
	Counts                 []Setting // of runs and of what went wrong
	Runs                   []Run     // the latest first
	Families               []Family
	LastSuccess            time.Time
}

// A Run is a run of a check that has ended.
type Run struct {
	Start                   time.Time
	Duration, State, Result string
}

// checkRows returns the checks, those that fail first.
func (c Config) checkRows() []Check {
	if c.Checks == nil {
		return nil
	}
	rows := c.Checks()
	slices.SortStableFunc(rows, func(a, b Check) int { return cmp.Compare(a.rank(), b.rank()) })
	return rows
}

// hide removes what only those may see who may see commands. Errors name the program,
// and those of its start also directories.
func (c *Check) hide() {
	switch {
	case c.Err == "":
	case c.Reason == "spawn":
		c.Err = "the command cannot be started"
	case c.Reason == "sandbox":
		c.Err = "the sandbox cannot be set up"
	case c.Program != "":
		c.Err = strings.ReplaceAll(strings.TrimPrefix(c.Err, c.Program+": "), c.Program, "the command")
	}
	c.Command, c.Program, c.Stderr = "", "", ""
}

// checkTable returns the table of the checks for a client.
func (p *pages) checkTable(r *http.Request) []Check {
	rows, hides := p.config.checkRows(), p.config.hidesRuns(r)
	for i := range rows {
		if hides {
			rows[i].hide()
		}
		rows[i].Err = metric.Printable(rows[i].Err)
	}
	return rows
}

// checks responds with the table of the checks.
func (p *pages) checks(w http.ResponseWriter, r *http.Request) {
	p.render(w, r, http.StatusOK, "checks", "/checks", page{Title: "Checks", Data: p.checkTable(r)})
}

// check responds with the page of a check.
func (p *pages) check(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("name")
	var c *CheckDetails
	if p.config.Check != nil {
		c = p.config.Check(name)
	}
	if c == nil {
		p.notFound(w, r, "/checks", fmt.Sprintf("There is no check %q, or it is disabled.", clip(name)))
		return
	}
	if p.config.hidesRuns(r) {
		c.hide()
	}
	c.Err = metric.Printable(c.Err)
	p.render(w, r, http.StatusOK, "check", "/checks", page{Title: "Check " + c.Name, Data: struct {
		*CheckDetails
		StderrLines []string
	}{c, printableLines(c.Stderr)}})
}
