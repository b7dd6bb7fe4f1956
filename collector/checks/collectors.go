// Package checks has the collectors of what others measure: what jobs of the
// operator leave for the exporter to serve, and what the exporter runs for
// them.
package checks

import "github.com/hostexporter/host_exporter/collector/internal/collect"

// Collectors returns the data sheets of the domain, for those who want to know
// what there is. Checks.Specs has those that serve checks.
func Collectors() []collect.Spec { return specs(nil, new(exportedNames)) }

func specs(from stateSource, names *exportedNames) []collect.Spec {
	textfile := textfile
	textfile.Build = withReserved{textfile.Build, names}
	return []collect.Spec{
		newCheckSpec(from, names),
		textfile,
	}
}
