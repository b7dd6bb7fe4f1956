package checks

import "github.com/hostexporter/host_exporter/collector/checks/internal/command"

// Supervise must be the first call of the program. In a process that the exporter
// started to supervise the run of a check, it does that and exits.
func Supervise() { command.Main(parseOutput) }
