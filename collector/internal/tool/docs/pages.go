package main

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
)

const notice = "<!-- Generated from the collectors' data sheets by `go generate ./collector`. Do not edit. -->\n\n"

func collectorsIndex(domains []domain) []byte {
	var b bytes.Buffer
	b.WriteString(notice + `# Collectors

For operators who choose what a host exports. Follow a collector to its flags, the
files that it reads and the privileges that it needs; [metrics.md](metrics.md)
has its metrics.

` + "Enable a collector with `--collector.NAME`, disable it with `--no-collector.NAME`, or\nset both in the [configuration file](config.md).\n" + `
| domain | collector | default | what it exports |
|---|---|---|---|
`)
	for _, d := range domains {
		for _, s := range d.sheets {
			fmt.Fprintf(&b, "| %s | [%s](collectors/%s.md#%s) | %s | %s |\n", d.name, s.Name, d.name, s.Name, s.state(), cell(s.Help))
		}
	}
	return b.Bytes()
}

func collectors(d domain) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, notice+`# Collectors: %s

For operators who configure these collectors: flags with their defaults, files,
privileges. [metrics/%s.md](../metrics/%s.md) has the metrics, [collectors.md](../collectors.md) the other domains.
`, d.name, d.name, d.name)
	for _, s := range d.sheets {
		fmt.Fprintf(&b, "\n## %s\n\n%s %s by default.\n", s.Name, s.Help, strings.ToUpper(s.state()[:1])+s.state()[1:])
		if s.Timeout > 0 {
			fmt.Fprintf(&b, "\nTimeout: %v.\n", s.Timeout)
		}
		if s.Needs != "" {
			fmt.Fprintf(&b, "\nNeeds: %s\n", s.Needs)
		}
		if fields := s.Build.Fields(); len(fields) > 0 {
			b.WriteString("\n| flag | default | meaning |\n|---|---|---|\n")
			for _, f := range fields {
				if !f.Hidden {
					fmt.Fprintf(&b, "| `--%s` | %s | %s |\n", f.FlagName(s.Name), code(f.Value.String()), cell(f.Help))
				}
			}
		}
		list(&b, "Reads:", s.Reads)
		list(&b, "Reads if a flag enables it:", s.OptionalReads)
		if sample := s.sample(); sample != "" {
			fmt.Fprintf(&b, "\nExample:\n\n    %s\n", sample)
		}
	}
	return b.Bytes()
}

// list writes the files that a collector reads, if there are any.
func list(b *bytes.Buffer, title string, paths []string) {
	if len(paths) == 0 {
		return
	}
	fmt.Fprintf(b, "\n%s\n\n", title)
	for _, p := range paths {
		fmt.Fprintf(b, "- `%s`\n", p)
	}
}

func metricsIndex(domains []domain) []byte {
	var b bytes.Buffer
	b.WriteString(notice + `# Metrics

For those who write queries, dashboards and alerts. Find the collector by the name
of the metric; its page lists all families with type, labels and help text.
Where the kernel or a driver forms part of a name, the page has the names that
the recorded hosts of the tests have.

The metrics about the exporter itself are in [operations.md](operations.md#metrics), those
of expectations in [expectations.md](expectations.md#metrics).

| domain | collector | families | names begin with |
|---|---|---|---|
`)
	for _, d := range domains {
		for _, s := range d.sheets {
			fmt.Fprintf(&b, "| [%s](metrics/%s.md) | [%s](metrics/%s.md#%s) | %d | `%s` |\n",
				d.name, d.name, s.Name, d.name, s.Name, len(s.families), strings.Join(prefixes(s.families), "` `"))
		}
	}
	return b.Bytes()
}

// prefixes returns what the names of families begin with, of which each is the
// first two words, or three where the first two name the exporter.
func prefixes(families []family) []string {
	var all []string
	for _, f := range families {
		words := strings.SplitAfter(f.name, "_")
		n := 2
		if strings.HasPrefix(f.name, "host_exporter_") {
			n = 3
		}
		all = append(all, strings.Join(words[:min(n, len(words))], ""))
	}
	return slices.Compact(all)
}

func metrics(d domain) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, notice+`# Metrics: %s

For those who write queries, dashboards and alerts: every metric family of these
collectors. [metrics.md](../metrics.md) has the other domains.
`, d.name)
	for _, s := range d.sheets {
		fmt.Fprintf(&b, "\n## %s\n\nFlags and files: [%s](../collectors/%s.md#%s).\n\n| family | type | labels | help |\n|---|---|---|---|\n", s.Name, s.Name, d.name, s.Name)
		for _, f := range s.families {
			fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", f.name, f.typ, cell(f.labels), cell(f.help))
		}
	}
	return b.Bytes()
}

func permissions(domains []domain) []byte {
	var b bytes.Buffer
	b.WriteString(notice + `# Permissions

For operators who set up the service or a sandbox for it: which collectors need a
privilege, and every path that the exporter may read. ` + "`host_exporter doctor`" + ` names
what is missing on a host; [service.md](service.md#drop-ins) has drop-ins that grant it.

host_exporter runs as an ordinary user. These collectors need more to read
everything:

| collector | needs |
|---|---|
`)
	for _, d := range domains {
		for _, s := range d.sheets {
			if s.Needs != "" {
				fmt.Fprintf(&b, "| [%s](collectors/%s.md#%s) | %s |\n", s.Name, d.name, s.Name, cell(s.Needs))
			}
		}
	}
	b.WriteString("\n## Paths\n\nEach path with the collectors that read it; \"optional\" means only if a flag enables it.\n`--path.*` moves /proc, /sys, /run/udev/data and the root of the other paths.\n\n")
	readers := map[string][]string{}
	for _, d := range domains {
		for _, s := range d.sheets {
			for _, r := range s.Reads {
				readers[r] = append(readers[r], s.Name)
			}
			for _, r := range s.OptionalReads {
				readers[r] = append(readers[r], s.Name+" (optional)")
			}
		}
	}
	var paths []string
	for p := range readers {
		paths = append(paths, p)
	}
	slices.Sort(paths)
	for _, p := range paths {
		fmt.Fprintf(&b, "- `%s`: %s\n", p, strings.Join(readers[p], ", "))
	}
	return b.Bytes()
}

// state is whether a collector is on or off by default.
func (s sheet) state() string {
	if s.DisabledByDefault {
		return "off"
	}
	return "on"
}

// cell makes a text fit into a table.
func cell(s string) string { return strings.ReplaceAll(strings.ReplaceAll(s, "|", "\\|"), "\n", " ") }

func code(s string) string {
	if s == "" {
		return ""
	}
	return "`" + cell(s) + "`"
}
