package checks

import (
	"fmt"
	"maps"
	"slices"

	"github.com/hostexporter/host_exporter/collector/checks/internal/families"
	"github.com/hostexporter/host_exporter/collector/checks/internal/merge"
)

// parseTextfile reads a file in the text format. One that does not parse, or
// that has a timestamp, is refused as a whole: nobody knows what else is wrong
// with it. It is also refused when it was cut off within a line.
func parseTextfile(name string, b []byte) *textfileFile {
	byName, err := families.Parse(b)
	if err != nil {
		return refuse(name, parseError(name, b, err))
	}
	f := &textfileFile{path: name, source: merge.Source{Name: name}}
	for _, key := range slices.Sorted(maps.Keys(byName)) {
		family := byName[key]
		if families.HasTimestamp(family) {
			return refuse(name, fmt.Errorf("%s: %s has a timestamp, which may not be in a textfile", name, key))
		}
		if errs := families.Tidy(family); len(errs) > 0 {
			for _, err := range errs {
				f.errs = append(f.errs, fmt.Errorf("%s: %w", name, err))
			}
		}
		if len(family.Metric) > 0 {
			f.source.Families = append(f.source.Families, family)
		}
	}
	return f
}

func parseError(name string, b []byte, err error) error {
	line, msg := families.Where(b, err)
	if line == 0 {
		return fmt.Errorf("%s: %w", name, err)
	}
	return fmt.Errorf("%s:%d: %s", name, line, msg)
}
