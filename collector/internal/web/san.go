package web

import (
	"fmt"
	"html/template"
	"net/http"

	"github.com/hostexporter/host_exporter/collector/internal/santopo"
)

// A sanPage is the data of the page of the SAN.
type sanPage struct {
	*santopo.Topology
	SVG      template.HTML
	PortRows []sanPort
	Groups   []sanGroup
}

type sanPort struct {
	*santopo.Port
	Anchor, Login string
}

// A sanGroup is a group of LUNs, whose paths lead over the same ports.
type sanGroup struct {
	ID, Title string
	Health    santopo.Health
	Folded    bool
	Paths     []sanPath
	LUNs      []*santopo.LUN
}

type sanPath struct {
	Way, Health string
	Class       santopo.Health
}

func newSANPage(t *santopo.Topology) sanPage {
	p := sanPage{Topology: t, SVG: template.HTML(t.AppendSVG(nil, false))}
	for i, port := range t.Ports {
		p.PortRows = append(p.PortRows, sanPort{port, santopo.PortID(i), port.Login()})
	}
	for i, g := range t.Groups() {
		group := sanGroup{ID: santopo.GroupID(i), Title: g.Title(), Health: g.First().Health, Folded: len(g.LUNs) > 1, LUNs: g.LUNs}
		for i, path := range g.First().Paths {
			group.Paths = append(group.Paths, sanPath{g.Way(i), path.Health, path.State()})
		}
		p.Groups = append(p.Groups, group)
	}
	return p
}

// san returns the handler of the page of the SAN. It scrapes for each request, and
// renders one page at a time: that of a large host takes memory.
func (p *pages) san() http.HandlerFunc {
	c := p.config
	rendering := make(chan struct{}, 1)
	draw := func(r *http.Request) ([]byte, error) {
		rendering <- struct{}{}
		defer func() { <-rendering }()
		t, err := c.SAN(r.Context())
		if err != nil {
			return nil, fmt.Errorf("the SAN cannot be drawn: %w", err)
		}
		return p.execute(r, "san", "/san", page{Title: "SAN", Data: newSANPage(t)})
	}
	return func(w http.ResponseWriter, r *http.Request) {
		if !c.Metrics.acquire() {
			fail(w, http.StatusServiceUnavailable, "too many scrapes at once")
			return
		}
		body, err := draw(r)
		c.Metrics.release()
		p.respond(w, http.StatusOK, body, err)
	}
}
