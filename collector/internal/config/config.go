// Package config turns what a user asks for into the settings of every
// collector. Today that is flags; each option is stated once, as a
// collect.Field, and what comes from a flag is kept as the text it was.
package config

import (
	"fmt"
	"slices"
	"strings"

	"github.com/hostexporter/host_exporter/collector/internal/collect"
)

// Settings are the explicit wishes of a user. What is not in them is as the
// collectors' own defaults say. They are not for concurrent use.
type Settings struct {
	DisableDefaults bool
	enabled         map[string]bool
	options         map[string]map[string][]string // by collector and option
	warnings        []string
}

// New returns settings without any wish.
func New() *Settings {
	return &Settings{enabled: map[string]bool{}, options: map[string]map[string][]string{}}
}

// A Flag is one command-line flag, for whatever library parses them.
type Flag struct {
	Name    string // without dashes; a switch has a twin with "no-" before it
	Help    string
	Default string
	Hidden  bool
	Switch  bool
	List    bool
	Set     func(string) error
}

// Flags returns the flags of all collectors, sorted by name.
func (s *Settings) Flags(specs []collect.Spec) []Flag {
	var flags []Flag
	for _, spec := range specs {
		state := "enabled"
		if spec.Off {
			state = "disabled"
		}
		flags = append(flags, Flag{
			Name:   "collector." + spec.Name,
			Help:   fmt.Sprintf("Enable the %s collector: %s (default: %s).", spec.Name, strings.TrimSuffix(lowerFirst(spec.Help), "."), state),
			Switch: true,
			Set: func(v string) error {
				var b collect.Bool
				err := b.Set(v)
				s.enabled[spec.Name] = bool(b)
				return err
			},
		})
		for _, f := range spec.Build.Fields() {
			flag := Flag{
				Name:    f.FlagName(spec.Name),
				Help:    f.Help,
				Default: f.Value.String(),
				Hidden:  f.Hidden,
				Switch:  collect.IsSwitch(f.Value),
				List:    collect.IsList(f.Value),
				Set: func(v string) error {
					if err := f.Value.Set(v); err != nil { // a trial, for the message
						return err
					}
					s.add(spec.Name, f.Name, v)
					return nil
				},
			}
			flags = append(flags, flag)
			for _, alias := range f.Aliases {
				old := flag
				old.Name, old.Hidden = alias, true
				old.Help = "Older name of --" + flag.Name + "."
				old.Set = func(v string) error {
					s.warnings = append(s.warnings, fmt.Sprintf("--%s is now called --%s", alias, flag.Name))
					return flag.Set(v)
				}
				flags = append(flags, old)
			}
		}
	}
	slices.SortStableFunc(flags, func(a, b Flag) int { return strings.Compare(a.Name, b.Name) })
	return joined(flags)
}

// joined makes one flag of those of one name, which sets what all of them set:
// an option that two collectors have to obey is an option of both.
func joined(sorted []Flag) []Flag {
	var flags []Flag
	for _, f := range sorted {
		n := len(flags)
		if n == 0 || flags[n-1].Name != f.Name {
			flags = append(flags, f)
			continue
		}
		first, second := flags[n-1].Set, f.Set
		flags[n-1].Set = func(v string) error {
			if err := first(v); err != nil {
				return err
			}
			return second(v)
		}
	}
	return flags
}

// lowerFirst makes a sentence fit behind a colon, unless it starts with an
// abbreviation.
func lowerFirst(s string) string {
	if len(s) > 1 && s[1] >= 'a' && s[1] <= 'z' {
		return strings.ToLower(s[:1]) + s[1:]
	}
	return s
}

func (s *Settings) add(collector, option, value string) {
	if s.options[collector] == nil {
		s.options[collector] = map[string][]string{}
	}
	s.options[collector][option] = append(s.options[collector][option], value)
}

// Enabled reports whether a collector is to run.
func (s *Settings) Enabled(spec collect.Spec) bool {
	if on, explicit := s.enabled[spec.Name]; explicit {
		return on
	}
	return !spec.Off && !s.DisableDefaults
}

// Options returns the options that were given for a collector.
func (s *Settings) Options(collector string) map[string][]string { return s.options[collector] }

// Warnings returns what a user should know about the wishes.
func (s *Settings) Warnings() []string { return s.warnings }
