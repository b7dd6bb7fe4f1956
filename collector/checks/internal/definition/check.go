package definition

import (
	"fmt"
	"slices"
	"strings"

	"github.com/hostexporter/host_exporter/collector/checks/internal/output"
	"github.com/hostexporter/host_exporter/collector/checks/internal/schedule"
	"github.com/hostexporter/host_exporter/collector/internal/document"
)

// Schedule returns the schedule of the check on a host.
func (d Definition) Schedule(hostname string) (schedule.Schedule, error) {
	if d.At != "" {
		return schedule.ParseCron(d.At, nil)
	}
	return schedule.NewInterval(d.Interval, hostname, d.Name), nil
}

func checkAt(expr string) error {
	_, err := schedule.ParseCron(expr, nil)
	return err
}

// Parser returns the parser of the check's output.
func (d Definition) Parser() (*output.Parser, error) {
	o := d.Output
	o.MaxBytes = int(d.StdoutLimit)
	if len(d.ExitCodes) > 0 {
		o.Metrics = []output.Metric{{Name: o.Name, Enum: d.ExitCodes}}
	}
	return output.New(o)
}

// validateOutput checks the options of the parser. The finding of an error is at the
// key that the error names.
func (d *Definition) validateOutput(node document.Node, present map[string]document.Node) {
	if d.alreadyReported(present) {
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
		at, present = metricAt(present["metrics"], item)
	}
	key, rest, _ := strings.Cut(text, ": ")
	if n, ok := present[key]; ok {
		at, text = n, rest
	} else if n, ok := present["format"]; ok && rest != "" {
		at = n
	}
	at.Failf("check %s: %s", d.Name, text)
}

// alreadyReported reports whether the parser would only repeat an earlier finding.
func (d *Definition) alreadyReported(present map[string]document.Node) bool {
	_, named := present["metric"]
	_, codes := present["exit-codes"]
	return !d.Publishes() || named && d.Output.Name == "" ||
		codes && (d.Output.Format != output.Exit || len(d.Output.Metrics) > 0) ||
		slices.ContainsFunc(d.Output.Metrics, func(m output.Metric) bool { return m.Name == "" })
}

// metricAt returns a declared metric by its index, and the values of its keys.
func metricAt(metrics document.Node, number int) (at document.Node, present map[string]document.Node) {
	present = map[string]document.Node{}
	i := 0
	metrics.Items(func(item document.Node) {
		if i == number {
			at = item
			item.Each(func(key string, n document.Node) { present[key] = n })
		}
		i++
	})
	return at, present
}
