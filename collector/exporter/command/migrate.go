package command

import (
	"context"
	"strings"

	"github.com/hostexporter/host_exporter/collector/exporter"
)

func (p *program) addMigrate() {
	var o exporter.MigrateOptions
	var source []string
	cmd := p.command(p.app, "migrate", "Convert the arguments of node_exporter. They become flags, a configuration file or an environment file for the unit, and each difference has a comment. The exit status is 1 if an argument has no counterpart.", func(context.Context) error { return p.migrate(o, source) })
	cmd.addEnum("format", "Output format: flags, config or environment.", &o.Format, "flags", "config", "environment")
	cmd.addEnum("debian", "Add the defaults that Debian's package builds in: auto, yes or no.", &o.Debian, "auto", "yes", "no")
	cmd.Arg("source", "Environment file, systemd unit or Kubernetes manifest with the arguments, or the arguments themselves after --.").StringsVar(&source)
}

func (p *program) migrate(o exporter.MigrateOptions, source []string) error {
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
