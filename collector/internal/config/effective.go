package config

import (
	"bytes"
	"fmt"

	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/yamltext"
)

// Effective returns what is in effect as a configuration file: every collector,
// and every option of those that are enabled. Loaded without flags, it would
// change nothing.
func Effective(specs []collect.Spec, units []*collect.Unit) []byte {
	var b bytes.Buffer
	b.WriteString("# What is in effect: flags, configuration file and defaults together.\ncollectors:\n")
	shared := map[string]bool{} // flags of more than one collector, which set it for all
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
		for _, f := range spec.Build.Fields() {
			flag := f.FlagName(spec.Name)
			if shared[flag] {
				continue
			}
			shared[flag] = true
			for _, o := range u.Options {
				if o.Name == f.Name {
					fmt.Fprintf(&b, "    %s: %s\n", f.Name, o.YAML)
				}
			}
		}
	}
	return b.Bytes()
}
