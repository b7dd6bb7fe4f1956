package document

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"
)

// positioned is an error of the parser that knows where it is.
type positioned interface {
	error
	GetToken() *token.Token
}

// A Node is one value in a document: a scalar, a list or a mapping. One that
// is not there reads as empty.
type Node struct {
	doc  *Document
	node ast.Node
}

// A Value takes the text of a scalar, and says what it wants when it does not
// like it. The options of collectors are such values.
type Value interface{ Set(string) error }

// A ValueFunc is a Value that is a function.
type ValueFunc func(string) error

// Set calls the function.
func (f ValueFunc) Set(text string) error { return f(text) }

// Fields are the keys that a mapping may have, and what reads each.
type Fields map[string]func(Node)

// Failf adds a finding at the place of the node.
func (n Node) Failf(format string, args ...any) {
	if n.doc != nil {
		n.doc.findings = append(n.doc.findings, n.At(format, args...))
	}
}

// At returns a finding at the place of the node, for what turns out to be
// wrong after the document has been read.
func (n Node) At(format string, args ...any) Finding {
	f := Finding{Text: fmt.Sprintf(format, args...)}
	if n.doc != nil {
		f.File = n.doc.file
	}
	if n.node != nil && n.node.GetToken() != nil {
		f.Line, f.Column = n.node.GetToken().Position.Line, n.node.GetToken().Position.Column
	}
	return f
}

// Empty reports whether there is no value: a key with nothing behind it.
func (n Node) Empty() bool {
	switch n.value().(type) {
	case nil, *ast.NullNode:
		return true
	}
	return false
}

// Each calls fn for every entry of a mapping, in the order of the document. A
// value that is empty is a mapping without entries.
func (n Node) Each(fn func(key string, entry Node)) {
	if n.Empty() {
		return
	}
	for _, e := range n.entries(0) {
		fn(e.key, Node{n.doc, e.value})
	}
}

// Fields has each entry of a mapping read by the function of its key. Keys
// that nobody reads are findings.
func (n Node) Fields(known Fields) {
	if n.Empty() {
		return
	}
	for _, e := range n.entries(0) {
		if read, ok := known[e.key]; ok {
			read(Node{n.doc, e.value})
			continue
		}
		Node{n.doc, e.at}.Failf("unknown key %q%s", e.key, Suggest(e.key, slices.Collect(maps.Keys(known))))
	}
}

// Items calls fn for every item of a list. A value that is not a list is one
// of a single item.
func (n Node) Items(fn func(item Node)) {
	if n.Empty() {
		return
	}
	list, ok := n.value().(*ast.SequenceNode)
	if !ok {
		fn(n)
		return
	}
	for _, item := range list.Values {
		fn(Node{n.doc, item})
	}
}

// IsScalar reports whether the value is neither a list nor a mapping.
func (n Node) IsScalar() bool {
	_, ok := n.value().(ast.ScalarNode)
	return ok
}

// IsList reports whether the value is a list.
func (n Node) IsList() bool {
	_, ok := n.value().(*ast.SequenceNode)
	return ok
}

// Text returns a scalar as it is written. Anything else is a finding.
func (n Node) Text() string {
	switch v := n.value().(type) {
	case nil: // told already, unless there is nothing at all
		if n.node == nil {
			n.Failf("want a value, have none")
		}
	case *ast.NullNode:
		n.Failf("want a value, have none")
	case *ast.StringNode:
		return v.Value
	case *ast.LiteralNode:
		return v.Value.Value
	case *ast.MappingNode, *ast.MappingValueNode:
		n.Failf("want a single value, have a mapping")
	case *ast.SequenceNode:
		n.Failf("want a single value, have a list")
	case ast.ScalarNode:
		return v.GetToken().Value
	default:
		n.Failf("want a single value, have %s", v.Type())
	}
	return ""
}

// Into sets a value to the text of a scalar, and reports whether it could.
func (n Node) Into(v Value) bool {
	before := len(n.doc.findings)
	text := n.Text()
	if len(n.doc.findings) > before {
		return false
	}
	if err := v.Set(text); err != nil {
		n.Failf("%v", err)
		return false
	}
	return true
}

// To returns a function that sets a value: for Fields.
func To(v Value) func(Node) { return func(n Node) { _ = n.Into(v) } }

// ToText returns a function that sets a text.
func ToText(s *string) func(Node) { return func(n Node) { *s = n.Text() } }

// ToTexts returns a function that sets a list of texts.
func ToTexts(list *[]string) func(Node) {
	return func(n Node) { n.Items(func(item Node) { *list = append(*list, item.Text()) }) }
}

// ToTextMap returns a function that fills a mapping of texts.
func ToTextMap(m *map[string]string) func(Node) {
	return func(n Node) {
		*m = map[string]string{}
		n.Each(func(key string, entry Node) { (*m)[key] = entry.Text() })
	}
}

// value returns the node behind tags, anchors and aliases.
func (n Node) value() ast.Node {
	node := n.node
	for range 100 {
		switch v := node.(type) {
		case *ast.AnchorNode:
			node = v.Value
		case *ast.TagNode:
			node = v.Value
		case *ast.AliasNode:
			target, ok := n.doc.anchors[v.Value.GetToken().Value]
			if !ok {
				n.Failf("there is no anchor called %q", v.Value.GetToken().Value)
				return nil
			}
			node = target
		default:
			if n.doc == nil {
				return node
			}
			if n.doc.visited++; n.doc.visited == maxNodes {
				Node{n.doc, nil}.Failf("more than %d values", maxNodes)
			}
			if n.doc.visited >= maxNodes {
				return nil
			}
			return node
		}
	}
	n.Failf("this alias stands for itself")
	return nil
}

// An entry is a key of a mapping with its value.
type entry struct {
	key   string
	at    ast.Node
	value ast.Node
}

// entries returns the entries of a mapping. Those that are merged into it (<<)
// come first, and give way to its own.
func (n Node) entries(depth int) []entry {
	var values []*ast.MappingValueNode
	switch v := n.value().(type) {
	case *ast.MappingNode:
		values = v.Values
	case *ast.MappingValueNode:
		values = []*ast.MappingValueNode{v}
	case nil, *ast.NullNode:
		return nil
	default:
		n.Failf("want a mapping of keys to values, have %s", kind(v))
		return nil
	}
	if depth > 20 {
		n.Failf("mappings are merged into each other too deeply")
		return nil
	}
	var all []entry
	own := map[string]bool{}
	for _, v := range values {
		if v.Key.IsMergeKey() {
			continue
		}
		key := (Node{n.doc, v.Key}).keyText()
		if own[key] {
			Node{n.doc, v.Key}.Failf("%q is here twice", key)
			continue
		}
		own[key] = true
		all = append(all, entry{key, v.Key, v.Value})
	}
	var merged []entry
	for _, v := range values {
		if !v.Key.IsMergeKey() {
			continue
		}
		Node{n.doc, v.Value}.Items(func(from Node) {
			for _, e := range from.entries(depth + 1) {
				if !own[e.key] {
					own[e.key] = true
					merged = append(merged, e)
				}
			}
		})
	}
	return append(merged, all...)
}

func (n Node) keyText() string {
	switch v := n.node.(type) {
	case *ast.MappingKeyNode:
		return Node{n.doc, v.Value}.Text()
	default:
		return n.Text()
	}
}

func kind(n ast.Node) string {
	switch v := n.(type) {
	case *ast.SequenceNode:
		return "a list"
	case *ast.LiteralNode:
		return "a text"
	case ast.ScalarNode:
		return "the value " + strings.TrimSpace(v.GetToken().Value)
	}
	return n.Type().String()
}

// Suggest returns a hint at the name that was probably meant, or nothing.
func Suggest(have string, known []string) string {
	slices.Sort(known)
	best, distance := "", max(1, min(2, len(have)/2), len(have)/3)+1
	for _, k := range known {
		if d := edits(strings.ToLower(have), k); d < distance {
			best, distance = k, d
		}
	}
	switch {
	case best != "":
		return ", do you mean " + best + "?"
	case len(known) > 0 && len(known) <= 25:
		return ", want one of " + strings.Join(known, ", ")
	}
	return ""
}

// edits returns how many letters have to be added, removed or changed to make
// one word of another.
func edits(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			changed := diagonal
			if a[i] != b[j] {
				changed++
			}
			diagonal = row[j+1]
			row[j+1] = min(changed, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
