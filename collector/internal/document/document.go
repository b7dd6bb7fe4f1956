// Package document reads YAML the way a configuration wants to be read: every
// key has to be known, every value has to be what is expected, and everything
// that is wrong is found in one go, with its file, line and column.
package document

import (
	"errors"
	"fmt"
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// A Finding is one thing that is wrong with a document.
type Finding struct {
	File         string
	Line, Column int    // from 1; 0 when it is about the file as a whole
	Text         string // what was expected, and what was seen
}

func (f Finding) Error() string {
	if f.Line == 0 {
		return f.File + ": " + f.Text
	}
	return fmt.Sprintf("%s:%d:%d: %s", f.File, f.Line, f.Column, f.Text)
}

// Findings are all that is wrong, as one error.
type Findings []Finding

func (f Findings) Error() string {
	lines := make([]string, len(f))
	for i, one := range f {
		lines[i] = one.Error()
	}
	return strings.Join(lines, "\n")
}

// maxNodes is how many values a document may have once its aliases are
// followed: more than any configuration needs, and few enough that aliases of
// aliases of aliases cannot fill the memory.
const maxNodes = 1_000_000

// A Document is one file. It is not for concurrent use.
type Document struct {
	file       string
	root       ast.Node
	anchors    map[string]ast.Node
	valueCount int
	findings   Findings
}

// Parse parses the text of a file. What is wrong with it is in Findings, and
// the root is empty then.
func Parse(file string, text []byte) *Document {
	d := &Document{file: file, anchors: map[string]ast.Node{}}
	parsed, err := parser.ParseBytes(text, 0)
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

// anchorVisitor collects the values that a document has given names.
type anchorVisitor map[string]ast.Node

func (a anchorVisitor) Visit(n ast.Node) ast.Visitor {
	if anchor, ok := n.(*ast.AnchorNode); ok {
		a[anchor.Name.GetToken().Value] = anchor.Value
	}
	return a
}

// syntax returns what the parser found, without the excerpt of the source that
// it adds.
func (d *Document) syntax(err error) Finding {
	f := Finding{File: d.file, Text: strings.TrimSpace(strings.SplitN(err.Error(), "\n", 2)[0])}
	if _, text, ok := strings.Cut(f.Text, "] "); ok && strings.HasPrefix(f.Text, "[") {
		f.Text = text
	}
	if at, ok := errors.AsType[tokenError](err); ok && at.GetToken() != nil {
		f.Line, f.Column = at.GetToken().Position.Line, at.GetToken().Position.Column
	}
	return f
}

// Root returns the document's outermost value.
func (d *Document) Root() Node { return Node{d, d.root} }

// Findings returns what was found wrong up to now.
func (d *Document) Findings() Findings { return d.findings }
