// Package config turns what a user asks for into the settings of every
// collector. Each option is stated once, as a collect.Field; that is its flag
// and its key in the configuration file. Explicit flags go before the file,
// and the file before the defaults.
package config

import (
	"fmt"
	"slices"
	"time"

	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/document"
)

// Settings are the explicit wishes of a user. What is not in them is as the
// collectors' own defaults say. They are not for concurrent use while flags
// are parsed, and do not change afterwards.
type Settings struct {
	DisableDefaults bool
	flags           overrides
	file            *File
	warnings        []string
}

// overrides are what one source, the flags or the file, says about collectors.
type overrides struct {
	enabled  map[string]bool
	options  map[string]map[string][]string // by collector and option
	timeout  map[string]time.Duration
	interval map[string]time.Duration
}

func newOverrides() overrides {
	return overrides{map[string]bool{}, map[string]map[string][]string{}, map[string]time.Duration{}, map[string]time.Duration{}}
}

func (w *overrides) add(collector, option, value string) {
	if w.options[collector] == nil {
		w.options[collector] = map[string][]string{}
	}
	w.options[collector][option] = append(w.options[collector][option], value)
}

// New returns settings without any wish.
func New() *Settings { return &Settings{flags: newOverrides(), file: &File{overrides: newOverrides()}} }

// With returns the settings with the wishes of a file behind those of the
// flags.
func (s *Settings) With(f *File) *Settings {
	merged := *s
	merged.file = f
	return &merged
}

// Enabled reports whether a collector is to run.
func (s *Settings) Enabled(spec collect.Spec) bool {
	if on, explicit := s.flags.enabled[spec.Name]; explicit {
		return on
	}
	if on, explicit := s.file.enabled[spec.Name]; explicit {
		return on
	}
	return !spec.DisabledByDefault && !s.DisableDefaults && !s.file.DisableDefaults
}

// IsExplicit reports whether a user has said of a collector whether it is to
// run.
func (s *Settings) IsExplicit(collector string) bool {
	_, byFlag := s.flags.enabled[collector]
	_, byFile := s.file.enabled[collector]
	return byFlag || byFile
}

// Options returns the options that were given for a collector.
func (s *Settings) Options(collector string) map[string][]string {
	all := map[string][]string{}
	for _, w := range []overrides{s.file.overrides, s.flags} {
		for name, values := range w.options[collector] {
			all[name] = values
		}
	}
	return all
}

// Timeout returns how long a collector may take.
func (s *Settings) Timeout(spec collect.Spec) time.Duration {
	timeout := spec.Timeout
	if timeout == 0 {
		timeout = collect.DefaultTimeout
	}
	return lastExplicit(spec.Name, timeout, s.file.timeout, s.flags.timeout)
}

// Interval returns how old what a collector has read may be when it is served
// again; zero means that every scrape reads.
func (s *Settings) Interval(spec collect.Spec) time.Duration {
	return lastExplicit(spec.Name, 0, s.file.interval, s.flags.interval)
}

// lastExplicit returns the last of the given wishes, or a default.
func lastExplicit[V any](name string, v V, wishes ...map[string]V) V {
	for _, w := range wishes {
		if wish, ok := w[name]; ok {
			v = wish
		}
	}
	return v
}

// Warnings returns what a user should know about the wishes.
func (s *Settings) Warnings() []string {
	return append(s.warnings[:len(s.warnings):len(s.warnings)], s.file.Warnings...)
}

// Only has the named collectors run and no others, enabled or not.
func (s *Settings) Only(specs []collect.Spec, wanted []string) error {
	for _, name := range wanted {
		if _, err := Find(specs, name); err != nil {
			return err
		}
	}
	for _, spec := range specs {
		s.flags.enabled[spec.Name] = slices.Contains(wanted, spec.Name)
	}
	return nil
}

// Find returns the collector of a name that a user has given.
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
