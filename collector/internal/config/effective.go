package config

import (
	"bytes"
	"fmt"
	"strings"
	"time"

	"github.com/hostexporter/host_exporter/collector/internal/collect"
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
		fmt.Fprintf(&b, "  %s:\n    enabled: true\n    timeout: %s\n", spec.Name, FormatDuration(u.Timeout))
		if u.Interval > 0 {
			fmt.Fprintf(&b, "    interval: %s\n", FormatDuration(u.Interval))
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

// FormatDuration formats a time span without the units that are zero: 1m rather
// than 1m0s.
func FormatDuration(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}
