package exporter

import (
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/docs"
)

// A catalogFamily is a metric family that a collector can have.
type catalogFamily struct {
	collector, name, help string
}

// tableRow matches a family in the pages of metrics.
var tableRow = regexp.MustCompile("^\\| `([a-zA-Z_:][\\w:]*)` \\| \\w+ \\| [^|]*\\| (.*) \\|$")

// readCatalog returns the families of the pages of metrics. They have those whose
// names come from the kernel, too, as far as recorded hosts have them.
func readCatalog() (families []catalogFamily) {
	pages, err := fs.Glob(docs.Metrics, "metrics/*.md")
	if err != nil {
		return nil
	}
	for _, page := range pages {
		text, err := docs.Metrics.ReadFile(path.Clean(page))
		if err != nil {
			continue
		}
		collector := ""
		for line := range strings.Lines(string(text)) {
			line = strings.TrimSpace(line)
			if name, ok := strings.CutPrefix(line, "## "); ok {
				collector = name
			} else if m := tableRow.FindStringSubmatch(line); m != nil {
				families = append(families, catalogFamily{collector, m[1], strings.ReplaceAll(m[2], `\|`, "|")})
			}
		}
	}
	return families
}

// MetricNames returns the names of all metric families that collectors can have, as
// far as they are known in advance.
func MetricNames() []string {
	var names []string
	for _, f := range readCatalog() {
		names = append(names, f.name)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// oldNames are names of node_exporter before 0.16 that have another stem today.
func oldNames() map[string]string {
	return map[string]string{
		"node_cpu":                       "node_cpu_seconds_total",
		"node_context_switches":          "node_context_switches_total",
		"node_disk_bytes_read":           "node_disk_read_bytes_total",
		"node_disk_bytes_written":        "node_disk_written_bytes_total",
		"node_disk_sectors_read":         "node_disk_read_bytes_total",
		"node_disk_sectors_written":      "node_disk_written_bytes_total",
		"node_disk_io_time_ms":           "node_disk_io_time_seconds_total",
		"node_disk_io_time_weighted":     "node_disk_io_time_weighted_seconds_total",
		"node_disk_read_time_ms":         "node_disk_read_time_seconds_total",
		"node_disk_write_time_ms":        "node_disk_write_time_seconds_total",
		"node_filesystem_avail":          "node_filesystem_avail_bytes",
		"node_filesystem_free":           "node_filesystem_free_bytes",
		"node_filesystem_size":           "node_filesystem_size_bytes",
		"node_textfile_mtime":            "node_textfile_mtime_seconds",
		"node_interrupts":                "node_interrupts_total",
		"node_network_receive_multicast": "node_network_receive_multicast_total",
	}
}

// currentName returns today's name of a family that an old node_exporter had under
// another one, or "".
func currentName(name string, known func(string) bool) string {
	if current, ok := oldNames()[name]; ok && known(current) {
		return current
	}
	for _, suffix := range []string{"_bytes", "_total", "_seconds", "_seconds_total", "_bytes_total"} {
		if known(name + suffix) {
			return name + suffix
		}
	}
	return ""
}

// declares reports whether a collector with some options declares a family.
func (e *Exporter) declares(spec collect.Spec, options map[string][]string, name string) bool {
	u, err := collect.NewUnit(spec, e.host, e.config.Log, e.isReserved, options)
	return err == nil && u.Set().Has(name)
}

// enablingOption returns the flag of a boolean option that would have a collector
// declare a family, such as --collector.cpu.info, or "".
func (e *Exporter) enablingOption(spec collect.Spec, options map[string][]string, name string) string {
	for _, f := range spec.Build.Fields() {
		if !collect.IsSwitch(f.Value) {
			continue
		}
		for _, value := range []string{"true", "false"} {
			changed := map[string][]string{}
			for k, v := range options {
				changed[k] = v
			}
			changed[f.Name] = []string{value}
			if !e.declares(spec, changed, name) {
				continue
			}
			if value == "true" {
				return "--" + f.FlagName(spec.Name)
			}
			return "--no-" + f.FlagName(spec.Name)
		}
	}
	return ""
}
