package config

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/yamltext"
)

// Effective returns the configuration in effect as a configuration file: every
// collector, and every option of the enabled ones. An exporter that loads it
// without flags has the same configuration.
func Effective(specs []collect.Spec, units []*collect.Unit) []byte {
	var b bytes.Buffer
	b.WriteString("# The configuration in effect: flags, configuration file and defaults.\ncollectors:\n")
	written := map[string]bool{} // by flag: several collectors can share one
	for _, spec := range specs {
		u := collect.UnitByName(units, spec.Name)
		if u == nil {
			fmt.Fprintf(&b, "  %s: false\n", spec.Name)
			continue
		}
		fmt.Fprintf(&b, "  %s:\n    enabled: true\n    timeout: %s\n", spec.Name, yamltext.Duration(u.Timeout))
		if u.Interval > 0 {
			fmt.Fprintf(&b, "    interval: %s\n", yamltext.Duration(u.Interval))
		}
		if u.MaxSeries != collect.DefaultMaxSeries {
			fmt.Fprintf(&b, "    max-series: %d\n", u.MaxSeries)
		}
		for _, f := range spec.Build.Fields() {
			flag := f.FlagName(spec.Name)
			if written[flag] {
				continue
			}
			written[flag] = true
			for _, o := range u.Options {
				if o.Name == f.Name {
					fmt.Fprintf(&b, "    %s: %s\n", f.Name, o.YAML)
				}
			}
		}
	}
	return b.Bytes()
}

// Explicit returns the explicit settings of the flags as a configuration file.
func (s *Settings) Explicit(specs []collect.Spec) ([]byte, error) {
	var b bytes.Buffer
	if s.DisableDefaults {
		b.WriteString("disable-defaults: true\n")
	}
	if n, ok := s.flags.maxSeries[allCollectors]; ok {
		fmt.Fprintf(&b, "max-series: %d\n", n)
	}
	b.WriteString("collectors:\n")
	empty := b.Len()
	for _, spec := range specs {
		var lines []string
		if on, ok := s.flags.enabled[spec.Name]; ok {
			lines = append(lines, fmt.Sprintf("enabled: %t", on))
		}
		if d, ok := s.flags.timeout[spec.Name]; ok {
			lines = append(lines, "timeout: "+yamltext.Duration(d))
		}
		if d, ok := s.flags.interval[spec.Name]; ok {
			lines = append(lines, "interval: "+yamltext.Duration(d))
		}
		if n, ok := s.flags.maxSeries[spec.Name]; ok {
			lines = append(lines, fmt.Sprintf("max-series: %d", n))
		}
		for _, f := range spec.Build.Fields() {
			values := s.flags.options[spec.Name][f.Name]
			for _, v := range values {
				if err := f.Value.Set(v); err != nil {
					return nil, fmt.Errorf("%s: %w", f.FlagName(spec.Name), err)
				}
			}
			if len(values) > 0 {
				lines = append(lines, f.Name+": "+collect.YAML(f.Value))
			}
		}
		if len(lines) > 0 {
			fmt.Fprintf(&b, "  %s:\n    %s\n", spec.Name, strings.Join(lines, "\n    "))
		}
	}
	if b.Len() == empty {
		b.Truncate(empty - 1)
		b.WriteString(" {}\n")
	}
	return b.Bytes(), nil
}
