package crontab

import "strings"

// A token is a word or an operator of a shell command.
type token struct {
	raw        string // as written
	text       string // without quotes
	operator   bool
	needsShell bool // only a shell can expand it: it has a $, a glob ...
}

// operatorLen returns the length of the operator of sh at the start of s, or 0. The
// descriptor of a redirection is part of the operator.
func operatorLen(s string) int {
	digits := 0
	for digits < len(s) && isDigit(s[digits]) {
		digits++
	}
	rest := s[digits:]
	for _, op := range []string{">>", ">|", ">&", "<<-", "<<", "<&", "<>", "<", ">"} { // the longest first
		if !strings.HasPrefix(rest, op) {
			continue
		}
		n := len(op)
		if op[n-1] == '&' && n < len(rest) && (isDigit(rest[n]) || rest[n] == '-') {
			n++
		}
		return digits + n
	}
	for _, op := range []string{"&>>", "&>", "&&", "||", ";;", "|", "&", ";", "(", ")"} {
		if strings.HasPrefix(s, op) {
			return len(op)
		}
	}
	return 0
}

// tokenize splits a command as sh does. It returns false if a quote is not closed.
func tokenize(command string) (tokens []token, ok bool) {
	for {
		command = strings.TrimLeft(command, " \t\n")
		if command == "" {
			return tokens, true
		}
		if n := operatorLen(command); n > 0 {
			tokens = append(tokens, token{raw: command[:n], text: command[:n], operator: true})
			command = command[n:]
			continue
		}
		word, length, closed := cutWord(command)
		if !closed {
			return tokens, false
		}
		tokens = append(tokens, word)
		command = command[length:]
	}
}

// cutWord returns the word at the start of a command.
func cutWord(s string) (w token, length int, closed bool) {
	var text strings.Builder
	i := 0
	for i < len(s) && !strings.ContainsRune(" \t\n|&;()<>", rune(s[i])) {
		switch c := s[i]; c {
		case '\'':
			end := strings.IndexByte(s[i+1:], '\'')
			if end < 0 {
				return w, 0, false
			}
			text.WriteString(s[i+1 : i+1+end])
			i += end + 2
		case '"':
			n, closed := cutQuoted(s[i+1:], &text, &w)
			if !closed {
				return w, 0, false
			}
			i += n + 1
		case '\\':
			if i+1 == len(s) {
				return w, 0, false
			}
			text.WriteByte(s[i+1])
			i += 2
		case '$', '`':
			n, closed := expansionLen(s[i:])
			if !closed {
				return w, 0, false
			}
			w.needsShell = true
			text.WriteString(s[i : i+n])
			i += n
		default:
			if strings.IndexByte("*?[]{}!", c) >= 0 || i == 0 && (c == '~' || c == '#') {
				w.needsShell = true
			}
			text.WriteByte(c)
			i++
		}
	}
	w.raw, w.text = s[:i], text.String()
	return w, i, true
}

// cutQuoted reads the inside of double quotes, up to and including the closing one.
func cutQuoted(s string, text *strings.Builder, w *token) (length int, closed bool) {
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '"':
			return i + 1, true
		case c == '\\' && i+1 < len(s) && strings.IndexByte("$`\"\\", s[i+1]) >= 0:
			i++
			text.WriteByte(s[i])
		case c == '$' || c == '`':
			n, ok := expansionLen(s[i:])
			if !ok {
				return 0, false
			}
			w.needsShell = true
			text.WriteString(s[i : i+n])
			i += n - 1
		default:
			text.WriteByte(c)
		}
	}
	return 0, false
}

// expansionLen returns the length of an expansion, which starts with $ or `.
func expansionLen(s string) (length int, closed bool) {
	if s[0] == '`' {
		end := strings.IndexByte(s[1:], '`')
		return end + 2, end >= 0
	}
	if len(s) < 2 || s[1] != '(' && s[1] != '{' {
		return 1, true
	}
	depth := 0
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '(', '{':
			depth++
		case ')', '}':
			if depth--; depth == 0 {
				return i + 1, true
			}
		}
	}
	return 0, false
}

// join returns tokens as a command.
func join(tokens []token) string {
	raw := make([]string, len(tokens))
	for i, t := range tokens {
		raw[i] = t.raw
	}
	return strings.Join(raw, " ")
}

// isPlain reports whether a command needs no shell.
func isPlain(tokens []token) bool {
	for _, t := range tokens {
		if t.operator || t.needsShell {
			return false
		}
	}
	return len(tokens) > 0
}

// isOperator reports whether a token is one of these operators.
func (t token) isOperator(operators ...string) bool {
	for _, op := range operators {
		if t.operator && t.text == op {
			return true
		}
	}
	return false
}
