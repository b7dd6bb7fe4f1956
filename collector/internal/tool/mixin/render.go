package mixin

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
)

// partsFile has the groups of the rules that are written in YAML, for jsonnet, whose
// reader of YAML is incomplete.
const partsFile = "parts.json"

// rendered has the expression of each file that is rendered from jsonnet, and where it
// says that it comes from.
var rendered = []struct{ file, source, expr string }{
	{"host-alerts.yml", "host-alerts.libsonnet", `(import "host-alerts.libsonnet")((import "config.libsonnet")._config)`},
	{"host-rules.yml", "host-rules.libsonnet", `(import "host-rules.libsonnet")((import "config.libsonnet")._config)`},
	{"all.yml", "mixin.libsonnet", `(import "mixin.libsonnet").prometheusAll`},
}

// Render writes the files of a mixin's folder that are generated. It passes each with its
// content to write, in the order in which they depend on each other. It runs the program
// jsonnet.
func Render(dir string, write func(file string, content []byte) error) error {
	parts, err := renderParts(dir)
	if err == nil {
		err = write(filepath.Join(dir, partsFile), parts)
	}
	for _, r := range rendered {
		if err != nil {
			return err
		}
		var content []byte
		if content, err = renderRules(dir, r.source, r.expr); err != nil {
			return fmt.Errorf("%s: %w", r.file, err)
		}
		err = write(filepath.Join(dir, r.file), content)
	}
	return err
}

// renderParts returns the groups of all files of rules that are not rendered.
func renderParts(dir string) ([]byte, error) {
	files, err := RuleFiles(dir)
	if err != nil {
		return nil, err
	}
	var groups []any
	for _, file := range files {
		if isRendered(file) {
			continue
		}
		var content struct{ Groups []any }
		if err := load(file, &content); err != nil {
			return nil, err
		}
		groups = append(groups, content.Groups...)
	}
	b, err := json.MarshalIndent(groups, "", " ")
	return append(b, '\n'), err
}

func isRendered(file string) bool {
	return slices.ContainsFunc(rendered, func(r struct{ file, source, expr string }) bool { return r.file == filepath.Base(file) })
}

// renderRules evaluates an expression of jsonnet in dir and returns its value as a file
// of rules.
func renderRules(dir, source, expr string) ([]byte, error) {
	command := exec.Command("jsonnet", "-e", expr)
	command.Dir = dir
	out, err := command.Output()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return nil, fmt.Errorf("jsonnet: %s", bytes.TrimSpace(exit.Stderr))
	}
	if err != nil {
		return nil, err
	}
	var content struct {
		Groups []struct {
			Name  string          `yaml:"name"`
			Rules []yaml.MapSlice `yaml:"rules"`
		} `yaml:"groups"`
	}
	if err := yaml.UnmarshalWithOptions(out, &content, yaml.UseOrderedMap()); err != nil {
		return nil, err
	}
	for _, g := range content.Groups {
		for _, r := range g.Rules {
			slices.SortStableFunc(r, func(a, b yaml.MapItem) int { return position(a) - position(b) })
		}
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "# Rendered from %s by collector/internal/tool/rendermixin: edit that.\n", source)
	encoder := yaml.NewEncoder(&b, yaml.UseLiteralStyleIfMultiline(true), yaml.IndentSequence(true))
	if err := encoder.Encode(content); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// position orders the keys of a rule as people read them.
func position(item yaml.MapItem) int {
	key, _ := item.Key.(string)
	return strings.Index("record alert expr for labels annotations", key)
}
