package definition

import (
	"fmt"
	"slices"
	"strings"

	"github.com/hostexporter/host_exporter/collector/checks/internal/output"
	"github.com/hostexporter/host_exporter/collector/checks/internal/schedule"
	"github.com/hostexporter/host_exporter/collector/internal/document"
)

// Schedule returns when the check runs, on a host of that name.
func (d Definition) Schedule(hostname string) (schedule.Schedule, error) {
	if d.At != "" {
		return schedule.ParseCron(d.At, nil)
	}
	return schedule.Every(d.Interval, hostname, d.Name), nil
}

func checkAt(expr string) error {
	_, err := schedule.ParseCron(expr, nil)
	return err
}

// Parser returns what reads the output of the check.
func (d Definition) Parser() (*output.Parser, error) {
	o := d.Output
	o.MaxBytes = int(d.StdoutLimit)
	if len(d.ExitCodes) > 0 {
		o.Metrics = []output.Metric{{Name: o.Name, Enum: d.ExitCodes}}
	}
	return output.New(o)
}

// validateOutput checks how the output is to be read, and tells it at the key that
// is to blame.
func (d *Definition) validateOutput(node document.Node, given map[string]document.Node) {
	if d.alreadyReported(given) {
		return
	}
	_, err := d.Parser()
	if err == nil {
		return
	}
	text, at := err.Error(), node
	var item int
	if _, scanErr := fmt.Sscanf(text, "metrics[%d]:", &item); scanErr == nil {
		_, text, _ = strings.Cut(text, ": ")
		at, given = metricAt(given["metrics"], item)
	}
	key, rest, _ := strings.Cut(text, ": ")
	if n, ok := given[key]; ok {
		at, text = n, rest
	} else if n, ok := given["format"]; ok && rest != "" {
		at = n
	}
	at.Failf("check %s: %s", d.Name, text)
}

// alreadyReported reports whether something that was found before would be found
// again, in other words.
func (d *Definition) alreadyReported(given map[string]document.Node) bool {
	_, named := given["metric"]
	_, codes := given["exit-codes"]
	return !d.Publishes() || named && d.Output.Name == "" ||
		codes && (d.Output.Format != output.Exit || len(d.Output.Metrics) > 0) ||
		slices.ContainsFunc(d.Output.Metrics, func(m output.Metric) bool { return m.Name == "" })
}

// metricAt returns the declared metric of that number, and the values of its
// keys.
func metricAt(metrics document.Node, number int) (at document.Node, given map[string]document.Node) {
	given = map[string]document.Node{}
	i := 0
	metrics.Items(func(item document.Node) {
		if i == number {
			at = item
			item.Each(func(key string, n document.Node) { given[key] = n })
		}
		i++
	})
	return at, given
}
