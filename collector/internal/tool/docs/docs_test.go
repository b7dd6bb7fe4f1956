package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/hostexporter/host_exporter/collector"
)

const root = "../../../../"

// TestDocsCurrent checks that the generated pages are those of the code, and
// that no page of a former domain is left.
func TestDocsCurrent(t *testing.T) {
	pages, err := generate(collector.Domains(), root+"testdata")
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range pages {
		have, err := os.ReadFile(root + "docs/" + name)
		if err != nil || string(have) != string(want) {
			t.Errorf("docs/%s is not current: run go generate ./collector (%v)", name, err)
		}
	}
	for _, dir := range []string{"collectors", "metrics"} {
		files, _ := filepath.Glob(root + "docs/" + dir + "/*.md") // the pattern is valid
		for _, file := range files {
			if name := dir + "/" + filepath.Base(file); pages[name] == nil {
				t.Errorf("docs/%s is of no domain: delete it", name)
			}
		}
	}
}

// TestLinks checks that every link between pages leads to a file, and to a
// heading of it.
func TestLinks(t *testing.T) {
	pages := []string{root + "README.md", root + "CONTRIBUTING.md", root + "CHANGELOG.md"}
	for _, pattern := range []string{"*.md", "*/*.md"} {
		files, _ := filepath.Glob(root + "docs/" + pattern) // the pattern is valid
		pages = append(pages, files...)
	}
	link := regexp.MustCompile(`\]\(([^)#:]*)(#[^)]*)?\)`) // without a scheme
	for _, page := range pages {
		text := readFile(t, page)
		for _, m := range link.FindAllStringSubmatch(prose(text), -1) {
			file, anchor := m[1], strings.TrimPrefix(m[2], "#")
			target := page
			if file != "" {
				target = filepath.Join(filepath.Dir(page), file)
			}
			if _, err := os.Stat(target); err != nil {
				t.Errorf("%s: [...](%s%s): %v", page, m[1], m[2], err)
			} else if anchor != "" && !anchors(readFile(t, target))[anchor] {
				t.Errorf("%s: [...](%s%s): no such heading", page, m[1], m[2])
			}
		}
	}
}

func readFile(t *testing.T, file string) string {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

var (
	fenced = regexp.MustCompile("(?ms)^```.*?^```$|^    .*?$")
	quoted = regexp.MustCompile("`[^`\n]*`")
)

// prose returns a page without its code.
func prose(page string) string {
	return quoted.ReplaceAllString(fenced.ReplaceAllString(page, ""), "")
}

// anchors returns what GitHub calls the headings of a page in links.
func anchors(page string) map[string]bool {
	all := map[string]bool{}
	for line := range strings.Lines(fenced.ReplaceAllString(page, "")) {
		if heading, ok := strings.CutPrefix(strings.TrimLeft(line, "#"), " "); ok && line[0] == '#' {
			name := regexp.MustCompile(`[^\w\- ]`).ReplaceAllString(strings.ToLower(strings.TrimSpace(heading)), "")
			all[strings.ReplaceAll(name, " ", "-")] = true
		}
	}
	return all
}
