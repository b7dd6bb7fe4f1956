// Command host_exporter exports Linux host metrics to Prometheus.
package main

import (
	_ "embed"
	"strings"

	"github.com/hostexporter/host_exporter/collector/exporter/command"
)

//go:embed VERSION
var release string

func main() { command.Main(strings.TrimSpace(release)) }
