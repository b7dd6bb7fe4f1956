package health

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/hostexporter/host_exporter/docs"
)

const docsDir = "../../../docs/"

func page(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(docsDir + name)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// An alert is an alert of docs/mixin.
type alert struct{ name, severity, expression string }

// alerts returns the alerts by page and section of their runbook.
func alerts(t *testing.T) map[string][]alert {
	t.Helper()
	files, err := filepath.Glob(docsDir + "mixin/*-alerts.yml")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	all := map[string][]alert{}
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var rules struct {
			Groups []struct {
				Rules []struct {
					Alert, Expr         string
					Labels, Annotations map[string]string
				}
			}
		}
		if err := yaml.Unmarshal(b, &rules); err != nil {
			t.Fatal(err)
		}
		for _, g := range rules.Groups {
			for _, r := range g.Rules {
				runbook := strings.TrimPrefix(r.Annotations["runbook_url"], docs.URL)
				all[runbook] = append(all[runbook], alert{r.Alert, r.Labels["severity"], r.Expr})
			}
		}
	}
	return all
}

// otherSeverity are the rules with another severity than the alert that they link
// to, and why.
var otherSeverity = map[string]string{
	"fc-port-down":    "the alert knows that the port was online",
	"btrfs-errors":    "the alert knows that the errors are new",
	"bcachefs-device": "the alert is about errors",
	"memory-low":      "the alert knows that programs wait for memory",
	"bond-down":       "the alert is about bonds that still work, too",
}

// TestAlerts compares the rules with the alerts: what is bad for one must be for the
// other.
func TestAlerts(t *testing.T) {
	all := alerts(t)
	for _, r := range shipped(t).rules {
		linked := all[r.Docs]
		if len(linked) == 0 {
			if !strings.HasPrefix(r.Docs, "health.md#") {
				t.Errorf("%s links to %s, which is of no alert", r.Name, r.Docs)
			}
			continue
		}
		if !slices.ContainsFunc(linked, func(a alert) bool { return a.severity == r.Severity.String() }) && otherSeverity[r.Name] == "" {
			t.Errorf("%s has severity %s, the alert %+v", r.Name, r.Severity, linked)
		}
	}
}

// TestPage checks that the page has every rule with its severity and its link,
// that all links lead to a section, and that the example is valid.
func TestPage(t *testing.T) {
	text := page(t, "health.md")
	c := shipped(t)
	for _, r := range c.rules {
		file, section, _ := strings.Cut(r.Docs, "#")
		link := r.Docs
		if file == "health.md" {
			link = "#" + section
		}
		row := regexp.MustCompile("(?m)^\\| `" + r.Name + "` \\| " + r.Severity.String() + " \\| [^|]+ \\| \\[" + regexp.QuoteMeta(file) + "\\]\\(" + regexp.QuoteMeta(link) + "\\) \\|$")
		if !row.MatchString(text) {
			t.Errorf("the page has no row for %s, %s, %s", r.Name, r.Severity, link)
		}
		if !regexp.MustCompile(`(?mi)^#+ ` + section + `$`).MatchString(page(t, file)) {
			t.Errorf("%s links to %s, which has no section %s", r.Name, file, section)
		}
		if r.Problem == "" || r.Action == "" || !strings.HasSuffix(r.Problem, ".") || !strings.HasSuffix(r.Action, ".") {
			t.Errorf("%s: want sentences for problem and action", r.Name)
		}
	}
	if n := strings.Count(text, "\n| `"); n < len(c.rules) {
		t.Errorf("%d rows for %d rules", n, len(c.rules))
	}
	example := regexp.MustCompile("(?s)```yaml\n(health:.*?)```").FindStringSubmatch(text)
	if example == nil {
		t.Fatal("the page has no example")
	}
	if _, err := read(t, example[1]); err != nil {
		t.Errorf("the example: %v", err)
	}
}

// TestNames checks that the families of the rules exist, and that placeholders are
// labels of them. Names of hwmon come from the kernel.
func TestNames(t *testing.T) {
	files, err := filepath.Glob(docsDir + "metrics/*.md")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	var reference strings.Builder
	for _, file := range append(files, docsDir+"operations.md", docsDir+"expectations.md") {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		reference.Write(b)
	}
	for _, r := range shipped(t).rules {
		var labels []string
		for _, name := range r.Families() {
			row := regexp.MustCompile("(?m)^\\| `" + name + "` \\|[^|]*\\|([^|]*)\\|").FindStringSubmatch(reference.String())
			short := regexp.MustCompile("(?m)^\\| `" + name + "(?:\\{([^}]*)\\})?` \\|").FindStringSubmatch(reference.String())
			switch {
			case row != nil:
				labels = append(labels, strings.Split(strings.ReplaceAll(row[1], " ", ""), ",")...)
			case short != nil:
				labels = append(labels, strings.Split(short[1], ",")...)
			case strings.HasPrefix(name, "node_hwmon_"):
				labels = append(labels, "chip", "sensor")
			default:
				t.Errorf("%s: unknown family %s", r.Name, name)
			}
		}
		for _, m := range regexp.MustCompile(`\{(\w+)\}`).FindAllStringSubmatch(r.Problem+r.Action, -1) {
			if !slices.Contains(append(labels, "value", "limit", "ratio"), m[1]) {
				t.Errorf("%s: no family has the label %s", r.Name, m[1])
			}
		}
	}
}
