// Package document reads configuration files in YAML. It rejects unknown keys
// and values of the wrong kind, and reports all errors of a file together, each
// with its file, line and column. It knows nothing of what the keys mean.
package document

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
)

// A Finding is one error in a document. It has two forms: Error has nothing that
// the document contains, and is for the log and for HTTP; Detail quotes the
// document, and is for the operator who checks it.
type Finding struct {
	File         string
	Line, Column int    // from 1; 0 for an error of the whole file
	Text         string // such as: want a value, have none
	Quoted       string // Text with what the document has; empty if it is the same
}

func (f Finding) Error() string { return f.at(f.Text) }

// Detail returns the form with what the document has.
func (f Finding) Detail() string {
	if f.Quoted == "" {
		return f.at(f.Text)
	}
	return f.at(f.Quoted)
}

func (f Finding) at(text string) string {
	if f.Line == 0 {
		return f.File + ": " + text
	}
	return fmt.Sprintf("%s:%d:%d: %s", f.File, f.Line, f.Column, text)
}

// Findings are all errors of a document, as one error with a line for each.
type Findings []Finding

func (f Findings) Error() string { return f.lines(Finding.Error) }

// Detail returns the findings in the form with what the document has.
func (f Findings) Detail() string { return f.lines(Finding.Detail) }

func (f Findings) lines(form func(Finding) string) string {
	lines := make([]string, len(f))
	for i, one := range f {
		lines[i] = form(one)
	}
	return strings.Join(lines, "\n")
}

const (
	// maxNodes is the maximum number of values in a document, with aliases
	// expanded: aliases of aliases must not exhaust the memory.
	maxNodes = 1_000_000

	// maxDepth is the maximum depth of lists and mappings. The parser's time and
	// memory grow with its square: 100,000 brackets took 5 GiB.
	maxDepth = 64
)

// A Document is one file. It is not for concurrent use.
type Document struct {
	file       string
	root       ast.Node
	anchors    map[string]ast.Node
	valueCount int
	findings   Findings
}

// Parse parses the text of a file, which may start with a byte order mark. If it
// is not valid YAML, Findings has the error and the root is empty.
func Parse(file string, text []byte) *Document {
	d := &Document{file: file, anchors: map[string]ast.Node{}}
	tokens := lexer.Tokenize(string(bytes.TrimPrefix(text, []byte("\ufeff"))))
	if t := tooDeep(tokens); t != nil {
		d.findings = append(d.findings, Finding{File: file, Line: t.Position.Line, Column: t.Position.Column, Text: fmt.Sprintf("want at most %d levels of lists and mappings, have more", maxDepth)})
		return d
	}
	parsed, err := parser.Parse(tokens, 0)
	if err != nil {
		d.findings = append(d.findings, d.syntax(err))
		return d
	}
	for _, doc := range parsed.Docs {
		if doc.Body == nil || doc.Body.Type() == ast.CommentType {
			continue
		}
		if d.root != nil {
			Node{d, doc.Body}.Failf("want one document in a file, have a second one")
			break
		}
		d.root = doc.Body
		ast.Walk(anchorVisitor(d.anchors), doc.Body)
	}
	return d
}

// An anchorVisitor collects the values that have an anchor, by its name.
type anchorVisitor map[string]ast.Node

func (a anchorVisitor) Visit(n ast.Node) ast.Visitor {
	if anchor, ok := n.(*ast.AnchorNode); ok {
		a[anchor.Name.GetToken().Value] = anchor.Value
	}
	return a
}

// syntax returns the finding of a parser's error, without the excerpt of the
// source in its message.
func (d *Document) syntax(err error) Finding {
	f := Finding{File: d.file, Text: "not valid YAML", Quoted: strings.TrimSpace(strings.SplitN(err.Error(), "\n", 2)[0])}
	if _, text, ok := strings.Cut(f.Quoted, "] "); ok && strings.HasPrefix(f.Quoted, "[") {
		f.Quoted = text
	}
	if at, ok := errors.AsType[tokenError](err); ok && at.GetToken() != nil {
		f.Line, f.Column = at.GetToken().Position.Line, at.GetToken().Position.Column
	}
	return f
}

// Root returns the top-level value.
func (d *Document) Root() Node { return Node{d, d.root} }

// Findings returns the errors that were found so far.
func (d *Document) Findings() Findings { return d.findings }
