package command

import (
	"context"
	"errors"
	"os"

	"github.com/hostexporter/host_exporter/collector/checks"
	"github.com/hostexporter/host_exporter/collector/exporter"
)

func (p *program) addChecks() {
	all := p.app.Command("checks", "List, run, watch and import checks.")
	p.command(all, "list", "List the checks of the configuration file.", p.listChecks)
	p.addCheckStatus(all)
	p.addRunCheck(all)
	p.addImportCrontab(all)
}

func (p *program) addCheckStatus(all commander) {
	var o exporter.CheckStatusOptions
	cmd := p.command(all, "status", "Ask the running exporter how its checks are. The exit status is 1 if a check fails or is suspended, and 2 if the exporter does not answer.",
		func(ctx context.Context) error { return p.checkStatus(ctx, o) })
	cmd.busy = "Asking the exporter"
	cmd.Flag("url", "Running exporter: http://localhost:9100 or unix:///run/host_exporter.sock; without it, the first --web.listen-address.").PlaceHolder("URL").StringVar(&o.URL)
	cmd.addEnum("format", "Output format: text or json.", &o.Format, "text", "json")
	cmd.Arg("name", "Checks to ask for, instead of all.").StringsVar(&o.Names)
}

func (p *program) checkStatus(ctx context.Context, o exporter.CheckStatusOptions) error {
	o.MetricsPath = p.config.MetricsPath
	var err error
	if o.URL == "" {
		if o.URL, err = exporter.DefaultURL((*p.toolkit.WebListenAddresses)[0], *p.toolkit.WebConfigFile != ""); err != nil {
			return err
		}
	}
	err = exporter.RemoteCheckStatus(ctx, p.stdout, o)
	if _, ok := errors.AsType[*exporter.FailingChecksError](err); ok || err == nil {
		return err
	}
	return exitError{err, 2}
}

func (p *program) addRunCheck(all commander) {
	var name string
	cmd := p.command(all, "run", "Run a check once, within its limits, and print its metrics. The exit status is 1 if it failed.", func(ctx context.Context) error { return p.runCheck(ctx, name) })
	cmd.busy = "Running the check"
	cmd.Arg("name", "Name of the check.").Required().StringVar(&name)
}

func (p *program) addImportCrontab(all commander) {
	var path, format, user string
	cmd := p.command(all, "import", "Convert a crontab into checks for the configuration file. Comments say where you must decide. The exit status is 1 if a line is not understood.", func(context.Context) error { return p.importCrontab(path, format, user) })
	cmd.Arg("crontab", "Crontab; - for standard input.").Required().StringVar(&path)
	cmd.addEnum("format", "Crontab format: user, as crontab -l prints; system, with a user in each line as in /etc/crontab; or auto.", &format, "auto", "user", "system")
	cmd.Flag("user", "User that runs the commands of a crontab in user format.").PlaceHolder("NAME").StringVar(&user)
}

// newFromFile returns an exporter with the configuration file, which is
// required.
func (p *program) newFromFile() (*exporter.Exporter, error) {
	if p.config.File == "" {
		return nil, errors.New("no configuration file: give it with --config.file")
	}
	p.config.Log = nil // the output has it all
	return exporter.New(p.config)
}

func (p *program) listChecks(context.Context) error {
	e, err := p.newFromFile()
	if err != nil {
		return err
	}
	return e.ListChecks(p.stdout)
}

func (p *program) runCheck(ctx context.Context, name string) error {
	e, err := p.newFromFile()
	if err != nil {
		return err
	}
	return e.RunCheck(ctx, name, p.stdout, p.stderr)
}

func (p *program) importCrontab(path, format, user string) error {
	in := os.Stdin
	if path != "-" && path != "" { // kingpin passes a single dash as an empty argument
		var err error
		if in, err = os.Open(path); err != nil {
			return err
		}
		defer in.Close()
	}
	return checks.ImportCrontab(in, p.stdout, p.stderr, format, user)
}
