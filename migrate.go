package main

import (
	"context"
	"strings"

	"github.com/hostexporter/host_exporter/collector/exporter"
)

func (p *program) addMigrate() {
	var o exporter.MigrateOptions
	var source []string
	var format string
	cmd := p.command(p.app, "migrate", "Convert the arguments of node_exporter. They become flags or a configuration file, and each difference has a comment. The exit status is 1 if an argument has no counterpart.", func(context.Context) error { return p.migrate(o, source, format) })
	cmd.addEnum("format", "Output format: flags or config.", &format, "flags", "config")
	cmd.addEnum("debian", "Add the defaults that Debian's package builds in: auto, yes or no.", &o.Debian, "auto", "yes", "no")
	cmd.Arg("source", "Environment file, systemd unit or Kubernetes manifest with the arguments, or the arguments themselves after --.").StringsVar(&source)
}

func (p *program) migrate(o exporter.MigrateOptions, source []string, format string) error {
	o.Config = format == "config"
	if len(source) > 0 && strings.HasPrefix(source[0], "-") {
		o.Args = source
	} else {
		o.Files = source
	}
	for _, f := range p.app.Model().Flags {
		if !strings.HasPrefix(f.Name, "collector.") || f.Name == "collector.disable-defaults" {
			o.Flags = append(o.Flags, exporter.Flag{Name: f.Name, Switch: f.IsBoolFlag()})
		}
	}
	return exporter.Migrate(p.stdout, o)
}
