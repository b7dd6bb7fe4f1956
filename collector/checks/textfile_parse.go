package checks

import (
	"bytes"
	"fmt"
	"maps"
	"slices"

	"github.com/hostexporter/host_exporter/collector/checks/internal/families"
	"github.com/hostexporter/host_exporter/collector/checks/internal/merge"
)

// parseTextfile parses a file in the text format. It refuses a file with a syntax
// error, a timestamp or an incomplete last line as a whole, because the rest of it may
// be wrong, too.
func parseTextfile(name string, b []byte) *textfileFile {
	byName, err := families.Parse(b)
	if err != nil {
		return unparsableFile(name, b, err)
	}
	f := &textfileFile{path: name, source: merge.Source{Name: name}}
	for _, key := range slices.Sorted(maps.Keys(byName)) {
		family := byName[key]
		if families.HasTimestamp(family) {
			return refusedFile(name, "timestamp", fmt.Errorf("%s: want no timestamps, have one in %s", name, key))
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

// unparsableFile returns a refused file with a syntax error. The reason is half_written
// if the last line is incomplete: the next scrape may find it complete.
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
