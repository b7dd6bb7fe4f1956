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
	cmd := p.command(p.app, "migrate", "Convert the arguments of node_exporter into flags or a configuration file, with a comment for each difference. The exit status is 1 if an argument has no counterpart.", func(context.Context) error { return p.migrate(o, source, format) })
	cmd.Flag("format", withDefault("Output format: flags or config.", "flags")).PlaceHolder("FORMAT").Default("flags").EnumVar(&format, "flags", "config")
	cmd.Flag("debian", withDefault("Add the defaults that Debian's package builds in: yes, no or auto.", "auto")).PlaceHolder("VALUE").Default("auto").EnumVar(&o.Debian, "auto", "yes", "no")
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
