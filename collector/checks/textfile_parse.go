package checks

import (
	"bytes"
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
		return unparsableFile(name, b, err)
	}
	f := &textfileFile{path: name, source: merge.Source{Name: name}}
	for _, key := range slices.Sorted(maps.Keys(byName)) {
		family := byName[key]
		if families.HasTimestamp(family) {
			return refusedFile(name, "timestamp", fmt.Errorf("%s: %s has a timestamp, which may not be in a textfile", name, key))
		}
		before := len(family.Metric)
		for _, err := range families.Normalize(family) {
			f.errs = append(f.errs, fmt.Errorf("%s: %w", name, err))
		}
		f.invalid += before - len(family.Metric)
		if len(family.Metric) > 0 {
			f.source.Families = append(f.source.Families, family)
		}
	}
	return f
}

// unparsableFile refuses a file that does not parse. One whose last line has no end
// is told from one with a mistake in it: the next scrape may find it whole.
func unparsableFile(name string, b []byte, err error) *textfileFile {
	line, msg := families.ErrorLine(b, err)
	switch {
	case line == 0:
		return refusedFile(name, "syntax", fmt.Errorf("%s: %w", name, err))
	case line > bytes.Count(b, []byte("\n")):
		return refusedFile(name, "half_written", fmt.Errorf("%s:%d: %s", name, line, msg))
	}
	return refusedFile(name, "syntax", fmt.Errorf("%s:%d: %s", name, line, msg))
}
