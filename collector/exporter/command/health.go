package command

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/hostexporter/host_exporter/collector/exporter"
)

func (p *program) addHealth() {
	var o exporter.HealthOptions
	cmd := p.command(p.app, "health", "Report the problems of the host by the health rules. It collects once, unless --url names a running exporter; docs/health.md has the rules. The exit status is 0 for ok, 1 for warning, 2 for critical, and 3 if the health is unknown.", func(ctx context.Context) error { return p.health(ctx, o) })
	cmd.busy = "Collecting"
	cmd.addEnum("format", "Output format: text, json, or nagios for monitoring plugins.", &o.Format, exporter.HealthFormats()...)
	cmd.Flag("url", "Running exporter to ask instead, which knows its checks and since when it has seen each problem: http://localhost:9100 or unix:///run/host_exporter.sock.").PlaceHolder("URL").StringVar(&o.URL)
}

// health reports the health of the host. Its exit codes are those of monitoring
// plugins.
func (p *program) health(ctx context.Context, o exporter.HealthOptions) error {
	err := p.reportHealth(ctx, o)
	if err == nil {
		return nil
	}
	if unhealthy, ok := errors.AsType[*exporter.HealthError](err); ok {
		return exitError{loggedError{err}, unhealthy.ExitCode()} // the report has it all
	}
	if o.Format == "nagios" {
		fmt.Fprintln(p.stdout, "HOST UNKNOWN -", strings.ReplaceAll(err.Error(), "\n", "; "))
		err = loggedError{err}
	}
	return exitError{err, 3}
}

func (p *program) reportHealth(ctx context.Context, o exporter.HealthOptions) error {
	if o.URL != "" {
		return exporter.RemoteHealth(ctx, p.stdout, o)
	}
	p.config.Log, p.config.ProcessMetrics = nil, false
	e, err := exporter.New(p.config)
	if err != nil {
		return err
	}
	return e.Health(ctx, p.stdout, o)
}
