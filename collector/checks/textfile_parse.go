package checks

import (
	"bytes"
	"fmt"
	"maps"
	"slices"

	dto "github.com/prometheus/client_model/go"

	"github.com/hostexporter/host_exporter/collector/checks/internal/families"
	"github.com/hostexporter/host_exporter/collector/checks/internal/merge"
)

// parseContent parses a file in the text format. It refuses a file with a syntax error,
// a timestamp or an incomplete last line as a whole, because the rest of it may be
// wrong, too.
func parseContent(name string, have *textfileContent) *textfileFile {
	byName, err := families.Parse(have.text)
	if err != nil {
		f := unparsableFile(name, have.text, err)
		f.owner, f.stamp, f.cacheable = have.owner, have.stamp, have.cacheable
		return f
	}
	f := &textfileFile{path: name, owner: have.owner, stamp: have.stamp, cacheable: have.cacheable, source: merge.Source{Name: name}}
	for _, key := range slices.Sorted(maps.Keys(byName)) {
		if families.HasTimestamp(byName[key]) {
			f.refusal, f.source.Families = "timestamp", nil
			f.errs = []error{fmt.Errorf("%s: want no timestamps, have one in %s", name, key)}
			return f
		}
		f.source.Families = append(f.source.Families, byName[key])
	}
	f.memory = memoryOfFamilies(f.source.Families, have.size)
	return f
}

// normalize makes the families of a file that was just parsed fit for export.
func (f *textfileFile) normalize() {
	f.source.Families = slices.DeleteFunc(f.source.Families, func(family *dto.MetricFamily) bool {
		before := len(family.Metric)
		for _, err := range families.Normalize(family) {
			f.errs = append(f.errs, fmt.Errorf("%s: %w", f.path, err))
		}
		f.invalid += before - len(family.Metric)
		return len(family.Metric) == 0
	})
}

// unparsableFile returns a refused file with a syntax error. The reason is half_written
// if the last line is incomplete: the next scrape may find it complete. The error has
// nothing of the file, which a link may have chosen.
func unparsableFile(name string, b []byte, err error) *textfileFile {
	line, kind, _ := families.ErrorLine(b, err)
	switch {
	case line == 0:
		return refusedFile(name, "syntax", fmt.Errorf("%s: %s", name, kind))
	case line > bytes.Count(b, []byte("\n")):
		return refusedFile(name, "half_written", fmt.Errorf("%s:%d: %s", name, line, kind))
	}
	return refusedFile(name, "syntax", fmt.Errorf("%s:%d: %s", name, line, kind))
}
