package main

import (
	"os"
	"strings"

	"github.com/hostexporter/host_exporter/collector/exporter"
)

// flagValues returns the flags of the exporter itself with their values, and where
// these come from. Those of the collectors are settings of their own.
func (p *program) flagValues() []exporter.FlagValue {
	explicit := p.explicitFlags(p.args)
	var list []exporter.FlagValue
	for _, f := range p.app.Model().Flags {
		if f.Hidden || strings.HasPrefix(f.Name, "collector.") || f.Name == "help" || f.Name == "version" {
			continue
		}
		v := exporter.FlagValue{Name: f.Name, Help: f.Help, Value: f.Value.String(), Default: strings.Join(f.Default, ","), Origin: "default"}
		if f.IsBoolFlag() && v.Default == "" {
			v.Default = "false"
		}
		switch {
		case explicit[f.Name]:
			v.Origin = "--" + f.Name
		case p.config.Settings.Environment[f.Name] != "":
			v.Origin = p.config.Settings.Environment[f.Name]
		case f.Envar != "" && os.Getenv(f.Envar) != "":
			v.Origin = f.Envar
		}
		list = append(list, v)
	}
	return list
}
