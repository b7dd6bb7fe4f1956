// Package mixin reads the rules for Prometheus, their tests, the dashboards for
// Grafana and the queries of the documentation, for tests of their consistency.
package mixin

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
)

// allRules has all rules of a folder once more, for those who load one file.
const allRules = "all.yml"

// RuleFiles returns the files of rules in a folder.
func RuleFiles(dir string) ([]string, error) {
	files, err := filepath.Glob(filepath.Join(dir, "*.yml"))
	files = slices.DeleteFunc(files, func(file string) bool {
		return filepath.Base(file) == allRules || strings.HasSuffix(file, "-test.yml")
	})
	if err == nil && len(files) == 0 {
		err = fmt.Errorf("%s: no files of rules", dir)
	}
	return files, err
}

// TestFile returns the file with the tests of a file of rules.
func TestFile(rules string) string { return strings.TrimSuffix(rules, ".yml") + "-test.yml" }

// A Rule is an alerting or a recording rule.
type Rule struct {
	Alert       string            `yaml:"alert"`
	Record      string            `yaml:"record"`
	Expr        string            `yaml:"expr"`
	For         string            `yaml:"for"`
	Labels      map[string]string `yaml:"labels"`
	Annotations map[string]string `yaml:"annotations"`
}

// Rules reads all rules of a file.
func Rules(file string) ([]Rule, error) {
	var content struct {
		Groups []struct {
			Name  string `yaml:"name"`
			Rules []Rule `yaml:"rules"`
		} `yaml:"groups"`
	}
	if err := load(file, &content); err != nil {
		return nil, err
	}
	var all []Rule
	for _, g := range content.Groups {
		all = append(all, g.Rules...)
	}
	return all, nil
}

// A Test is a case of a file for promtool test rules.
type Test struct {
	Name   string `yaml:"name"`
	Series []struct {
		Series string `yaml:"series"`
		Values string `yaml:"values"`
	} `yaml:"input_series"`
	Alerts []struct {
		At       string `yaml:"eval_time"`
		Alert    string `yaml:"alertname"`
		Expected []struct {
			Labels map[string]string `yaml:"exp_labels"`
		} `yaml:"exp_alerts"`
	} `yaml:"alert_rule_test"`
	Queries []struct {
		Expr string `yaml:"expr"`
	} `yaml:"promql_expr_test"`
}

// Tests reads the cases of a file.
func Tests(file string) ([]Test, error) {
	var content struct {
		Tests []Test `yaml:"tests"`
	}
	err := load(file, &content)
	return content.Tests, err
}

func load(file string, into any) error {
	b, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	if err := yaml.Unmarshal(b, into); err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	return nil
}
