package main

import (
	"context"

	"github.com/hostexporter/host_exporter/collector/exporter"
)

func (p *program) addDoctor() {
	var names []string
	cmd := p.command(p.app, "doctor", "Report what cannot be read on this host, and how to fix that. It collects once. The exit status is 1 if a collector needs attention.", func(ctx context.Context) error { return p.doctor(ctx, names) })
	cmd.Arg("collector", "Collectors to report on, instead of all.").StringsVar(&names)
}

func (p *program) doctor(ctx context.Context, names []string) error {
	p.config.Log = nil // the report has it all
	e, err := exporter.New(p.config)
	if err != nil {
		return err
	}
	return e.Doctor(ctx, p.stdout, names)
}
