// Package style checks the language of what users and contributors read: help
// texts, flags, logs, errors, comments and documentation. A word that has been
// replaced by the field's word must not come back.
package style

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/hostexporter/host_exporter/collector"
	"github.com/hostexporter/host_exporter/collector/internal/test/golden"
)

const root = "../../../../"

// maxHelp is the maximum length of a HELP text in characters: each scrape sends
// them all.
const maxHelp = 100

// retired are the words that this project does not use, with what it uses
// instead.
var retired = []struct {
	pattern *regexp.Regexp
	instead string
}{
	{words(`tells?|telling|told`), "emit, report, log, notify or show"},
	{words(`nobody`), "no, or a passive"},
	{words(`besides`), "in addition"},
	{words(`foreign(er|ers)?`), "external"},
	{words(`outsiders?`), "excluded"},
	{words(`look(s|ed|ing)? after`), "excluded, or watch"},
	{words(`in trouble`), "unhealthy"},
	{words(`(give|gives|gave|given|giving) up`), "abandon"},
	{words(`(hold|holds|held|holding)( [^\s.,:;]+){0,6}? against`), "evaluate, compare or check"},
	{words(`well again`), "recovered"},
	{words(`goes? before`), "take precedence over"},
	{words(`wished`), "explicit"},
}

// words returns a pattern of words that any white space may separate.
func words(pattern string) *regexp.Regexp {
	return regexp.MustCompile(`(?i)\b(` + strings.ReplaceAll(pattern, " ", `\s+`) + `)\b`)
}

// allowed are texts in which a retired word is a term of the field.
var allowed = []struct{ text, reason string }{
	{"user: nobody", "the account"},
	{"`nobody`", "the account"},
	{"nobody:nobody", "the account and its group"},
	{"DAEMON_USER-nobody", "the account"},
	{"root|nobody|daemon", "accounts"},
}

// find calls report for each retired word in a text.
func find(text string, report func(offset int, word, instead string)) {
	for _, a := range allowed {
		text = strings.ReplaceAll(text, a.text, strings.Repeat("-", len(a.text)))
	}
	for _, w := range retired {
		for _, at := range w.pattern.FindAllStringIndex(text, -1) {
			report(at[0], text[at[0]:at[1]], w.instead)
		}
	}
}

func TestFind(t *testing.T) {
	for text, want := range map[string]string{
		"It tells, and nobody was\n told.":         "tells told nobody",
		"It gave\n\tup.":                           "gave\n\tup",
		"Samples are held in memory, against loss": "",
		"It holds the samples against a pattern.":  "holds the samples against",
		"user: nobody":                             "",
		"retell, tellurium, overlooked afterwards": "",
	} {
		var have []string
		find(text, func(_ int, word, _ string) { have = append(have, word) })
		if strings.Join(have, " ") != want {
			t.Errorf("%q: have %q, want %q", text, have, want)
		}
	}
}

// eachFile calls fn for each file of the project that matches.
func eachFile(t *testing.T, matches func(path string) bool, fn func(path string)) {
	t.Helper()
	n := 0
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		path = strings.TrimPrefix(path, root)
		if d.IsDir() {
			if strings.HasPrefix(d.Name(), ".") && path != "" {
				return fs.SkipDir
			}
			return nil
		}
		if d.Type().IsRegular() && matches(path) { // what links point to is read there
			n++
			fn(path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if n == 0 {
		t.Fatalf("no such files below %s", root)
	}
}

func isPage(path string) bool {
	return strings.HasSuffix(path, ".md") || strings.HasPrefix(path, "docs/")
}

func isCode(path string) bool { return strings.HasSuffix(path, ".go") }

// isGolden reports whether a golden file shows families of the exporter. Those of
// the checks show external families.
func isGolden(path string) bool {
	return strings.HasSuffix(path, ".prom") && !strings.HasPrefix(path, "testdata/checks/")
}

// TestWordsOfPages reads the documentation, and the rules, dashboards and units
// that users copy.
func TestWordsOfPages(t *testing.T) {
	eachFile(t, isPage, func(path string) {
		b, err := os.ReadFile(root + path)
		if err != nil {
			t.Fatal(err)
		}
		text := string(b)
		find(text, func(offset int, word, instead string) {
			t.Errorf("%s:%d: %q: use %s", path, 1+strings.Count(text[:offset], "\n"), word, instead)
		})
	})
}

// TestWordsOfCode reads the comments of all Go files, and the strings of those
// that are not tests: help texts, flags, logs and errors among them.
func TestWordsOfCode(t *testing.T) {
	eachFile(t, isCode, func(path string) {
		files := token.NewFileSet()
		file, err := parser.ParseFile(files, root+path, nil, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		check := func(pos token.Pos, text string) {
			find(text, func(offset int, word, instead string) {
				line := files.Position(pos).Line + strings.Count(text[:offset], "\n")
				t.Errorf("%s:%d: %q: use %s", path, line, word, instead)
			})
		}
		for _, group := range file.Comments {
			var lines []string
			for _, c := range group.List {
				lines = append(lines, strings.TrimPrefix(c.Text, "//"))
			}
			check(group.Pos(), strings.Join(lines, "\n"))
		}
		if strings.HasSuffix(path, "_test.go") {
			return
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if lit, ok := n.(*ast.BasicLit); ok && lit.Kind == token.STRING {
				if text, err := strconv.Unquote(lit.Value); err == nil {
					check(lit.Pos(), text)
				}
			}
			return true
		})
	})
}

// TestHelp checks the HELP texts of the collectors' families, of those that are
// declared anywhere else, and of those that the recorded hosts show because the
// kernel makes up their names.
func TestHelp(t *testing.T) {
	checked := map[string]bool{}
	check := func(where, help string) {
		if checked[help] {
			return
		}
		checked[help] = true
		if n := utf8.RuneCountInString(help); n > maxHelp {
			t.Errorf("%s: want at most %d characters, have %d: %q", where, maxHelp, n, help)
		}
		if !strings.HasSuffix(help, ".") || strings.Contains(help, ". ") {
			t.Errorf("%s: want one sentence that ends with a full stop, have %q", where, help)
		}
		find(help, func(_ int, word, instead string) { t.Errorf("%s: %q: use %s", where, word, instead) })
	}
	for _, spec := range collector.Catalog() {
		for _, f := range golden.NewUnit(t, spec).Set().Families() {
			check(spec.Name+", "+f.Name(), f.Help())
		}
	}
	eachFile(t, isCode, func(path string) {
		if strings.HasSuffix(path, "_test.go") {
			return
		}
		files := token.NewFileSet()
		file, err := parser.ParseFile(files, root+path, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if help, pos, ok := declaredHelp(n); ok {
				check(fmt.Sprintf("%s:%d", path, files.Position(pos).Line), help)
			}
			return true
		})
	})
	eachFile(t, isGolden, func(path string) {
		b, err := os.ReadFile(root + path)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(b)) {
			if rest, ok := strings.CutPrefix(strings.TrimSuffix(line, "\n"), "# HELP "); ok {
				_, help, _ := strings.Cut(rest, " ")
				check(path, help)
			}
		}
	})
}

// declaredHelp returns the help text of a call such as set.Gauge(name, help).
func declaredHelp(n ast.Node) (help string, pos token.Pos, ok bool) {
	call, ok := n.(*ast.CallExpr)
	if !ok || len(call.Args) < 2 {
		return "", 0, false
	}
	method, ok := call.Fun.(*ast.SelectorExpr)
	if !ok || method.Sel.Name != "Gauge" && method.Sel.Name != "Counter" && method.Sel.Name != "Untyped" {
		return "", 0, false
	}
	lit, ok := call.Args[1].(*ast.BasicLit)
	if !ok {
		return "", 0, false
	}
	help, err := strconv.Unquote(lit.Value)
	isName := !strings.Contains(help, " ") // of a file: host.Reader has a method Counter too
	return help, lit.Pos(), err == nil && !isName
}
