// Package checks has the collectors of what others measure: what jobs of the
// operator leave for the exporter to serve.
package checks

import "github.com/hostexporter/host_exporter/collector/internal/collect"

// Collectors returns the data sheets of the domain.
func Collectors() []collect.Spec {
	return []collect.Spec{
		textfile,
	}
}
