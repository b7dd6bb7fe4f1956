package command

import (
	"context"
	"errors"

	"github.com/hostexporter/host_exporter/collector"
	"github.com/hostexporter/host_exporter/collector/exporter"
)

func (p *program) addOnce() {
	var names []string
	var format string
	cmd := p.command(p.app, "once", "Collect once and print the metrics. The exit status is 1 if a collector failed, and 2 if none failed and the host does not have what a named one reads.", func(ctx context.Context) error { return p.once(ctx, names, format) })
	cmd.busy = "Collecting"
	cmd.raw = true
	cmd.addEnum("format", "Output format: text, as on /metrics; json; or table, for people.", &format, exporter.OnceFormats()...)
	cmd.Arg("collector", "Collectors to run, instead of the enabled ones.").StringsVar(&names)
}

func (p *program) once(ctx context.Context, names []string, format string) error {
	if len(names) > 0 {
		if err := p.config.Settings.Only(collector.Catalog(), names); err != nil {
			return err
		}
	}
	p.config.ProcessMetrics = false
	e, err := exporter.New(p.config)
	if err != nil {
		return err
	}
	err = e.Once(ctx, p.stdout, format)
	if _, ok := errors.AsType[*exporter.NoDataError](err); ok {
		return exitError{err, 2}
	}
	return err
}
