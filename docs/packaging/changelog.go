package main

import (
	"bytes"
	"fmt"
	"os"
	"regexp"
	"strings"
	"time"

	"github.com/goccy/go-yaml"
)

// maintainer is who packages and images name as the one to write to.
const maintainer = "host_exporter developers <hostexporter@users.noreply.github.com>"

// changes is a section of CHANGELOG.md.
type changes struct {
	version string
	date    time.Time // zero while the version is unreleased
	text    string    // below the heading
	items   []string
}

var versionHeading = regexp.MustCompile(`^## (\d+\.\d+\.\d+(?:-[0-9A-Za-z.]+)?) / (\d{4}-\d{2}-\d{2}|unreleased)$`)

// readChangelog reads the sections, which are in the form of Prometheus' changelogs:
// a heading "## 1.2.3 / 2006-01-02" or "## 1.2.3 / unreleased", and items that begin
// with a kind of change.
func readChangelog(file string) ([]changes, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var all []changes
	number := 0
	for line := range strings.Lines(string(text)) {
		number++
		line = strings.TrimRight(line, "\n")
		if strings.HasPrefix(line, "## ") {
			m := versionHeading.FindStringSubmatch(line)
			if m == nil {
				return nil, fmt.Errorf("%s:%d: want \"## VERSION / DATE\" or \"## VERSION / unreleased\", have %q", file, number, line)
			}
			c := changes{version: m[1]}
			if m[2] != "unreleased" {
				if c.date, err = time.Parse(time.DateOnly, m[2]); err != nil {
					return nil, fmt.Errorf("%s:%d: %w", file, number, err)
				}
			}
			all = append(all, c)
			continue
		}
		if len(all) == 0 {
			continue
		}
		last := &all[len(all)-1]
		last.text += line + "\n"
		if item, ok := strings.CutPrefix(line, "* "); ok {
			if !strings.HasPrefix(item, "[") {
				return nil, fmt.Errorf("%s:%d: want a kind of change, such as [FEATURE], have %q", file, number, item)
			}
			last.items = append(last.items, item)
		}
	}
	for i := range all {
		all[i].text = strings.TrimSpace(all[i].text) + "\n"
	}
	return all, nil
}

// packageChangelog returns the changes in the form of nfpm.
func (r *release) packageChangelog() ([]byte, error) {
	type note struct {
		Note string `yaml:"note"`
	}
	type debian struct {
		Urgency       string   `yaml:"urgency"`
		Distributions []string `yaml:"distributions"`
	}
	type entry struct {
		Semver   string    `yaml:"semver"`
		Date     time.Time `yaml:"date"`
		Packager string    `yaml:"packager"`
		Deb      debian    `yaml:"deb"`
		Changes  []note    `yaml:"changes"`
	}
	var entries []entry
	for _, c := range r.changes {
		e := entry{Semver: c.version + "-1", Date: c.date, Packager: maintainer, Deb: debian{"medium", []string{"stable"}}}
		for _, item := range c.items {
			e.Changes = append(e.Changes, note{wrap(item, 74)})
		}
		entries = append(entries, e)
	}
	return yaml.Marshal(entries)
}

// wrap breaks a text into lines.
func wrap(text string, width int) string {
	var b bytes.Buffer
	column := 0
	for _, word := range strings.Fields(text) {
		switch {
		case column == 0:
		case column+1+len(word) > width:
			b.WriteString("\n")
			column = 0
		default:
			b.WriteString(" ")
			column++
		}
		b.WriteString(word)
		column += len(word)
	}
	return b.String()
}
