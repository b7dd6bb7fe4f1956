// Package docs writes the reference pages from the data sheets of the
// collectors, so that no page can say what the code does not.
package main

import (
	"bytes"
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/go-kit/log"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/host"
)

// A family is what a page says of a metric family.
type family struct {
	name, typ, help, labels, collector string
	sample                             string
}

// generate returns the pages by file name. Golden files below testdata show
// families whose names the kernel makes up, and samples.
func generate(domains []collect.Domain, testdata string) (map[string][]byte, error) {
	var families []family
	samples := map[string]string{} // by collector
	for _, d := range domains {
		for _, spec := range d.Specs {
			golden, err := goldenFamilies(filepath.Join(testdata, d.Name), spec.Name)
			if err != nil {
				return nil, err
			}
			declared, err := declaredFamilies(spec)
			if err != nil {
				return nil, err
			}
			for _, f := range declared {
				if i := slices.IndexFunc(golden, func(g family) bool { return g.name == f.name }); i >= 0 {
					f.sample = golden[i].sample
					golden = slices.Delete(golden, i, i+1)
				}
				families = append(families, f)
			}
			families = append(families, golden...)
			for _, f := range families {
				if f.collector == spec.Name && f.sample != "" && samples[spec.Name] == "" {
					samples[spec.Name] = f.sample
				}
			}
		}
	}
	slices.SortStableFunc(families, func(a, b family) int { return cmp.Compare(a.name, b.name) })
	return map[string][]byte{
		"collectors.md":     collectors(domains, samples),
		"metrics.md":        metrics(families),
		"permissions.md":    permissions(domains),
		"host_exporter.yml": reference(domains),
	}, nil
}

const notice = "<!-- Generated from the collectors' data sheets by `go generate ./collector`. Do not edit. -->\n\n"

func collectors(domains []collect.Domain, samples map[string]string) []byte {
	var b bytes.Buffer
	b.WriteString(notice + "# Collectors\n\nEach is switched with `--collector.NAME` and `--no-collector.NAME`.\n\n| collector | domain | default | what it tells |\n|---|---|---|---|\n")
	for _, d := range domains {
		for _, s := range d.Specs {
			fmt.Fprintf(&b, "| [%s](#%s) | %s | %s | %s |\n", s.Name, s.Name, d.Name, state(s), cell(s.Help))
		}
	}
	for _, d := range domains {
		for _, s := range d.Specs {
			fmt.Fprintf(&b, "\n## %s\n\n%s Domain %s, %s by default.\n", s.Name, s.Help, d.Name, state(s))
			if s.Timeout > 0 {
				fmt.Fprintf(&b, "\nIt may take %v.\n", s.Timeout)
			}
			list(&b, "Reads", s.Reads)
			list(&b, "Reads if an option says so", s.OptionalReads)
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
			if sample := samples[s.Name]; sample != "" {
				fmt.Fprintf(&b, "\n    %s\n", sample)
			}
		}
	}
	return b.Bytes()
}

// list writes files that a collector reads, if there are any.
func list(b *bytes.Buffer, title string, paths []string) {
	if len(paths) == 0 {
		return
	}
	fmt.Fprintf(b, "\n%s\n\n", title)
	for _, p := range paths {
		fmt.Fprintf(b, "- `%s`\n", p)
	}
}

func metrics(families []family) []byte {
	var b bytes.Buffer
	b.WriteString(notice + "# Metrics\n\nThe families of all collectors. Where the kernel or a driver makes up part of a name, those that the recorded hosts have stand for all.\n\n| family | type | labels | collector | help |\n|---|---|---|---|---|\n")
	for _, f := range families {
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s | %s |\n", f.name, f.typ, cell(f.labels), f.collector, cell(f.help))
	}
	return b.Bytes()
}

func permissions(domains []collect.Domain) []byte {
	var b bytes.Buffer
	b.WriteString(notice + "# Permissions\n\nhost_exporter is made to run as an ordinary user. These collectors can read all or part of what they look for only with more:\n\n| collector | needs |\n|---|---|\n")
	for _, d := range domains {
		for _, s := range d.Specs {
			if s.Needs != "" {
				fmt.Fprintf(&b, "| [%s](collectors.md#%s) | %s |\n", s.Name, s.Name, cell(s.Needs))
			}
		}
	}
	b.WriteString("\n## What is read\n\nFor a sandbox: every path, with the collectors that read it. Paths below /proc, /sys and /run/udev/data move with `--path.*`.\n\n")
	readers := map[string][]string{}
	for _, d := range domains {
		for _, s := range d.Specs {
			for _, r := range s.Reads {
				readers[r] = append(readers[r], s.Name)
			}
			for _, r := range s.OptionalReads {
				readers[r] = append(readers[r], s.Name+" if an option says so")
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

func state(s collect.Spec) string {
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

// declaredFamilies builds a collector on a host without files, which its
// constructor does not read.
func declaredFamilies(spec collect.Spec) ([]family, error) {
	u, err := collect.NewUnit(spec, host.Live(host.Paths{}), log.NewNopLogger(), func(string) bool { return false }, nil)
	if err != nil {
		return nil, err
	}
	var all []family
	for _, f := range u.Set().Families() {
		all = append(all, family{name: f.Name(), typ: f.Type(), help: f.Help(), labels: strings.Join(f.Labels(), ", "), collector: spec.Name})
	}
	return all, nil
}

// goldenFamilies returns the families in a collector's golden files.
func goldenFamilies(dir, collector string) ([]family, error) {
	files, err := filepath.Glob(filepath.Join(dir, collector+"*.prom"))
	if err != nil {
		return nil, err
	}
	slices.Sort(files)
	var all []family
	seen := map[string]bool{}
	for _, file := range files {
		if base, _, _ := strings.Cut(strings.TrimSuffix(filepath.Base(file), ".prom"), "."); strings.TrimRight(base, "@0123456789") != strings.TrimRight(collector, "@0123456789") {
			continue
		}
		b, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		p := expfmt.NewTextParser(model.LegacyValidation)
		parsed, err := p.TextToMetricFamilies(bytes.NewReader(b))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		for _, name := range names(b) {
			f := parsed[name]
			if f == nil || seen[name] {
				continue
			}
			seen[name] = true
			var labels []string
			for _, l := range f.GetMetric()[0].GetLabel() {
				labels = append(labels, l.GetName())
			}
			all = append(all, family{
				name: name, typ: strings.ToLower(f.GetType().String()), help: f.GetHelp(),
				labels: strings.Join(labels, ", "), collector: collector, sample: sample(f),
			})
		}
	}
	return all, nil
}

// names returns the families of an exposition in their order.
func names(b []byte) []string {
	var all []string
	for line := range strings.Lines(string(b)) {
		if rest, ok := strings.CutPrefix(line, "# TYPE "); ok {
			name, _, _ := strings.Cut(rest, " ")
			all = append(all, name)
		}
	}
	return all
}

func sample(f *dto.MetricFamily) string {
	var b bytes.Buffer
	one := &dto.MetricFamily{Name: f.Name, Help: f.Help, Type: f.Type, Metric: f.GetMetric()[:1]}
	if _, err := expfmt.MetricFamilyToText(&b, one); err != nil {
		return ""
	}
	lines := strings.Split(strings.TrimSpace(b.String()), "\n")
	return lines[len(lines)-1]
}
