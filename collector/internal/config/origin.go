package config

import (
	"cmp"
	"strings"

	"github.com/hostexporter/host_exporter/collector/internal/collect"
)

// Default is the origin of a setting that is not explicit.
const Default = "default"

// The settings that every collector has, by their keys in the file.
const (
	EnabledKey   = "enabled"
	TimeoutKey   = "timeout"
	IntervalKey  = "interval"
	MaxSeriesKey = "max-series"
)

// Origin returns where a setting of a collector comes from: a flag, the environment
// variable that sets it, the path and line of a file, or Default. The setting is the
// name of an option, or a key that every collector has.
func (s *Settings) Origin(spec collect.Spec, setting string) string {
	origin := s.origin(spec, setting)
	if flag, ok := strings.CutPrefix(origin, "--"); ok {
		return cmp.Or(s.Environment[strings.TrimPrefix(flag, "no-")], origin)
	}
	return origin
}

func (s *Settings) origin(spec collect.Spec, setting string) string {
	name := spec.Name
	place := func(key string) string { return s.file.places["collector "+name+": "+key] }
	switch setting {
	case EnabledKey:
		on, explicit := s.flags.enabled[name]
		switch {
		case explicit && on:
			return "--collector." + name
		case explicit:
			return "--no-collector." + name
		}
		if _, explicit = s.file.enabled[name]; explicit {
			return place(EnabledKey)
		}
		return s.originOfDefault(spec)
	case TimeoutKey:
		return origin(s.flags.timeout, s.file.timeout, name, "--collector.timeout", place(TimeoutKey))
	case IntervalKey:
		return origin(s.flags.interval, s.file.interval, name, "--collector.interval", place(IntervalKey))
	case MaxSeriesKey:
		own := origin(s.flags.maxSeries, s.file.maxSeries, name, "--collector.max-series", place(MaxSeriesKey))
		if own != Default {
			return own
		}
		return origin(s.flags.maxSeries, s.file.maxSeries, allCollectors, "--collector.max-series", s.file.places[MaxSeriesKey])
	}
	for _, f := range spec.Build.Fields() {
		if f.Name == setting {
			flag := f.FlagName(name)
			return origin(s.flags.options[name], s.file.options[name], setting, "--"+flag, s.file.places["the option "+flag])
		}
	}
	return Default
}

// originOfDefault returns why a collector that is not explicit is enabled or
// disabled.
func (s *Settings) originOfDefault(spec collect.Spec) string {
	switch {
	case spec.DisabledByDefault:
		return Default
	case s.DisableDefaults:
		return "--collector.disable-defaults"
	case s.file.DisableDefaults:
		return s.file.places["disable-defaults"]
	}
	return Default
}

// origin returns the origin of the value that two sources may have for a key.
func origin[V any](flags, file map[string]V, key, flag, place string) string {
	if _, ok := flags[key]; ok {
		return flag
	}
	if _, ok := file[key]; ok {
		return place
	}
	return Default
}
