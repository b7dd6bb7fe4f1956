package web

import (
	"html/template"
	"io"
)

// A page is a page of HTML as a template. It is parsed for each request: a parsed one
// takes more memory than the samples of a host, and few servers are ever asked for
// one.
type page struct {
	name string
	html func() string
}

// Execute writes the page with data.
func (p page) Execute(w io.Writer, data any) error {
	t, err := template.New(p.name).Parse(p.html())
	if err != nil {
		return err
	}
	return t.Execute(w, data)
}
