package checks

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"

	"github.com/hostexporter/host_exporter/collector/checks/internal/command"
	"github.com/hostexporter/host_exporter/collector/internal/document"
)

const (
	packDir      = "../../docs/checks"
	packRecorded = "../../testdata/checks/pack"
)

// readConfig reads a fragment of a configuration file, which must have checks only, and
// no findings or warnings.
func readConfig(t *testing.T, path, text string) (all []Definition) {
	t.Helper()
	doc := document.Parse(path, []byte(text))
	doc.Root().Fields(document.Fields{"checks": func(n document.Node) { all = ReadDefinitions(n) }})
	if f := doc.Findings(); len(f) > 0 {
		t.Fatal(f)
	}
	if len(all) == 0 {
		t.Fatalf("%s: no checks", path)
	}
	for _, d := range all {
		if w := d.Warnings(); len(w) > 0 {
			t.Errorf("%s: %v", path, w)
		}
	}
	return all
}

func packFiles(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob(packDir + "/*.yml")
	if err != nil || len(files) < 15 {
		t.Fatalf("%d files: %v", len(files), err)
	}
	return files
}

func readFile(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestPack parses recorded outputs of the tool of each ready check: of a healthy host,
// and of others.
func TestPack(t *testing.T) {
	seen := map[string]bool{}
	for _, file := range packFiles(t) {
		for _, d := range readConfig(t, file, readFile(t, file)) {
			if seen[d.Name] {
				t.Errorf("%s: %s is also in another file", file, d.Name)
			}
			seen[d.Name] = true
			t.Run(d.Name, func(t *testing.T) { testRecorded(t, d) })
		}
	}
	dirs, err := os.ReadDir(packRecorded)
	if err != nil {
		t.Fatal(err)
	}
	for _, dir := range dirs {
		if dir.IsDir() && !seen[dir.Name()] && dir.Name() != "scripts" {
			t.Errorf("%s/%s: want the name of a check", packRecorded, dir.Name())
		}
	}
}

// testRecorded compares the families of each recorded run with its golden file.
func testRecorded(t *testing.T, d Definition) {
	recorded, err := filepath.Glob(filepath.Join(packRecorded, d.Name, "*.out"))
	if err != nil {
		t.Fatal(err)
	}
	if len(recorded) < 2 {
		t.Errorf("%d recorded runs, want one of a healthy host and another one", len(recorded))
	}
	published := map[string]bool{}
	for _, path := range recorded {
		r := readRecorded(t, path)
		report := parseRecorded(t, d, r)
		text := text(t, report)
		lintPack(t, path, text)
		for _, f := range report.Families {
			published[f.GetName()] = true
		}
		want := readFile(t, strings.TrimSuffix(path, ".out")+".prom")
		if have := failureComments(report) + withoutHelp(text); have != want {
			t.Errorf("%s: have\n%swant\n%s%v", path, have, want, report.Problems)
		}
	}
	for _, m := range d.Output.Metrics {
		if !published[m.Name] || m.Help == "" {
			t.Errorf("%s: want a help text, and a recorded run with it", m.Name)
		}
	}
}

// A recordedRun is the output and the exit code of a tool.
type recordedRun struct {
	stdout string
	exit   int
}

// readRecorded reads a recorded run: comments with its origin and, if it is not 0, the
// exit code; then the output.
func readRecorded(t *testing.T, path string) (r recordedRun) {
	t.Helper()
	r.stdout = readFile(t, path)
	origin := false
	for strings.HasPrefix(r.stdout, "# ") {
		line, rest, _ := strings.Cut(r.stdout, "\n")
		_, _ = fmt.Sscanf(line, "# exit %d", &r.exit) // most lines are not
		origin = origin || strings.HasPrefix(line, "# Recorded") || strings.HasPrefix(line, "# Written from knowledge")
		r.stdout = rest
	}
	if !origin {
		t.Errorf("%s: want a comment # Recorded or # Written from knowledge", path)
	}
	return r
}

// parseRecorded returns the outcome of a recorded run.
func parseRecorded(t *testing.T, d Definition, r recordedRun) Report {
	t.Helper()
	result := command.Result{ExitCode: r.exit}
	if r.exit != 0 {
		result.Reason, result.Err = command.Exit, errors.New("exit")
	}
	return outcomeOf(d, result, r.stdout)
}

// failureComments returns how a run failed and what was dropped, as comments.
func failureComments(r Report) (comments string) {
	if r.Reason != "" {
		comments = fmt.Sprintf("# failed: %s\n", r.Reason)
	}
	for _, c := range r.Drops {
		comments += fmt.Sprintf("# left out: %s %d\n", c.Reason, c.N)
	}
	return comments
}

func lintPack(t *testing.T, path, text string) {
	t.Helper()
	problems, err := promlint.New(strings.NewReader(text)).Lint()
	if err != nil {
		t.Errorf("%s: %v", path, err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s: %s", path, p.Metric, p.Text)
	}
}

// TestPackComments checks that the comments of each file have the sections Needs,
// Series and Alert, with rules on families of the file.
func TestPackComments(t *testing.T) {
	index := readFile(t, packDir+"/README.md")
	for _, file := range packFiles(t) {
		text := readFile(t, file)
		var names []string
		for _, d := range readConfig(t, file, text) {
			for _, m := range d.Output.Metrics {
				names = append(names, m.Name)
			}
			if d.Description == "" {
				t.Errorf("%s: %s has no description", file, d.Name)
			}
		}
		for _, want := range []string{"\n# Needs: ", "\n# Series: ", "\n# Alert:\n"} {
			if !strings.Contains(text, want) {
				t.Errorf("%s: want a comment %q", file, strings.TrimSpace(want))
			}
		}
		for _, rule := range rulesOf(t, file, text) {
			for _, name := range familiesOf(rule.Expr) {
				if !slices.Contains(names, name) {
					t.Errorf("%s: rule %s: want a family of the file, have %s", file, rule.Alert, name)
				}
			}
		}
		if base := filepath.Base(file); !strings.Contains(index, "["+base+"]("+base+")") {
			t.Errorf("%s/README.md: want %s in the list", packDir, base)
		}
	}
}

// A rule is an alerting rule in the comments of a file.
type rule struct {
	Alert string `yaml:"alert"`
	Expr  string `yaml:"expr"`
	For   string `yaml:"for,omitempty"`
}

// rulesOf returns the alerting rules in the comments of a file, at least one.
func rulesOf(t *testing.T, file, text string) (rules []rule) {
	t.Helper()
	_, comment, _ := strings.Cut(text, "\n# Alert:\n")
	comment, _, _ = strings.Cut(comment, "\nchecks:\n")
	list := regexp.MustCompile(`(?m)^#`).ReplaceAllString(comment, "")
	if err := yaml.UnmarshalWithOptions([]byte(list), &rules, yaml.Strict()); err != nil {
		t.Errorf("%s: rules: %v", file, err)
	}
	if len(rules) == 0 {
		t.Errorf("%s: want an alerting rule, have none", file)
	}
	for _, r := range rules {
		if r.Alert == "" || len(familiesOf(r.Expr)) == 0 {
			t.Errorf("%s: rule %q: want a name and a family", file, r.Alert)
		}
	}
	return rules
}

// TestPackRulesOnThisHost checks the rules with promtool, where it is installed.
func TestPackRulesOnThisHost(t *testing.T) {
	needPrograms(t, "promtool")
	type group struct {
		Name  string `yaml:"name"`
		Rules []rule `yaml:"rules"`
	}
	var all struct {
		Groups []group `yaml:"groups"`
	}
	for _, file := range packFiles(t) {
		all.Groups = append(all.Groups, group{filepath.Base(file), rulesOf(t, file, readFile(t, file))})
	}
	text, err := yaml.Marshal(all)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "rules.yml")
	writeFile(t, path, string(text), 0o644)
	if out, err := exec.Command("promtool", "check", "rules", path).CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// familiesOf returns the families in an expression: the words with an underscore that
// are outside of braces.
func familiesOf(rule string) []string {
	rule = regexp.MustCompile(`\{[^}]*\}`).ReplaceAllString(rule, "")
	return regexp.MustCompile(`[a-z0-9]+_[a-z0-9_]+`).FindAllString(rule, -1)
}

// TestPackWords checks that ready checks list the words of which they make numbers. A
// comparison with one word makes the opposite of all words that it does not know.
func TestPackWords(t *testing.T) {
	comparison := regexp.MustCompile(`[=!]= *"|test\(|startswith|contains|inside|index\(`)
	alternatives := regexp.MustCompile(`\(\?P<value>[^()]*\|`)
	selected := regexp.MustCompile(`select\([^()]*\)`)
	exempt := map[string]string{
		"smartmon_device_active": "a message, which is there or not",
	}
	for _, file := range packFiles(t) {
		enums := map[string]bool{}
		for _, d := range readConfig(t, file, readFile(t, file)) {
			for _, m := range d.Output.Metrics {
				switch value := selected.ReplaceAllString(m.Value, ""); {
				case m.Enum == nil && comparison.MatchString(value) && exempt[m.Name] == "":
					t.Errorf("%s: %s: want an enum, have %s", file, m.Name, m.Value)
				case m.Enum != nil && alternatives.MatchString(m.Pattern):
					t.Errorf("%s: %s: want a pattern that matches unknown words, so that they are counted, have %s", file, m.Name, m.Pattern)
				case m.Enum != nil && m.Pattern != "" && enums[m.Name]:
					t.Errorf("%s: %s: want one pattern with all words, have several", file, m.Name)
				}
				enums[m.Name] = m.Enum != nil
			}
		}
	}
}
