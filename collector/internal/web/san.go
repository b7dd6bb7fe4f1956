package web

import (
	"bytes"
	"context"
	_ "embed"
	"html/template"
	"net/http"
	"strings"

	"github.com/hostexporter/host_exporter/collector/internal/santopo"
)

//go:embed san.html
var sanTemplate string

// sanHTML returns the template of the page of the SAN: its style is that of the
// landing page and that of the picture.
func sanHTML() string {
	return strings.Replace(sanTemplate, "STYLE", styleElement.FindStringSubmatch(landingHTML)[1]+santopo.Style, 1)
}

// A sanPage is the data of the page of the SAN.
type sanPage struct {
	*santopo.Topology
	Hostname string
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

func newSANPage(t *santopo.Topology, hostname string) sanPage {
	p := sanPage{Topology: t, Hostname: hostname, SVG: template.HTML(t.AppendSVG(nil, false))}
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
func (c Config) san(page page) http.HandlerFunc {
	rendering := make(chan struct{}, 1)
	policy, landingPolicy := contentSecurityPolicy(page.html()), contentSecurityPolicy(landingHTML)
	render := func(ctx context.Context) ([]byte, error) {
		rendering <- struct{}{}
		defer func() { <-rendering }()
		t, err := c.SAN(ctx)
		if err != nil {
			return nil, err
		}
		var buf bytes.Buffer
		err = page.Execute(&buf, newSANPage(t, c.Hostname))
		return buf.Bytes(), err
	}
	return func(w http.ResponseWriter, r *http.Request) {
		if !c.Metrics.acquire() {
			fail(w, http.StatusServiceUnavailable, "too many scrapes at once")
			return
		}
		body, err := render(r.Context())
		c.Metrics.release()
		if err != nil {
			fail(w, http.StatusInternalServerError, "the SAN cannot be drawn: "+err.Error())
			return
		}
		if h := w.Header(); h.Get("Content-Security-Policy") == landingPolicy {
			h.Set("Content-Security-Policy", policy)
		}
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		c.Metrics.writers.write(w, http.StatusOK, body)
	}
}
