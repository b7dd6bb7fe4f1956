package command

import (
	"context"

	"github.com/hostexporter/host_exporter/collector/exporter"
)

func (p *program) addExpect() {
	expect := p.app.Command("expect", "Write expectations.")
	cmd := p.command(expect, "suggest", "Print expectations that the host meets now, for you to correct. It collects once.", p.suggestExpectations)
	cmd.busy = "Collecting"
}

func (p *program) suggestExpectations(ctx context.Context) error {
	p.config.Log, p.config.ProcessMetrics = nil, false
	e, err := exporter.New(p.config)
	if err != nil {
		return err
	}
	return e.SuggestExpectations(ctx, p.stdout)
}
