package web

import (
	"net/http"
	"strings"
)

// Settings are the configuration in effect, with the origin of each value.
type Settings struct {
	Listeners    []Listener
	Flags        []Setting // of the exporter itself
	Collectors   []CollectorSettings
	Checks       []Setting
	Expectations []Setting
	Rules        []Setting // health rules that are not as shipped
}

// CollectorSettings are the settings of an enabled collector.
type CollectorSettings struct {
	Name     string
	Origin   string // of whether it is enabled
	Settings []Setting
}

// Explicit returns the settings that are not defaults.
func (c CollectorSettings) Explicit() []Setting {
	var list []Setting
	for _, s := range c.Settings {
		if !s.IsDefault() {
			list = append(list, s)
		}
	}
	return list
}

// A Listener is an address that the exporter listens on.
type Listener struct{ Address, TLS, Authentication string }

// configuration responds with the configuration in effect: to a browser with a page,
// to other clients, or with ?format=yaml, as a configuration file.
func (p *pages) configuration(w http.ResponseWriter, r *http.Request) {
	w.Header().Add("Vary", "Accept")
	if r.URL.Query().Get("format") == "yaml" || !strings.Contains(r.Header.Get("Accept"), "text/html") {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		p.config.Metrics.writers.write(w, http.StatusOK, p.config.Effective())
		return
	}
	data := struct {
		Settings
		File *Configuration
	}{p.config.Settings(), p.file()}
	p.render(w, r, http.StatusOK, "config", "/config", page{Title: "Configuration", Data: data})
}

// file returns the configuration file; nil without one.
func (p *pages) file() *Configuration {
	if p.config.Configuration == nil {
		return nil
	}
	file := p.config.Configuration()
	return &file
}
