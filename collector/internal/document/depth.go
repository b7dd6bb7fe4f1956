package document

import "github.com/goccy/go-yaml/token"

// tooDeep returns the token at which lists and mappings are nested deeper than
// maxDepth, or nil. It knows the depth without a parser, of which some valid
// documents would be too much: brackets that are open, the columns at which blocks
// begin, and tags, each of which wraps what follows.
func tooDeep(tokens token.Tokens) *token.Token {
	brackets, tags, line := 0, 0, 0
	var blocks []int // columns
	for _, t := range tokens {
		first := t.Position.Line != line // on its line
		line = t.Position.Line
		switch t.Type {
		case token.SequenceStartType, token.MappingStartType:
			brackets++
		case token.SequenceEndType, token.MappingEndType:
			brackets = max(brackets-1, 0)
		}
		if t.Type == token.TagType {
			tags++
		} else {
			tags = 0
		}
		if brackets == 0 && (first || t.Type == token.SequenceEntryType || t.Type == token.MappingKeyType) {
			for len(blocks) > 0 && blocks[len(blocks)-1] >= t.Position.Column {
				blocks = blocks[:len(blocks)-1]
			}
			blocks = append(blocks, t.Position.Column)
		}
		if brackets+len(blocks)+tags > maxDepth {
			return t
		}
	}
	return nil
}
