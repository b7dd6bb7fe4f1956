package command

import (
	"cmp"
	"context"
	"os"
	"strings"

	"github.com/hostexporter/host_exporter/collector"
	"github.com/hostexporter/host_exporter/collector/exporter"
)

func (p *program) addSAN() {
	var format string
	cmd := p.command(p.app, "san", "Print the SAN: ports, fabrics, LUNs with paths, file systems. It collects once. The exit status is 1 if a collector failed.", func(ctx context.Context) error { return p.san(ctx, format) })
	cmd.busy = "Collecting"
	cmd.raw, cmd.colors = true, true
	cmd.addEnum("format", "Output format: tree, svg or json.", &format, "tree", "svg", "json")
}

func (p *program) san(ctx context.Context, format string) error {
	if err := p.config.Settings.Only(collector.Catalog(), exporter.SANCollectors()); err != nil {
		return err
	}
	p.config.Log, p.config.ProcessMetrics = nil, false // the output has the errors
	e, err := exporter.New(p.config)
	if err != nil {
		return err
	}
	return e.SAN(ctx, p.stdout, exporter.SANOptions{Format: format, Color: p.isTerminal && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb", ASCII: !isUTF8()})
}

// isUTF8 reports whether the locale of the environment is of UTF-8.
func isUTF8() bool {
	locale := cmp.Or(os.Getenv("LC_ALL"), os.Getenv("LC_CTYPE"), os.Getenv("LANG"))
	return strings.Contains(strings.ReplaceAll(strings.ToLower(locale), "-", ""), "utf8")
}
