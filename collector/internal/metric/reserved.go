package metric

import "strings"

// ReservedPrefix returns the prefix that makes a family name one of the
// exporter's own, which no external family may have, or "" if there is none.
func ReservedPrefix(name string) string {
	for _, prefix := range []string{"host_exporter_", "host_check_", "node_exporter_build_info", "go_", "process_", "promhttp_"} {
		if strings.HasPrefix(name, prefix) {
			return prefix
		}
	}
	return ""
}
