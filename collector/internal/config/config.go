// Package config reads the settings of the collectors from flags and from the
// configuration file. Explicit flags take precedence over the file, and the
// file over the defaults. Each option is a collect.Field, which is both its
// flag and its key in the file; the package knows no collector by name.
package config

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/document"
)

// Settings are the explicit settings of all collectors; everything else has its
// default. They are not for concurrent use while flags are parsed, and do not
// change afterwards.
type Settings struct {
	DisableDefaults bool
	Environment     map[string]string // variables that set flags, by flag; nil: none
	flags           overrides
	named           []string
	file            *File
	recorded        *recorded // nil: the defaults are those of the data sheets
	warnings        []string
}

// recorded are the settings with which a host was recorded: its defaults.
type recorded struct {
	enabled map[string]bool
	options func(collector string) map[string][]string
}

// SetRecorded makes the settings with which a host was recorded the defaults.
func (s *Settings) SetRecorded(enabled []string, options func(collector string) map[string][]string) {
	r := &recorded{map[string]bool{}, options}
	for _, name := range enabled {
		r.enabled[name] = true
	}
	s.recorded = r
}

// overrides are the explicit settings of one source: the flags or the file. The
// keys are names of collectors.
type overrides struct {
	enabled   map[string]bool
	options   map[string]map[string][]string // the inner keys are names of options
	timeout   map[string]time.Duration
	interval  map[string]time.Duration
	maxSeries map[string]int // also has the key allCollectors
}

// allCollectors is the key of a setting of all collectors that have none of
// their own. It is no name of a collector.
const allCollectors = ""

func newOverrides() overrides {
	return overrides{map[string]bool{}, map[string]map[string][]string{}, map[string]time.Duration{}, map[string]time.Duration{}, map[string]int{}}
}

func (o *overrides) add(collector, option, value string) {
	if o.options[collector] == nil {
		o.options[collector] = map[string][]string{}
	}
	o.options[collector][option] = append(o.options[collector][option], value)
}

// New returns settings with nothing explicit.
func New() *Settings { return &Settings{flags: newOverrides(), file: &File{overrides: newOverrides()}} }

// With returns the settings with those of a file, over which the flags take
// precedence.
func (s *Settings) With(f *File) *Settings {
	merged := *s
	merged.file = f
	return &merged
}

// Enabled reports whether a collector is enabled.
func (s *Settings) Enabled(spec collect.Spec) bool {
	if on, explicit := s.flags.enabled[spec.Name]; explicit {
		return on
	}
	if on, explicit := s.file.enabled[spec.Name]; explicit {
		return on
	}
	if s.DisableDefaults || s.file.DisableDefaults {
		return false
	}
	if s.recorded != nil {
		return s.recorded.enabled[spec.Name]
	}
	return !spec.DisabledByDefault
}

// IsExplicit reports whether a collector is enabled or disabled explicitly.
func (s *Settings) IsExplicit(collector string) bool {
	_, byFlag := s.flags.enabled[collector]
	_, byFile := s.file.enabled[collector]
	return byFlag || byFile
}

// Options returns the explicit options of a collector.
func (s *Settings) Options(collector string) map[string][]string {
	all := map[string][]string{}
	if s.recorded != nil {
		maps.Copy(all, s.recorded.options(collector))
	}
	for _, o := range []overrides{s.file.overrides, s.flags} {
		maps.Copy(all, o.options[collector])
	}
	return all
}

// Timeout returns the timeout of a collector.
func (s *Settings) Timeout(spec collect.Spec) time.Duration {
	timeout := spec.Timeout
	if timeout == 0 {
		timeout = collect.DefaultTimeout
	}
	return lastExplicit(spec.Name, timeout, s.file.timeout, s.flags.timeout)
}

// Interval returns the maximum age of a collector's outcome that is served
// again; zero means that every scrape starts a run.
func (s *Settings) Interval(spec collect.Spec) time.Duration {
	return lastExplicit(spec.Name, 0, s.file.interval, s.flags.interval)
}

// MaxSeries returns the maximum number of series of a collector's run; zero
// means no limit. A setting of the collector takes precedence over one of all
// collectors, be it a flag or in the file.
func (s *Settings) MaxSeries(spec collect.Spec) int {
	all := lastExplicit(allCollectors, collect.DefaultMaxSeries, s.file.maxSeries, s.flags.maxSeries)
	return lastExplicit(spec.Name, all, s.file.maxSeries, s.flags.maxSeries)
}

// lastExplicit returns the value that the last of some sources has for a
// collector, or the default v.
func lastExplicit[V any](collector string, v V, sources ...map[string]V) V {
	for _, source := range sources {
		if explicit, ok := source[collector]; ok {
			v = explicit
		}
	}
	return v
}

// Warnings returns the warnings of the flags, and those of the file.
func (s *Settings) Warnings() []string {
	return append(s.warnings[:len(s.warnings):len(s.warnings)], s.file.Warnings...)
}

// Only enables the named collectors and disables all others.
func (s *Settings) Only(specs []collect.Spec, names []string) error {
	for _, name := range names {
		if _, err := Find(specs, name); err != nil {
			return err
		}
	}
	for _, spec := range specs {
		s.flags.enabled[spec.Name] = slices.Contains(names, spec.Name)
	}
	s.named = names
	return nil
}

// Named returns the collectors that Only has enabled.
func (s *Settings) Named() []string { return s.named }

// Find returns the data sheet of the collector with a name. The error suggests
// the name that was probably meant.
func Find(specs []collect.Spec, name string) (collect.Spec, error) {
	i := slices.IndexFunc(specs, func(s collect.Spec) bool { return s.Name == name })
	if i < 0 {
		return collect.Spec{}, fmt.Errorf("unknown collector %q%s", name, document.Suggest(name, Names(specs)))
	}
	return specs[i], nil
}

// Names returns the names of collectors.
func Names(specs []collect.Spec) []string {
	all := make([]string, len(specs))
	for i, s := range specs {
		all[i] = s.Name
	}
	return all
}
