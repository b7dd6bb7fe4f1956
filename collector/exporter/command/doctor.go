package command

import (
	"context"

	"github.com/hostexporter/host_exporter/collector/exporter"
)

func (p *program) addDoctor() {
	var o exporter.DoctorOptions
	cmd := p.command(p.app, "doctor", "Report what cannot be read on this host, and why a metric is missing. It collects once, and says what would fix it. "+
		"The exit status is 1 if a collector needs attention, or a named metric is missing.", func(ctx context.Context) error { return p.doctor(ctx, o) })
	cmd.busy = "Collecting"
	cmd.Flag("verbose", "List the files of each collector.").Short('v').BoolVar(&o.Files)
	cmd.Arg("name", "Collectors and metrics to report on, instead of all collectors.").StringsVar(&o.Names)
}

func (p *program) doctor(ctx context.Context, o exporter.DoctorOptions) error {
	p.config.Log = nil // the report has it all
	e, err := exporter.New(p.config)
	if err != nil {
		return err
	}
	return e.Doctor(ctx, p.stdout, o)
}
