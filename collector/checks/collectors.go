package checks

import "github.com/hostexporter/host_exporter/collector/internal/collect"

// Collectors returns the data sheets of the domain, for documentation. Checks.Specs
// returns those that collect.
func Collectors() []collect.Spec { return specs(nil, new(exportedNames)) }

func specs(from stateSource, names *exportedNames) []collect.Spec {
	textfile := textfile
	textfile.Build = withReserved{textfile.Build, names}
	return []collect.Spec{
		newCheckSpec(from, names),
		textfile,
	}
}
