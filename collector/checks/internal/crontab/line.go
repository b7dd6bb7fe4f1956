package crontab

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/hostexporter/host_exporter/collector/checks/internal/schedule"
)

// A variable is a line NAME=value, which applies to the lines below it.
type variable struct{ name, value string }

// isName reports whether s is the name of a variable of sh.
func isName(s string) bool {
	return s != "" && !isDigit(s[0]) && strings.IndexFunc(s, func(r rune) bool { return !isWordRune(r) }) < 0
}

// isWordRune reports whether r is a letter of ASCII, a digit or an underscore.
func isWordRune(r rune) bool {
	return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || r == '_'
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

func parseVariable(line string) (variable, bool) {
	name, value, ok := strings.Cut(line, "=")
	name, value = unquote(strings.TrimSpace(name)), unquote(strings.TrimSpace(value))
	return variable{name, value}, ok && isName(name)
}

// unquote removes one pair of quotes around a text.
func unquote(s string) string {
	if n := len(s); n >= 2 && (s[0] == '"' || s[0] == '\'') && s[n-1] == s[0] {
		return s[1 : n-1]
	}
	return s
}

// A job is a line with a command.
type job struct{ at, user, command string }

func parseJob(line string, system bool) (job, error) {
	n := 5
	if strings.HasPrefix(line, "@") {
		n = 1
	}
	var fields []string
	rest := strings.TrimPrefix(line, "-") // in some crons, it keeps a line out of the log
	for range n {
		var word string
		if word, rest = cutField(rest); word != "" {
			fields = append(fields, word)
		}
	}
	j := job{at: strings.Join(fields, " ")}
	if _, err := schedule.ParseCron(j.at, time.UTC); err != nil {
		return j, err
	}
	if n == 1 {
		j.at = strings.ToLower(j.at)
	}
	if system {
		if j.user, rest = cutField(rest); !isUser(j.user) {
			return j, fmt.Errorf("want the name of a user, have %q", j.user)
		}
	}
	j.command = rest
	if command, _, _ := cutStdin(rest); command == "" {
		return j, errors.New("want a command, have none")
	}
	return j, nil
}

// cutField returns the first word of a line, and the rest.
func cutField(s string) (word, rest string) {
	s = strings.TrimLeft(s, " \t")
	if i := strings.IndexAny(s, " \t"); i >= 0 {
		return s[:i], strings.TrimLeft(s[i:], " \t")
	}
	return s, ""
}

// isUser reports whether s can be the name of a user. That of a machine ends with a $.
func isUser(s string) bool {
	s = strings.TrimSuffix(s, "$")
	return s != "" && s[0] != '.' && s[0] != '-' &&
		strings.IndexFunc(s, func(r rune) bool { return !isWordRune(r) && r != '.' && r != '-' }) < 0
}

// hasUserColumn reports whether the lines of a crontab name users. All lines must
// have a user and a command, but "php /srv/a.php" would have, too. So none of the
// users may be a program that is no user, and one of them must be a common user, or
// one of this host.
func (i *importer) hasUserColumn(lines []string) bool {
	usual := regexp.MustCompile(`^(root|nobody|daemon|backup|www-data|postgres|mysql|munin|nagios|prometheus|list|man|mail|news|logcheck|smmsp|_.*)$`)
	found := false
	var env []variable
	for _, line := range lines {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "#") {
			continue
		}
		if v, ok := parseVariable(line); ok {
			env = setVariable(env, v)
			continue
		}
		j, err := parseJob(line, false)
		if err != nil {
			continue
		}
		user, command := cutField(j.command)
		if command == "" || !isUser(user) {
			return false
		}
		known := i.options.IsUser != nil && i.options.IsUser(user)
		_, program := i.findProgram(user, env)
		switch {
		case program && !known:
			return false
		case usual.MatchString(user), known && !program:
			found = true
		}
	}
	return found
}

// intervalOf returns the interval that an expression stands for, or "".
func intervalOf(at string) string {
	if at == "* * * * *" || at == "*/1 * * * *" {
		return "1m"
	}
	if at == "@hourly" || at == "0 * * * *" {
		return "1h"
	}
	if n, ok := stepBetween(at, "*/", " * * * *"); ok && 60%n == 0 {
		return fmt.Sprintf("%dm", n)
	}
	if n, ok := stepBetween(at, "0 */", " * * *"); ok && 24%n == 0 {
		return fmt.Sprintf("%dh", n)
	}
	return ""
}

// stepBetween returns the number between two texts.
func stepBetween(at, before, after string) (int, bool) {
	rest, ok := strings.CutPrefix(at, before)
	text, also := strings.CutSuffix(rest, after)
	n, err := strconv.Atoi(text)
	return n, ok && also && err == nil && n > 0
}
