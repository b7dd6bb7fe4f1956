package crontab

import (
	"path"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// dropWrappers removes programs that only start another one.
func (c *check) dropWrappers() {
	for isPlain(c.tokens) {
		t := c.tokens
		if name, value, ok := assignment(t[0]); ok && len(t) > 1 {
			c.env = append(c.env, variable{name, value})
			c.tokens = t[1:]
			continue
		}
		rest := -1
		switch path.Base(t[0].text) {
		case "flock":
			rest = c.dropFlock(t)
		case "timeout":
			rest = c.takeTimeout(t)
		case "nice":
			rest = skipOptions(t, `^(-n|--adjustment)$`, `^(-[0-9]+|-n-?[0-9]+|--[0-9]+|--adjustment=.*)$`)
		case "ionice":
			rest = skipOptions(t, `^(-c|-n|--class|--classdata)$`, `^(-t|--ignore|-[cn][0-9]|--class(data)?=.*)$`)
		case "nohup":
			rest = 1
		case "env":
			if rest = 1; len(t) < 2 || strings.HasPrefix(t[1].text, "-") {
				rest = -1
			}
		}
		if rest <= 0 || rest >= len(t) {
			return
		}
		if name := path.Base(t[0].text); name == "nice" || name == "ionice" || name == "nohup" {
			c.addNote("removed %q: checks run at low priority and without a terminal", join(t[:rest]))
		}
		c.tokens = t[rest:]
	}
}

// assignment parses NAME=value in front of a command.
func assignment(t token) (name, value string, ok bool) {
	name, value, ok = strings.Cut(t.text, "=")
	return name, value, ok && isName(name) && strings.HasPrefix(t.raw, name+"=")
}

// skipOptions returns the index of the first argument that is no option. The
// patterns match the options that take the next argument as their value, and those
// that do not. It returns -1 for an unknown option.
func skipOptions(t []token, valued, single string) int {
	i := 1
	for ; i < len(t) && strings.HasPrefix(t[i].text, "-"); i++ {
		switch {
		case regexp.MustCompile(valued).MatchString(t[i].text):
			i++
		case !regexp.MustCompile(single).MatchString(t[i].text):
			return -1
		}
	}
	return i
}

// dropFlock returns the index of the command of flock. A command after -c is for a
// shell, and replaces all tokens.
func (c *check) dropFlock(t []token) int {
	lock := skipOptions(t, `^(-w|--wait|--timeout|-E|--conflict-exit-code)$`, `^(-[nxseuFo]+|--(nb|nonblock|exclusive|shared|close|no-fork|wait=.*|timeout=.*))$`)
	if lock < 0 || lock+1 >= len(t) {
		return -1
	}
	const why = "removed %q: a check never runs twice at once. Keep it if other programs use the lock"
	if t[lock+1].text != "-c" && t[lock+1].text != "--command" {
		c.addNote(why, join(t[:lock+1]))
		return lock + 1
	}
	if lock+3 != len(t) {
		return -1
	}
	inner, closed := tokenize(t[lock+2].text)
	if !closed || len(inner) == 0 {
		return -1
	}
	c.addNote(why, join(t[:lock+2]))
	c.tokens = inner
	return 0
}

// takeTimeout returns the index of the command of timeout, and sets the timeout.
func (c *check) takeTimeout(t []token) int {
	i := skipOptions(t, `^(-k|--kill-after|-s|--signal)$`, `^(--(foreground|preserve-status|verbose|kill-after=.*|signal=.*)|-v|-[ks].+)$`)
	if i < 0 || i+1 >= len(t) {
		return -1
	}
	d, ok := parseTimeout(t[i].text)
	if !ok {
		return -1
	}
	c.timeout = d
	return i + 1
}

// parseTimeout parses a duration of timeout(1): a number, perhaps with s, m, h or d.
func parseTimeout(text string) (time.Duration, bool) {
	if text == "" {
		return 0, false
	}
	unit := time.Second
	switch text[len(text)-1] {
	case 's':
		text = text[:len(text)-1]
	case 'm':
		unit, text = time.Minute, text[:len(text)-1]
	case 'h':
		unit, text = time.Hour, text[:len(text)-1]
	case 'd':
		unit, text = 24*time.Hour, text[:len(text)-1]
	}
	n, err := strconv.ParseFloat(text, 64)
	if err != nil || !(n > 0) || n*unit.Seconds() > 1e8 || n*unit.Seconds() < 1e-3 {
		return 0, false
	}
	return time.Duration(n * float64(unit)), true
}
