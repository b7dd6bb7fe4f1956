package crontab

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode"
)

// scalar writes a string so that every reader of YAML takes it for one.
func scalar(s string) string {
	bare := regexp.MustCompile(`^[A-Za-z_/][A-Za-z0-9_/.:+=-]*$`)
	word := regexp.MustCompile(`^(?i:true|false|yes|no|on|off|y|n|null|nan|inf)$`)
	if bare.MatchString(s) && !word.MatchString(s) && !strings.HasSuffix(s, ":") {
		return s
	}
	var b strings.Builder
	e := json.NewEncoder(&b) // what JSON quotes is YAML too
	e.SetEscapeHTML(false)
	_ = e.Encode(s) // a string never fails
	return strings.TrimSuffix(b.String(), "\n")
}

// list writes strings on one line.
func list(words []string) string {
	quoted := make([]string, len(words))
	for i, w := range words {
		if quoted[i] = scalar(w); strings.HasPrefix(w, "-") && !strings.ContainsAny(w, `"\`) && regexp.MustCompile(`^--?[A-Za-z][A-Za-z0-9_/.=-]*$`).MatchString(w) {
			quoted[i] = w // options are easier to read without quotes
		}
	}
	return "[" + strings.Join(quoted, ", ") + "]"
}

// visible is text for a comment: one line, with nothing hidden in it.
func visible(text string) string {
	for _, r := range text {
		if r != '\t' && !unicode.IsPrint(r) || r == unicode.ReplacementChar {
			return strconv.QuoteToASCII(text)
		}
	}
	return text
}

// comment writes a line of comment among the checks.
func comment(b *strings.Builder, format string, args ...any) {
	fmt.Fprintf(b, "  # %s\n", visible(strings.TrimRight(fmt.Sprintf(format, args...), " \t")))
}
