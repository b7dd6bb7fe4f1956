package command

import (
	"context"
	"errors"

	"github.com/hostexporter/host_exporter/collector/exporter"
)

func (p *program) addCompare() {
	var o exporter.CompareOptions
	cmd := p.command(p.app, "compare", "Compare the metrics of two exporters on one host. With --dashboard and --rules it finds the queries that select none. The exit status is 1 if there are differences.", func(ctx context.Context) error { return p.compare(ctx, o) })
	cmd.busy = "Comparing"
	cmd.Flag("known", "File of known differences to leave out: kind, regular expression of families, cause (peer or ours) and reason, separated by tabs.").PlaceHolder("PATH").StringVar(&o.Known)
	cmd.Flag("deep", "Compare series and values too.").BoolVar(&o.Deep)
	cmd.Flag("dashboard", "Grafana dashboard in JSON whose queries to check. The flag may be given more than once.").PlaceHolder("PATH").StringsVar(&o.Dashboards)
	cmd.Flag("rules", "File of Prometheus rules whose expressions to check. The flag may be given more than once.").PlaceHolder("PATH").StringsVar(&o.Rules)
	cmd.Arg("ours", "URL or file of this exporter's metrics.").Required().StringVar(&o.Ours)
	cmd.Arg("peer", "URL or file of the other exporter's metrics.").StringVar(&o.Peer)
}

func (p *program) compare(ctx context.Context, o exporter.CompareOptions) error {
	if o.Peer == "" && len(o.Dashboards)+len(o.Rules) == 0 {
		return errors.New("nothing to compare with: give a second URL or file, --dashboard or --rules")
	}
	return exporter.Compare(ctx, p.stdout, o)
}
