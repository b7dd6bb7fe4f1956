package config

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/hostexporter/host_exporter/collector/internal/collect"
)

// A Flag is one command-line flag. It depends on no flag library.
type Flag struct {
	Name        string // without dashes; a switch is also accepted with the prefix no-
	Help        string // without the default
	Placeholder string // of the value in --help; empty for a switch
	Default     string
	Hidden      bool
	Switch      bool
	List        bool
	ReplacedBy  string // current name of a deprecated flag
	Instead     string // what to use instead of a flag that has no effect
	Set         func(string) error
}

// Flags returns the flags of all collectors, sorted by name.
func (s *Settings) Flags(specs []collect.Spec) []Flag {
	flags := []Flag{
		s.durationFlag(specs, "collector.timeout", "Timeout of a collector, such as hba=10s.", s.flags.timeout),
		s.durationFlag(specs, "collector.interval", "Serve cached results of a collector up to this age, such as hba=1m, instead of reading at every scrape.", s.flags.interval),
		s.maxSeriesFlag(specs),
	}
	for _, spec := range specs {
		flags = append(flags, s.switchFlag(spec))
		for _, f := range spec.Build.Fields() {
			flags = append(flags, s.optionFlags(spec, f)...)
		}
	}
	flags = append(flags, s.retiredFlags()...)
	slices.SortStableFunc(flags, func(a, b Flag) int { return strings.Compare(a.Name, b.Name) })
	return mergeFlags(flags)
}

// durationFlag returns a flag that sets a time span of any collector.
func (s *Settings) durationFlag(specs []collect.Spec, name, help string, durations map[string]time.Duration) Flag {
	return Flag{Name: name, Help: help, Placeholder: "NAME=DURATION", List: true, Set: func(v string) error {
		collector, text, ok := strings.Cut(v, "=")
		if !ok {
			return fmt.Errorf("want NAME=DURATION, have %q", v)
		}
		if _, err := Find(specs, collector); err != nil {
			return err
		}
		var d positiveDuration
		if err := d.Set(text); err != nil {
			return err
		}
		durations[collector] = time.Duration(d)
		return nil
	}}
}

// maxSeriesFlag returns the flag that sets the maximum number of series of any
// collector, or of all.
func (s *Settings) maxSeriesFlag(specs []collect.Spec) Flag {
	help := fmt.Sprintf("Maximum number of series of a collector, such as hba=1000000, or without NAME of each collector that has none of its own (default: %d). "+
		"0 is no limit. A collector with more drops its largest families.", collect.DefaultMaxSeries)
	return Flag{Name: "collector.max-series", Help: help, Placeholder: "[NAME=]N", List: true, Set: func(v string) error {
		collector, text, ok := strings.Cut(v, "=")
		if !ok {
			collector, text = allCollectors, v
		} else if _, err := Find(specs, collector); err != nil {
			return err
		}
		var n seriesCount
		if err := n.Set(text); err != nil {
			return err
		}
		s.flags.maxSeries[collector] = int(n)
		return nil
	}}
}

func (s *Settings) switchFlag(spec collect.Spec) Flag {
	state := "enabled"
	if spec.DisabledByDefault {
		state = "disabled"
	}
	return Flag{
		Name:   "collector." + spec.Name,
		Help:   fmt.Sprintf("Enable the %s collector (default: %s): %s", spec.Name, state, spec.Help),
		Switch: true,
		Set: func(v string) error {
			var b collect.Bool
			err := b.Set(v)
			s.flags.enabled[spec.Name] = bool(b)
			return err
		},
	}
}

// optionFlags returns the flag of an option, and those of its aliases.
func (s *Settings) optionFlags(spec collect.Spec, f collect.Field) []Flag {
	flag := Flag{
		Name:        f.FlagName(spec.Name),
		Help:        f.Help,
		Placeholder: f.ValueName(),
		Default:     f.Value.String(),
		Hidden:      f.Hidden,
		Switch:      collect.IsSwitch(f.Value),
		List:        collect.IsList(f.Value),
		Set: func(v string) error {
			if err := f.Value.Set(v); err != nil { // reports a value that the option rejects
				return err
			}
			s.flags.add(spec.Name, f.Name, v)
			return nil
		},
	}
	all := []Flag{flag}
	for _, alias := range f.Aliases {
		old := flag
		old.Name, old.Hidden, old.ReplacedBy = alias, true, flag.Name
		old.Help = "Deprecated name of --" + flag.Name + "."
		old.Set = func(v string) error {
			s.warnings = append(s.warnings, fmt.Sprintf("--%s is deprecated: use --%s", alias, flag.Name))
			return flag.Set(v)
		}
		all = append(all, old)
	}
	return all
}

// mergeFlags merges flags with the same name into one that sets all their
// options: two collectors can share an option.
func mergeFlags(sorted []Flag) []Flag {
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

// positiveDuration is a time span above zero.
type positiveDuration time.Duration

func (p *positiveDuration) Set(s string) error {
	var d collect.Duration
	if err := d.Set(s); err != nil {
		return err
	}
	if d == 0 {
		return collect.Unexpected("a time span above zero", s)
	}
	*p = positiveDuration(d)
	return nil
}

// seriesCount is a number of series, or 0 for any.
type seriesCount int

func (c *seriesCount) Set(s string) error {
	n, err := strconv.ParseUint(s, 10, 31)
	if err != nil {
		return collect.Unexpected("a number of series, or 0 for no limit", s)
	}
	*c = seriesCount(n)
	return nil
}
