package document

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"
)

// A tokenError is an error of the parser with its place.
type tokenError interface {
	error
	GetToken() *token.Token
}

// A Node is one value in a document: a scalar, a list or a mapping. The zero
// Node is an absent value, which is empty.
type Node struct {
	doc  *Document
	node ast.Node
}

// A Value parses the text of a scalar. Its error says what it accepts. The
// options of collectors are such values.
type Value interface{ Set(string) error }

// A ValueFunc is a Value that is a function.
type ValueFunc func(string) error

// Set calls the function.
func (f ValueFunc) Set(text string) error { return f(text) }

// Fields are the keys that a mapping may have, each with the function that
// reads its value.
type Fields map[string]func(Node)

// Failf adds a finding at the place of the node.
func (n Node) Failf(format string, args ...any) {
	if n.doc != nil {
		n.doc.findings = append(n.doc.findings, n.At(format, args...))
	}
}

// At returns a finding at the place of the node, for an error that is found
// after the document was read.
func (n Node) At(format string, args ...any) Finding {
	f := Finding{Text: unquoted(format, args), Quoted: fmt.Sprintf(format, args...)}
	if n.doc != nil {
		f.File = n.doc.file
	}
	if n.node == nil {
		return f
	}
	t := n.node.GetToken()
	switch v := n.node.(type) { // the token of a mapping is a colon: its first key says more
	case *ast.MappingNode:
		if !v.IsFlowStyle && len(v.Values) > 0 {
			t = v.Values[0].Key.GetToken()
		}
	case *ast.MappingValueNode:
		t = v.Key.GetToken()
	}
	if t != nil {
		f.Line, f.Column = t.Position.Line, t.Position.Column
	}
	return f
}

// Empty reports whether there is no value, as in a key without one.
func (n Node) Empty() bool {
	switch n.value().(type) {
	case nil, *ast.NullNode:
		return true
	}
	return false
}

// Each calls fn for every entry of a mapping, in the order of the document. An
// empty value is a mapping without entries.
func (n Node) Each(fn func(key string, entry Node)) {
	if n.Empty() {
		return
	}
	for _, e := range n.entries(0) {
		fn(e.key, Node{n.doc, e.value})
	}
}

// Fields reads each entry of a mapping with the function of its key. An unknown
// key is a finding.
func (n Node) Fields(known Fields) {
	if n.Empty() {
		return
	}
	for _, e := range n.entries(0) {
		if read, ok := known[e.key]; ok {
			read(Node{n.doc, e.value})
			continue
		}
		Node{n.doc, e.keyNode}.Failf("unknown key %q%s", e.key, Public(Suggest(e.key, slices.Collect(maps.Keys(known)))))
	}
}

// Items calls fn for every item of a list. Any other value is a list of one
// item.
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

// Text returns a scalar as written. Any other value is a finding.
func (n Node) Text() string {
	switch v := n.value().(type) {
	case nil: // a finding of value, unless the node is absent
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
		n.Failf("want a single value, have another")
	}
	return ""
}

// Into sets v to the text of a scalar, and reports whether it succeeded.
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

// To returns a function for Fields that sets v.
func To(v Value) func(Node) { return func(n Node) { _ = n.Into(v) } }

// ToText returns a function for Fields that sets a string.
func ToText(s *string) func(Node) { return func(n Node) { *s = n.Text() } }

// ToTexts returns a function for Fields that appends to a list of strings.
func ToTexts(list *[]string) func(Node) {
	return func(n Node) { n.Items(func(item Node) { *list = append(*list, item.Text()) }) }
}

// ToTextMap returns a function for Fields that sets a map of strings.
func ToTextMap(m *map[string]string) func(Node) {
	return func(n Node) {
		*m = map[string]string{}
		n.Each(func(key string, entry Node) { (*m)[key] = entry.Text() })
	}
}

// value returns the node without tags and anchors, and with aliases followed.
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
				n.Failf("unknown anchor %q", v.Value.GetToken().Value)
				return nil
			}
			node = target
		default:
			if n.doc == nil {
				return node
			}
			if n.doc.valueCount++; n.doc.valueCount == maxNodes {
				Node{n.doc, nil}.Failf("want at most %d values, have more", maxNodes)
			}
			if n.doc.valueCount >= maxNodes {
				return nil
			}
			return node
		}
	}
	n.Failf("want an alias of a value, have an alias of itself")
	return nil
}

// An entry is one key of a mapping with its value.
type entry struct {
	key     string
	keyNode ast.Node
	value   ast.Node
}

// entries returns the entries of a mapping: first those of its merge keys (<<),
// then its own, which take precedence.
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
		n.Failf("want a mapping of keys to values, have %s", describe(v))
		return nil
	}
	if depth > 20 {
		n.Failf("want at most 20 levels of merge keys, have more")
		return nil
	}
	var own []entry
	seen := map[string]bool{}
	for _, v := range values {
		if v.Key.IsMergeKey() {
			continue
		}
		key := (Node{n.doc, v.Key}).keyText()
		if seen[key] {
			Node{n.doc, v.Key}.Failf("want each key once, have %q twice", key)
			continue
		}
		seen[key] = true
		own = append(own, entry{key, v.Key, v.Value})
	}
	var inherited []entry
	for _, v := range values {
		if !v.Key.IsMergeKey() {
			continue
		}
		Node{n.doc, v.Value}.Items(func(source Node) {
			for _, e := range source.entries(depth + 1) {
				if !seen[e.key] {
					seen[e.key] = true
					inherited = append(inherited, e)
				}
			}
		})
	}
	return append(inherited, own...)
}

func (n Node) keyText() string {
	switch v := n.node.(type) {
	case *ast.MappingKeyNode:
		return Node{n.doc, v.Value}.Text()
	default:
		return n.Text()
	}
}

// describe names the kind of a value, for an error.
func describe(n ast.Node) string {
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

// Suggest returns a hint at the known name that was probably meant, such as
// ", do you mean arp?", or at all known names. It sorts known.
func Suggest(have string, known []string) string {
	slices.Sort(known)
	best, distance := "", max(1, min(2, len(have)/2), len(have)/3)+1
	for _, k := range known {
		if d := editDistance(strings.ToLower(have), k); d < distance {
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

// editDistance returns the Levenshtein distance of two words.
func editDistance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			substitution := diagonal
			if a[i] != b[j] {
				substitution++
			}
			diagonal = row[j+1]
			row[j+1] = min(substitution, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
