package definition

import (
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

// checkOutput checks what the output is to be read with.
func (d *Definition) checkOutput(document.Node, map[string]document.Node) {}
