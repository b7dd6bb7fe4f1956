package checks

import "github.com/hostexporter/host_exporter/collector/checks/internal/command"

// Supervise must be the first thing that the program does: where the exporter
// started it to watch over a check, it does that and exits.
func Supervise() { command.Main() }
