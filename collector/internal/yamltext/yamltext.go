// Package yamltext writes values as YAML text: for files that the exporter
// generates, and that document reads.
package yamltext

import (
	"strconv"
	"strings"
	"time"
	"unicode"
)

// String returns s as a scalar that every YAML parser reads as the string s, in
// a mapping and in a list on one line. It quotes only where it must. Bytes that
// are not UTF-8 become U+FFFD.
func String(s string) string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	hidden := strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) })
	switch {
	case isPlain(s):
		return s
	case hidden, strings.Contains(s, "'") && !strings.ContainsAny(s, `"\`):
		return strconv.Quote(s) // all of Go's escapes are YAML's, too
	}
	return "'" + strings.ReplaceAll(s, "'", "''") + "'"
}

// isPlain reports whether s needs no quotes: it starts like a word, a path or an
// option, and is no word that YAML 1.1 reads as a boolean, a null or a number.
func isPlain(s string) bool {
	const letters, others = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_/", "0123456789.:+=-"
	word := strings.TrimPrefix(s, "-")
	start := strings.TrimPrefix(word, "-")
	if start == "" || strings.IndexByte(letters, start[0]) < 0 || strings.Trim(start, letters+others) != "" || strings.HasSuffix(s, ":") {
		return false
	}
	switch strings.ToLower(word) {
	case "true", "false", "yes", "no", "on", "off", "y", "n", "null", "nan", "inf":
		return false
	}
	return true
}

// Strings returns a list of strings on one line.
func Strings(list []string) string {
	scalars := make([]string, len(list))
	for i, s := range list {
		scalars[i] = String(s)
	}
	return "[" + strings.Join(scalars, ", ") + "]"
}

// Duration returns a duration without the units that are zero: 1h, not 1h0m0s.
func Duration(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}
