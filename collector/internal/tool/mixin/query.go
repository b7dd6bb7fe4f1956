package mixin

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
)

// A Query is PromQL and where it stands.
type Query struct{ Where, Expr string }

// Blocks returns the PromQL in the fenced blocks of a Markdown file. Empty lines
// separate the queries of a block.
func Blocks(file string) ([]Query, error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var all []Query
	var lines []string
	inside, start, n := false, 0, 0
	flush := func() {
		if expr := strings.TrimSpace(strings.Join(lines, "\n")); expr != "" {
			all = append(all, Query{Where: fmt.Sprintf("%s:%d", file, start), Expr: expr})
		}
		lines = nil
	}
	for line := range strings.Lines(string(b)) {
		n++
		line = strings.TrimRight(line, "\n")
		switch {
		case !inside && line == "```promql":
			inside = true
		case inside && line == "```":
			inside = false
			flush()
		case inside && line == "":
			flush()
		case inside:
			if lines == nil {
				start = n
			}
			lines = append(lines, line)
		}
	}
	if inside {
		return nil, fmt.Errorf("%s:%d: the block does not end", file, start)
	}
	return all, nil
}

var (
	text   = regexp.MustCompile(`"(\\.|[^"\\])*"|\[[^\]]*\]`) // and time ranges
	name   = regexp.MustCompile(`[a-zA-Z_:][a-zA-Z0-9_:]*`)
	metric = regexp.MustCompile(`^(node|host_exporter|host_check)_|:|^up$`) // no label and no function is called so
)

// Metrics returns the names of metrics in an expression, sorted.
func Metrics(expr string) []string {
	var all []string
	for _, word := range name.FindAllString(text.ReplaceAllString(expr, " "), -1) {
		if metric.MatchString(word) && word != "node_name" { // which is a label
			all = append(all, word)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}
