package health

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/document"
	"github.com/hostexporter/host_exporter/collector/internal/expect"
	"github.com/hostexporter/host_exporter/collector/internal/yamltext"
	"github.com/hostexporter/host_exporter/docs"
)

// A Config is the section "health" of a configuration: the rules that ship with
// the exporter, with what files change and add.
type Config struct {
	Metrics bool // export host_exporter_health
	rules   []*Rule

	once    sync.Once
	enabled *Rules
}

// NewConfig returns the rules that ship with the exporter.
func NewConfig() (*Config, error) {
	c := &Config{}
	d := document.Parse("docs/health.yml", docs.Health)
	d.Root().Fields(document.Fields{"health": c.Read})
	if f := d.Findings(); len(f) > 0 {
		return nil, f
	}
	return c, nil
}

// Rules returns the enabled rules. Read must not be called afterwards.
func (c *Config) Rules() *Rules {
	c.once.Do(func() { c.enabled = newRules(c.rules) })
	return c.enabled
}

// Read reads a section of a file. Errors are findings of the document.
func (c *Config) Read(node document.Node) {
	node.Each(func(name string, entry document.Node) {
		if name == "metrics" {
			entry.Into((*collect.Bool)(&c.Metrics))
			return
		}
		c.readRule(name, entry)
	})
	for _, r := range c.rules {
		for _, hidden := range r.Hides {
			if !c.has(hidden) {
				node.Failf("%s: hides: unknown rule %q%s", r.Name, hidden, document.Public(nearest(hidden, c.names())))
			}
		}
	}
}

// List returns all rules, those that are disabled included.
func (c *Config) List() []*Rule { return c.rules }

func (c *Config) has(name string) bool { return c.index(name) >= 0 }

func (c *Config) index(name string) int {
	return slices.IndexFunc(c.rules, func(r *Rule) bool { return r.Name == name })
}

func (c *Config) names() []string {
	var all []string
	for _, r := range c.rules {
		all = append(all, r.Name)
	}
	return all
}

// readRule reads the value of a rule's key: a boolean, or a mapping. The keys of
// the mapping replace those of a rule that exists.
func (c *Config) readRule(name string, entry document.Node) {
	rule, at := Rule{Name: name, Enabled: true, Severity: Warning}, c.index(name)
	if at >= 0 {
		rule = *c.rules[at]
	}
	expression := entry
	if !entry.Empty() && entry.IsScalar() {
		if at < 0 {
			entry.Failf("unknown rule %q%s", name, document.Public(document.Suggest(name, c.names())))
			return
		}
		entry.Into((*collect.Bool)(&rule.Enabled))
	} else {
		text := func(s *string) func(document.Node) {
			return func(n document.Node) {
				*s = strings.TrimSpace(n.Text())
				if err := checkPlaceholders(*s); err != nil {
					n.Failf("%s: %v", name, err)
				}
			}
		}
		list := func(s *[]string) func(document.Node) {
			return func(n document.Node) {
				*s = nil
				document.ToTexts(s)(n)
			}
		}
		entry.Fields(document.Fields{
			"enabled":   document.To((*collect.Bool)(&rule.Enabled)),
			"severity":  document.To(document.ValueFunc(rule.setSeverity)),
			"expect":    func(n document.Node) { expression, rule.Expression = n, strings.TrimSpace(n.Text()) },
			"threshold": document.To(document.ValueFunc(rule.setThreshold)),
			"problem":   text(&rule.Problem),
			"action":    text(&rule.Action),
			"docs":      document.ToText(&rule.Docs),
			"ignore":    list(&rule.Ignore),
			"hides":     list(&rule.Hides),
		})
		if at < 0 && rule.Expression == "" {
			entry.Failf("unknown rule %q%s; a new rule needs expect: and an expression", name, document.Public(nearest(name, c.names())))
			return
		}
	}
	if err := rule.compile(); err != nil {
		expression.Failf("%s: %v", name, err)
		return
	}
	if at >= 0 {
		c.rules[at] = &rule
	} else {
		c.rules = append(c.rules, &rule)
	}
}

// nearest returns a hint at the known name that was probably meant, or "".
func nearest(name string, known []string) string {
	if hint := document.Suggest(name, known); strings.HasSuffix(hint, "?") {
		return hint
	}
	return ""
}

func (r *Rule) setSeverity(text string) error {
	i := slices.Index(severityNames[:], text)
	if i < 0 {
		return fmt.Errorf("want critical, warning or info, have %q", text)
	}
	r.Severity = Severity(i)
	return nil
}

func (r *Rule) setThreshold(text string) error {
	if _, err := strconv.ParseFloat(text, 64); err != nil {
		return fmt.Errorf("want a number, have %q", text)
	}
	r.Threshold = text
	return nil
}

// threshold is the placeholder of a rule's threshold in its expression.
const threshold = "$threshold"

// compile parses the expression of a rule, and what it ignores.
func (r *Rule) compile() error {
	expression := r.Expression
	has := strings.Contains(expression, threshold)
	switch {
	case has && r.Threshold == "":
		return fmt.Errorf("want threshold: and a number for %s", threshold)
	case !has && r.Threshold != "":
		return fmt.Errorf("the expression has no %s", threshold)
	}
	var err error
	if r.expectation, err = expect.New(r.Name, strings.ReplaceAll(expression, threshold, r.Threshold)); err != nil {
		return err
	}
	r.expectation.Optional = true
	for _, matchers := range r.Ignore {
		if err := r.expectation.Ignore(matchers); err != nil {
			return fmt.Errorf("ignore: %q: %w", matchers, err)
		}
	}
	return nil
}

// AppendYAML appends the section as a part of a configuration file, with every
// rule and all of its keys. The metric may be enabled by a flag, too.
func (c *Config) AppendYAML(b []byte, metrics bool) []byte {
	out := bytes.NewBuffer(b)
	fmt.Fprintf(out, "health:\n  metrics: %t\n", c.Metrics || metrics)
	for _, r := range c.rules {
		fmt.Fprintf(out, "  %s:\n    enabled: %t\n    severity: %s\n", yamltext.String(r.Name), r.Enabled, r.Severity)
		if r.Threshold != "" {
			fmt.Fprintf(out, "    threshold: %s\n", r.Threshold)
		}
		for _, key := range []struct{ name, text string }{{"expect", r.Expression}, {"problem", r.Problem}, {"action", r.Action}, {"docs", r.Docs}} {
			if key.text != "" {
				fmt.Fprintf(out, "    %s: %s\n", key.name, yamltext.String(key.text))
			}
		}
		for _, key := range []struct {
			name string
			list []string
		}{{"ignore", r.Ignore}, {"hides", r.Hides}} {
			if len(key.list) > 0 {
				fmt.Fprintf(out, "    %s: %s\n", key.name, yamltext.Strings(key.list))
			}
		}
	}
	return out.Bytes()
}
