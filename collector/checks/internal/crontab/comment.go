package crontab

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
)

// printable returns text for a comment: on one line, with control characters
// escaped.
func printable(text string) string {
	for _, r := range text {
		if r != '\t' && !unicode.IsPrint(r) || r == unicode.ReplacementChar {
			return strconv.QuoteToASCII(text)
		}
	}
	return text
}

// comment writes a comment line between the checks.
func comment(b *strings.Builder, format string, args ...any) {
	fmt.Fprintf(b, "  # %s\n", printable(strings.TrimRight(fmt.Sprintf(format, args...), " \t")))
}
