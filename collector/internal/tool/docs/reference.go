package main

import (
	"bytes"
	"fmt"

	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/config"
)

// referenceHead explains the file, and what is not an option of a collector.
const referenceHead = `# Every option of every collector, with its default value. This file is valid as
# it is and changes nothing: copy what you want to change.
# Generated from the collectors' data sheets by ` + "`go generate ./collector`" + `. Do not edit.
#
#   host_exporter --config.file=/etc/host_exporter/host_exporter.yml
#   host_exporter check-config /etc/host_exporter/host_exporter.yml
#
# A flag that is given goes before this file, and this file before the defaults.
# docs/config.md has the whole story.

# Files or patterns, relative to this file, so that packages can drop files in.
# What they say may be said in one file only, and they cannot include others.
include: [conf.d/*.yml]

# Run only the collectors that are enabled by a flag or below.
disable-defaults: false

# What this host is to have, by names of yours; docs/expectations.md has examples.
expect: {}

# Beside its own options, each collector has
#   enabled:  true or false. NAME: false is short for NAME: {enabled: false}.
#   timeout:  how long it may take; its samples are missing when it takes longer.
#   interval: how old what it has read may be when it is served again, such as 1m.
#             Without it every scrape reads.
collectors:
`

// reference returns the configuration file that says what is so anyway.
func reference(domains []collect.Domain) []byte {
	var b bytes.Buffer
	b.WriteString(referenceHead)
	shared := map[string]string{} // flags of more than one collector, and the first
	for _, d := range domains {
		for _, s := range d.Specs {
			timeout := s.Timeout
			if timeout == 0 {
				timeout = collect.DefaultTimeout
			}
			fmt.Fprintf(&b, "\n  # %s\n  %s:\n    enabled: %v\n    timeout: %s\n", s.Help, s.Name, !s.DisabledByDefault, config.FormatDuration(timeout))
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
