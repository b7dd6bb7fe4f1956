package expect

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// A token is a name, a number, a text in quotes, a sign, or the end of an
// expression.
type token struct {
	kind  byte // 'n' name, '0' number, '"' text, '=' sign, 0 end
	text  string
	value string // of a text, without quotes and escapes
	at    int    // offset in bytes
}

// String returns the token for an error.
func (t token) String() string {
	switch t.kind {
	case 0:
		return "the end"
	case '"':
		return t.text
	}
	return `"` + t.text + `"`
}

// A syntaxError is an error in an expression, with its position.
type syntaxError struct {
	position int // in characters, from 1
	text     string
}

func (e *syntaxError) Error() string { return fmt.Sprintf("position %d: %s", e.position, e.text) }

// A lexer splits an expression into tokens.
type lexer struct {
	text string
	at   int
}

func (l *lexer) errorf(at int, format string, args ...any) error {
	return &syntaxError{utf8.RuneCountInString(l.text[:at]) + 1, fmt.Sprintf(format, args...)}
}

// next returns the next token.
func (l *lexer) next() (token, error) {
	l.at += len(l.text[l.at:]) - len(strings.TrimLeft(l.text[l.at:], " \t\r\n"))
	rest := l.text[l.at:]
	switch {
	case rest == "":
		return token{at: l.at}, nil
	case isNameStart(rest[0]):
		return l.take('n', 1+prefixLength(rest[1:], func(c byte) bool { return isNameStart(c) || isDigit(c) })), nil
	case isDigit(rest[0]) || strings.IndexByte("+-.", rest[0]) >= 0:
		return l.take('0', numberLength(rest)), nil
	case rest[0] == '"' || rest[0] == '\'':
		return l.quotedText(rest[0])
	}
	for _, sign := range []string{"==", "!=", ">=", "<=", "=~", "!~"} {
		if strings.HasPrefix(rest, sign) {
			return l.take('=', 2), nil
		}
	}
	_, size := utf8.DecodeRuneInString(rest)
	return l.take('=', size), nil
}

// take returns a token of the next n bytes.
func (l *lexer) take(kind byte, n int) token {
	t := token{kind: kind, text: l.text[l.at : l.at+n], at: l.at}
	l.at += n
	return t
}

// quotedText reads a text in single or double quotes.
func (l *lexer) quotedText(quote byte) (token, error) {
	var value strings.Builder
	start := l.at
	for i := start + 1; i < len(l.text); i++ {
		c := l.text[i]
		switch {
		case c == quote:
			t := l.take('"', i+1-start)
			t.value = value.String()
			return t, nil
		case c != '\\':
			value.WriteByte(c)
			continue
		case i+1 == len(l.text):
			continue
		}
		i++
		switch c = l.text[i]; c {
		case '\\', '"', '\'':
			value.WriteByte(c)
		case 'n':
			value.WriteByte('\n')
		default:
			r, _ := utf8.DecodeRuneInString(l.text[i:])
			return token{}, l.errorf(i-1, `want \\, \", \' or \n in a text, have \%c`, r)
		}
	}
	return token{}, l.errorf(start, "want a text with a closing %c, have none", quote)
}

// numberLength returns the length of a number, including letters and digits
// that follow it directly: 16Gbit is one token, which is not a valid number.
func numberLength(s string) int {
	n := 1
	for n < len(s) && (isDigit(s[n]) || isNameStart(s[n]) || s[n] == '.' ||
		(s[n] == '+' || s[n] == '-') && (s[n-1] == 'e' || s[n-1] == 'E')) {
		n++
	}
	return n
}

// prefixLength returns the length of the prefix whose bytes are all is.
func prefixLength(s string, is func(byte) bool) int {
	n := 0
	for n < len(s) && is(s[n]) {
		n++
	}
	return n
}

func isNameStart(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_' || c == ':'
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }
