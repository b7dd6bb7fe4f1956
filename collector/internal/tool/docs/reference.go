package main

import (
	"bytes"
	"fmt"

	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/yamltext"
)

// referenceHead explains the file and has the keys that are no collector's options.
const referenceHead = `# Every option of every collector, with its default value: a valid file that
# changes nothing. Copy the options that you want to change.
# Generated from the collectors' data sheets by ` + "`go generate ./collector`" + `. Do not edit.
#
#   host_exporter check-config /etc/host_exporter/host_exporter.yml
#   host_exporter --config.file=/etc/host_exporter/host_exporter.yml
#
# An explicit flag takes precedence over this file. See docs/config.md.

# Files or patterns, relative to this file. A key may be set in one file only, and
# included files cannot include others.
include: [conf.d/*.yml]

# Run only the collectors that a flag or this file enables.
disable-defaults: false

# Maximum number of series of each collector; 0 is no limit. Collectors with more drop
# their largest families.
max-series: %d

# What this host must have, by names of your choice: see docs/expectations.md.
expect: {}

# Changes of the rules that say whether the host is OK: see docs/health.md. The rules
# that ship with the exporter are in docs/health.yml.
health: {}

# In addition to its own options, each collector has
#   enabled:    true or false. NAME: false is short for NAME: {enabled: false}.
#   timeout:    maximum duration of a run. A late run's samples are dropped.
#   interval:   serve cached results up to this age, such as 1m. Without it, every
#               scrape reads.
#   max-series: maximum number of series, instead of the one above.
collectors:
`

// reference returns the configuration file that states every default.
func reference(domains []collect.Domain) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, referenceHead, collect.DefaultMaxSeries)
	shared := map[string]string{} // flags of more than one collector, and the first
	for _, d := range domains {
		for _, s := range d.Specs {
			timeout := s.Timeout
			if timeout == 0 {
				timeout = collect.DefaultTimeout
			}
			fmt.Fprintf(&b, "\n  # %s\n  %s:\n    enabled: %v\n    timeout: %s\n", s.Help, s.Name, !s.DisabledByDefault, yamltext.Duration(timeout))
			for _, f := range s.Build.Fields() {
				flag := f.FlagName(s.Name)
				switch first := shared[flag]; {
				case f.Hidden:
				case first != "":
					fmt.Fprintf(&b, "    # %s: see %s, which sets it for both.\n", f.Name, first)
				default:
					shared[flag] = s.Name
					fmt.Fprintf(&b, "    # %s\n    %s: %s\n", f.Help, f.Name, collect.YAML(f.Value))
				}
			}
		}
	}
	return b.Bytes()
}
