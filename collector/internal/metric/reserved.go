package metric

import "strings"

// ReservedPrefix returns the prefix that makes a family name one that no check
// may have, or "" if there is none: names of the exporter itself, and those that
// Prometheus writes for each target and for alerts. Of up, the whole name is
// reserved.
func ReservedPrefix(name string) string {
	if name == "up" {
		return name
	}
	for _, prefix := range []string{"host_exporter_", "host_check_", "node_exporter_build_info", "go_", "process_", "promhttp_", "scrape_", "ALERTS"} {
		if strings.HasPrefix(name, prefix) {
			return prefix
		}
	}
	return ""
}

// IsOfPrometheus reports whether Prometheus itself writes series of a name: about
// a target, or about alerts. Such a series from a target would hide that the
// target is down. See https://prometheus.io/docs/concepts/jobs_instances/.
func IsOfPrometheus(name string) bool {
	switch name {
	case "up", "ALERTS", "ALERTS_FOR_STATE",
		"scrape_duration_seconds", "scrape_timeout_seconds", "scrape_body_size_bytes", "scrape_series_added",
		"scrape_sample_limit", "scrape_samples_scraped", "scrape_samples_post_metric_relabeling":
		return true
	}
	return false
}
