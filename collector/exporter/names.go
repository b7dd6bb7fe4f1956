package exporter

import (
	"slices"
	"strings"

	"github.com/hostexporter/host_exporter/collector/internal/host"
)

// ownNames returns the names of a host: its hostname, the first label of it, and
// this label in the domains in which the host looks up names without a dot. See
// resolv.conf(5).
func ownNames(h *host.Host, hostname string) []string {
	if hostname == "" {
		return nil
	}
	short, _, _ := strings.Cut(hostname, ".")
	names := []string{hostname, short}
	text, _ := h.Root.Reader().Read("etc/resolv.conf") // without it the host has fewer names
	for line := range strings.Lines(string(text)) {
		if fields := strings.Fields(line); len(fields) > 1 && (fields[0] == "search" || fields[0] == "domain") {
			for _, domain := range fields[1:] {
				names = append(names, short+"."+strings.Trim(domain, "."))
			}
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}
