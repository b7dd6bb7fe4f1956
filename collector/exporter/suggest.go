package exporter

import (
	"context"
	"io"

	"github.com/hostexporter/host_exporter/collector/internal/scrape"
	"github.com/hostexporter/host_exporter/collector/internal/suggest"
)

// SuggestExpectations collects once and writes expectations that the host meets
// now, as a part of a configuration file: for a human to correct.
func (e *Exporter) SuggestExpectations(ctx context.Context, out io.Writer) error {
	if err := e.checkRoots(); err != nil {
		return err
	}
	families, err := e.gather(ctx, scrape.Request{Units: e.units()})
	if err != nil {
		return err
	}
	_, err = out.Write(suggest.YAML(suggest.Suggest(families)))
	return err
}
