package main

import (
	"os"
	"strings"

	"github.com/alecthomas/kingpin/v2"

	"github.com/hostexporter/host_exporter/collector/exporter"
)

// flagValues returns the flags of the exporter itself with their values, and where
// these come from: args, or the environment variable of a flag. Those of the collectors
// are settings of their own.
func flagValues(app *kingpin.Application, args []string, environment map[string]string) []exporter.FlagValue {
	parsed, err := app.ParseContext(args)
	if err != nil {
		return nil // the program has parsed them already
	}
	explicit := map[string]bool{}
	for _, e := range parsed.Elements {
		if f, ok := e.Clause.(*kingpin.FlagClause); ok {
			explicit[f.Model().Name] = true
		}
	}
	var list []exporter.FlagValue
	for _, f := range app.Model().Flags {
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
		case environment[f.Name] != "":
			v.Origin = environment[f.Name]
		case f.Envar != "" && os.Getenv(f.Envar) != "":
			v.Origin = f.Envar
		}
		list = append(list, v)
	}
	return list
}
