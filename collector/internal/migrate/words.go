package migrate

import "strings"

// logicalLines returns the lines of a unit or an environment file, with those
// that end in a backslash joined to the next, and without comments.
func logicalLines(text []byte) []string {
	var lines []string
	var pending string
	for line := range strings.Lines(string(text)) {
		line = strings.TrimRight(line, "\r\n")
		if pending == "" {
			if t := strings.TrimSpace(line); t == "" || t[0] == '#' || t[0] == ';' {
				continue
			}
		}
		if rest, ok := strings.CutSuffix(line, `\`); ok && !strings.HasSuffix(rest, `\`) {
			pending += rest + " "
			continue
		}
		lines = append(lines, pending+line)
		pending = ""
	}
	if pending != "" {
		lines = append(lines, pending)
	}
	return lines
}

// splitCommand splits a command line of a unit into words: quotes group, and a
// backslash escapes a quote, a space or itself. Another backslash stays, as it
// does for systemd, which warns of it. See "Quoting" in systemd.syntax(7).
func splitCommand(s string) []string {
	return split(s, false, escapeQuotes)
}

// splitShell splits a command line of a shell into words. It is splitCommand,
// but a backslash within single quotes stands for itself.
func splitShell(s string) []string {
	return split(strings.ReplaceAll(s, "\\\n", " "), true, escapeQuotes)
}

func escapeQuotes(next byte) string {
	if strings.IndexByte(`"'\ `, next) >= 0 {
		return string(next)
	}
	return `\` + string(next)
}

// splitVariable splits the value of a variable that stands in a unit as a word
// of its own, such as $ARGS: quotes group, and a backslash escapes any character.
func splitVariable(s string) []string {
	return split(s, false, func(next byte) string { return string(next) })
}

// split splits a text into words at white space outside of quotes. Escape
// returns what a backslash and the byte behind it stand for; with literalSingle
// both stand for themselves within single quotes.
func split(s string, literalSingle bool, escape func(next byte) string) []string {
	var words []string
	var word strings.Builder
	inWord, quote := false, byte(0)
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case c == '\\' && !(literalSingle && quote == '\'') && i+1 < len(s):
			i++
			word.WriteString(escape(s[i]))
			inWord = true
		case quote == 0 && (c == '"' || c == '\''):
			quote, inWord = c, true
		case quote != 0 && c == quote:
			quote = 0
		case quote == 0 && (c == ' ' || c == '\t' || c == '\n' || c == '\r'):
			if inWord {
				words = append(words, word.String())
				word.Reset()
				inWord = false
			}
		default:
			word.WriteByte(c)
			inWord = true
		}
	}
	if inWord {
		words = append(words, word.String())
	}
	return words
}

// Environment returns the text that sets a variable to arguments in an environment
// file of systemd, one argument a line. Read returns the same arguments.
func Environment(variable string, args []string) string {
	word := strings.NewReplacer(`\`, `\\`, `"`, `\"`, `'`, `\'`, " ", `\ `, "\t", "\\\t")
	value := strings.NewReplacer(`\`, `\\`, `"`, `\"`, "`", "\\`", "$", `\$`)
	var b strings.Builder
	b.WriteString(variable + `="`)
	for i, a := range args {
		if i > 0 {
			b.WriteString(" ")
		}
		b.WriteString("\\\n" + value.Replace(word.Replace(a)))
	}
	b.WriteString("\"\n")
	return b.String()
}
