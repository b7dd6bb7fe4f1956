package web

import (
	"bytes"
	"fmt"
	"html/template"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/santopo"
	"github.com/hostexporter/host_exporter/docs"
)

// pages renders the pages: templates with one layout. A template is parsed when its
// page is first opened.
type pages struct {
	config    Config
	assets    *assets
	style     func() string // of all pages
	templates map[string]func() (*template.Template, error)
}

// pageFiles are the names of the templates.
var pageFiles = []string{"host", "san", "collectors", "collector", "checks", "check", "expectations", "config", "notfound"}

func newPages(c Config, a *assets) *pages {
	p := &pages{config: c, assets: a, templates: map[string]func() (*template.Template, error){}}
	p.style = sync.OnceValue(pageStyle)
	for _, name := range pageFiles {
		p.templates[name] = sync.OnceValues(func() (*template.Template, error) {
			return template.New("").Funcs(p.functions()).ParseFS(embedded, "pages/layout.html", "pages/parts.html", "pages/"+name+".html")
		})
	}
	return p
}

// pageStyle returns the style sheet of all pages, with that of the picture of the SAN.
func pageStyle() string {
	text, _ := embedded.ReadFile("pages/page.css") // embedded: it exists
	return string(text) + santopo.Style
}

func (p *pages) functions() template.FuncMap {
	return template.FuncMap{
		"asset": p.assets.url,
		"docs":  func(page string) string { return docs.URL + page },
		"style": func() template.CSS { return template.CSS(p.style()) },
		"utc":   func(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") },
		"lines": func(s string) []string { return strings.Split(s, "\n") },
		"state": stateBadge,
		"until": func(t time.Time) string { return "in " + shortDuration(max(t.Sub(p.config.Now()), 0)) },
		"seen":  func(t time.Time) string { return seen(t, p.config.Now()) },
		"since": func(t time.Time) string { return ago(t, p.config.Now()) },
	}
}

// A badge is a state with its color.
type badge struct{ Class, Label string }

func stateBadge(class, label string) badge { return badge{class, label} }

// seen returns since when a problem has been known. A problem is known from the first
// time that somebody asked.
func seen(t, now time.Time) string {
	switch age := now.Sub(t); {
	case age < 2*time.Second:
		return "first seen now"
	case age < 20*time.Hour:
		return "since " + t.UTC().Format("15:04:05 UTC") + ", " + ago(t, now)
	default:
		return "since " + t.UTC().Format("2006-01-02 15:04 UTC") + ", " + ago(t, now)
	}
}

// ago returns how long ago a time was, such as 12m30s ago.
func ago(t, now time.Time) string { return shortDuration(max(now.Sub(t), 0)) + " ago" }

// shortDuration returns a duration with its two largest units.
func shortDuration(d time.Duration) string {
	hours := int(d.Hours())
	switch {
	case hours >= 48:
		return fmt.Sprintf("%dd%dh", hours/24, hours%24)
	case hours > 0:
		return fmt.Sprintf("%dh%dm", hours, int(d.Minutes())%60)
	}
	return d.Round(time.Second).String()
}

// A navItem is a link of the navigation.
type navItem struct {
	Path, Name string
	Current    bool
	Failing    int
}

// A page is what the layout shows, with the data of one page.
type page struct {
	Config
	Title     string
	Nav       []navItem
	Live      string // collectors to read for the charts; empty: no charts
	Verdict   string // for the title of the window; empty: unknown
	HidesRuns bool   // commands and standard error of checks are not shown
	Data      any
}

// render responds with a page. Its section is that of the navigation.
func (p *pages) render(w http.ResponseWriter, r *http.Request, code int, name, section string, pg page) {
	body, err := p.execute(r, name, section, pg)
	p.respond(w, code, body, err)
}

// execute returns the text of a page.
func (p *pages) execute(r *http.Request, name, section string, pg page) ([]byte, error) {
	pg.Config, pg.Nav, pg.HidesRuns = p.config, p.nav(section), p.config.hidesRuns(r)
	t, err := p.templates[name]()
	if err != nil {
		return nil, err
	}
	var buf bytes.Buffer
	err = t.ExecuteTemplate(&buf, "layout", pg)
	return buf.Bytes(), err
}

// respond responds with the text of a page.
func (p *pages) respond(w http.ResponseWriter, code int, body []byte, err error) {
	if err != nil {
		fail(w, http.StatusInternalServerError, err.Error())
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	p.config.Metrics.writers.write(w, code, body)
}

// nav returns the navigation. It shows how many collectors and checks fail.
func (p *pages) nav(section string) []navItem {
	c := p.config
	var items []navItem
	add := func(path, name string, failing int) {
		items = append(items, navItem{path, name, path == section, failing})
	}
	if c.MetricsPath != "/" {
		add("/", "Host", 0)
	}
	if c.SAN != nil && slices.ContainsFunc(c.Units(), isOfSAN) {
		add("/san", "SAN", 0)
	}
	failing := 0
	for _, u := range c.Units() {
		if s := u.Status().State; s != "" && s != collect.OK && s != collect.NoData {
			failing++
		}
	}
	add("/collectors", "Collectors", failing)
	if checks := c.checkRows(); len(checks) > 0 {
		failing = 0
		for _, check := range checks {
			if check.rank() < rankWaiting {
				failing++
			}
		}
		add("/checks", "Checks", failing)
	}
	if c.Health != nil && c.HasExpectations != nil && c.HasExpectations() {
		add("/expectations", "Expectations", 0)
	}
	add("/config", "Configuration", 0)
	return items
}

// isOfSAN reports whether a unit finds a storage network on the host.
func isOfSAN(u *collect.Unit) bool {
	s := u.Status()
	return (u.Spec.Name == "hba" || u.Spec.Name == "dmmultipath") && s.State != collect.NoData && (s.SampleCount > 0 || s.State != collect.OK)
}

// hidesRuns reports whether a client must not see the commands and the standard error
// of checks.
func (c Config) hidesRuns(r *http.Request) bool {
	return !c.ShowRuns && !isLocal(r) && (c.Authenticated == nil || !c.Authenticated(r))
}

// notFound responds that there is no page about something.
func (p *pages) notFound(w http.ResponseWriter, r *http.Request, section, text string) {
	p.render(w, r, http.StatusNotFound, "notfound", section, page{Title: "Not found", Data: text})
}
