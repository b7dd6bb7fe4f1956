package exporter

import (
	"fmt"
	"os"
	"slices"

	"github.com/hostexporter/host_exporter/collector/checks"
	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/config"
	"github.com/hostexporter/host_exporter/collector/internal/document"
	"github.com/hostexporter/host_exporter/collector/internal/expect"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
)

// Check loads the configuration file as New does. The problems are what the file has in
// a valid form and the host cannot do: checks that cannot run, and expectations of
// families that no enabled collector declares.
func Check(c Config) (problems Findings, err error) {
	e, err := New(c)
	if err != nil {
		return nil, err
	}
	type expectation struct {
		*expect.Expectation
		node document.Node
	}
	var expectations []expectation
	declared := map[string]bool{}
	_, findings := config.Load(c.File, e.specs, map[string]config.Section{
		"checks": func(n document.Node) {
			definitions := checks.ReadDefinitions(n)
			problems = append(problems, checks.Problems(n, definitions, c.CheckUser, e.isDeclared)...)
			for _, d := range definitions {
				for _, name := range checks.Families(d) {
					declared[name] = true
				}
			}
		},
		"expect": func(n document.Node) {
			read := expect.Read(n, config.Names(e.specs))
			n.Each(func(name string, entry document.Node) {
				if i := slices.IndexFunc(read, func(x *expect.Expectation) bool { return x.Name == name }); i >= 0 {
					expectations = append(expectations, expectation{read[i], entry})
				}
			})
		},
		"health": func(document.Node) {}, // a rule whose metrics the host does not have says nothing
	})
	if len(findings) > 0 {
		return nil, findings
	}
	for _, x := range expectations {
		for _, name := range x.Families() {
			if declared[name] || e.engine.Families().Has(name) {
				continue
			}
			if text := e.undeclared(name); text != "" {
				problems = append(problems, x.node.At("expectation %s: %s", x.Name, text))
			}
		}
	}
	return problems, nil
}

// undeclared says why no enabled collector has a family. It returns "" if one of those
// that name their families only when they run may have it.
func (e *Exporter) undeclared(name string) string {
	var names []string
	dynamic := false
	for _, u := range e.units() {
		if u.Set().Has(name) {
			return ""
		}
		for _, f := range u.Set().Families() {
			names = append(names, f.Name())
		}
		dynamic = dynamic || u.Set().IsDynamic()
	}
	enabled := e.Names()
	for _, spec := range e.specs {
		if slices.Contains(enabled, spec.Name) {
			continue
		}
		if u, err := collect.NewUnit(spec, e.host, e.config.Log, e.isReserved, nil); err == nil && u.Set().Has(name) {
			return fmt.Sprintf("%s is of the collector %s, which is not enabled", name, spec.Name)
		}
	}
	if hint := document.Suggest(name, names); hint != "" || !dynamic || metric.ReservedPrefix(name) != "" {
		return fmt.Sprintf("no enabled collector declares %s%s", name, hint)
	}
	return ""
}

// Notes returns what an operator should know about a valid configuration file on this
// host, and that is no problem.
func Notes(c Config) ([]string, error) {
	e, err := New(c)
	if err != nil {
		return nil, err
	}
	if c.CheckUser == "" || checks.CanChangeUsers() || !slices.ContainsFunc(e.current.Load().checks, func(d checks.Definition) bool { return d.Enabled && d.User == "" }) {
		return nil, nil
	}
	return []string{fmt.Sprintf("for user %d, checks without user run as that user, and not as %s: it may not change users", os.Geteuid(), c.CheckUser)}, nil
}
