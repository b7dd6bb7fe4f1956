// Package docs writes the reference pages from the data sheets of the
// collectors: what a page says is what the code does.
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

// A family is a metric family as a page shows it.
type family struct {
	name, typ, help, labels string
	sample                  string
}

// A sheet is a collector's data sheet with the families that it emits.
type sheet struct {
	collect.Spec
	families []family // by name
}

// sample returns a sample of the first family that has one.
func (s sheet) sample() string {
	for _, f := range s.families {
		if f.sample != "" {
			return f.sample
		}
	}
	return ""
}

// A domain is a group of collectors, which has one page of each kind.
type domain struct {
	name   string
	sheets []sheet
}

// generate returns the pages by file name below docs.
func generate(specs []collect.Domain, testdata string) (map[string][]byte, error) {
	domains, err := read(specs, testdata)
	if err != nil {
		return nil, err
	}
	pages := map[string][]byte{
		"collectors.md":            collectorsIndex(domains),
		"metrics.md":               metricsIndex(domains),
		"permissions.md":           permissions(domains),
		"kubernetes-collectors.md": kubernetes(domains),
		"host_exporter.yml":        reference(specs),
	}
	for _, d := range domains {
		pages["collectors/"+d.name+".md"] = collectors(d)
		pages["metrics/"+d.name+".md"] = metrics(d)
	}
	return pages, nil
}

// read returns the collectors with their families. Golden files below testdata
// have the samples, and the families whose names come from the kernel.
func read(specs []collect.Domain, testdata string) ([]domain, error) {
	var all []domain
	for _, d := range specs {
		group := domain{name: d.Name}
		for _, spec := range d.Specs {
			recorded, err := goldenFamilies(filepath.Join(testdata, d.Name), spec.Name)
			if err != nil {
				return nil, err
			}
			families, err := declaredFamilies(spec)
			if err != nil {
				return nil, err
			}
			for i, f := range families {
				if j := slices.IndexFunc(recorded, func(r family) bool { return r.name == f.name }); j >= 0 {
					families[i].sample = recorded[j].sample
					recorded = slices.Delete(recorded, j, j+1)
				}
			}
			if d.Name != "checks" { // whose other families are external: the fixtures made them up
				families = append(families, recorded...)
			}
			slices.SortStableFunc(families, func(a, b family) int { return cmp.Compare(a.name, b.name) })
			group.sheets = append(group.sheets, sheet{spec, families})
		}
		all = append(all, group)
	}
	return all, nil
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
		all = append(all, family{name: f.Name(), typ: f.Type(), help: f.Help(), labels: strings.Join(f.Labels(), ", ")})
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
				labels: strings.Join(labels, ", "), sample: sample(f),
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
