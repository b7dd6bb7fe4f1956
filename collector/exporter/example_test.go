package exporter_test

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/hostexporter/host_exporter/collector/exporter"
)

// Every collector is a prometheus.Collector: a program can register collectors
// in a registry of its own.
func Example() {
	procfs, err := os.MkdirTemp("", "procfs")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(procfs)
	if err := os.WriteFile(filepath.Join(procfs, "loadavg"), []byte("0.20 0.18 0.12 1/80 11206\n"), 0o644); err != nil {
		panic(err)
	}
	exporter, err := exporter.New(exporter.Config{
		Paths:       exporter.Paths{Procfs: procfs, Sysfs: "/sys", Rootfs: "/", UdevData: "/run/udev/data"},
		MetricsPath: "/metrics",
	})
	if err != nil {
		panic(err)
	}

	registry := prometheus.NewRegistry()
	registry.MustRegister(exporter.Collectors()["loadavg"])
	families, err := registry.Gather()
	if err != nil {
		panic(err)
	}
	for _, family := range families {
		fmt.Println(family.GetName(), family.GetMetric()[0].GetGauge().GetValue())
	}
	// Output:
	// node_load1 0.2
	// node_load15 0.12
	// node_load5 0.18
}
