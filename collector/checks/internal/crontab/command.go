package crontab

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A check is what becomes of the command of a line.
type check struct {
	tokens    []token
	argv      []string // or else
	shell     string
	env       []variable
	timeout   time.Duration
	format    string
	notes     []string // what was changed, and why it does no harm
	decisions []string // what only a human can know
}

func (c *check) addNote(format string, args ...any) {
	c.notes = append(c.notes, fmt.Sprintf(format, args...))
}

func (c *check) addDecision(format string, args ...any) {
	c.decisions = append(c.decisions, fmt.Sprintf(format, args...))
}

// parseCommand turns a command into a check: it takes away what a check has
// already, and looks whether a shell is needed for the rest.
func parseCommand(command string, resolve func(string) (string, bool)) *check {
	c := &check{format: "exit"}
	command = c.fixSleepPercent(command)
	command, input, has := cutStdin(command)
	if has {
		c.addDecision("%% gave the command standard input, which checks do not have: %s", strconv.Quote(input))
	}
	tokens, closed := tokenize(command)
	if !closed {
		c.addDecision("a quote is not closed: sh would have refused this")
		c.shell = command
		return c
	}
	c.tokens = tokens
	c.dropSleep()
	c.dropTest()
	c.dropLogger()
	c.takePromFile()
	c.dropRedirections()
	c.dropWrappers()
	c.setCommand(command, resolve)
	return c
}

// fixSleepPercent puts the backslash where it is often forgotten. It is plain what was
// meant, though cron saw the end of the command there.
func (c *check) fixSleepPercent(command string) string {
	mended := regexp.MustCompile(`^(sleep +\$\(\( *RANDOM *)%( *[0-9]+ *\)\))`).ReplaceAllString(command, `${1}\%${2}`)
	if mended != command {
		c.addDecision("cron ends a command at a %% without backslash: this has never run as it was meant")
	}
	return mended
}

// cutStdin separates a command from what follows the first percent sign, which
// cron hands over line by line. A percent sign with a backslash is one.
func cutStdin(command string) (string, string, bool) {
	const hidden = "\x00"
	command = strings.ReplaceAll(strings.ReplaceAll(command, hidden, " "), `\%`, hidden)
	command, input, has := strings.Cut(command, "%")
	input = strings.ReplaceAll(input, "%", "\n")
	return strings.TrimSpace(strings.ReplaceAll(command, hidden, "%")), strings.ReplaceAll(input, hidden, "%"), has
}

func (c *check) setCommand(command string, resolve func(string) (string, bool)) {
	if !isPlain(c.tokens) || c.tokens[0].text == "" {
		c.shell = join(c.tokens)
		if c.shell == "" {
			c.shell = command // nothing but what would be taken away
		}
		if len(c.tokens) > 0 && c.tokens[0].text == "cd" && !c.tokens[0].operator {
			c.addDecision("checks run in /: does the command need its folder?")
		}
		c.addNote("uses the syntax of a shell")
		return
	}
	for _, t := range c.tokens {
		c.argv = append(c.argv, t.text)
	}
	if strings.HasPrefix(c.argv[0], "/") {
		return
	}
	if found, ok := resolve(c.argv[0]); ok {
		c.addNote("%s was found in PATH", c.argv[0])
		c.argv[0] = found
		return
	}
	c.addDecision("%s was not found in PATH: give its absolute path", strconv.Quote(c.argv[0]))
}

// dropSleep takes away the wait before a command that spreads the load.
func (c *check) dropSleep() {
	t := c.tokens
	if len(t) > 3 && t[0].text == "sleep" && strings.Contains(t[1].raw, "RANDOM") && t[2].isOperator(";", "&&") {
		c.addNote("without %q: checks are spread over time already", join(t[:3]))
		c.tokens = t[3:]
	}
}

// dropTest takes away the question whether the command is installed.
func (c *check) dropTest() {
	t := c.tokens
	end := slices.IndexFunc(t, func(t token) bool { return t.operator })
	if end < 0 || end+1 >= len(t) || t[end].raw != "&&" && t[end].raw != "||" {
		return
	}
	words := t[:end]
	if words[0].raw == "[" && words[end-1].raw == "]" {
		words = words[1 : end-1]
	} else if words[0].raw == "test" {
		words = words[1:]
	} else {
		return
	}
	if len(words) != 2 || !slices.Contains([]string{"-x", "-e", "-f"}, words[0].raw) || words[1].needsShell {
		return
	}
	rest := t[end+1:]
	if t[end].isOperator("||") {
		if len(rest) < 4 || rest[0].text != "exit" || rest[1].text != "0" || !rest[2].isOperator(";") {
			c.addDecision("runs only where %s is missing: is this check needed on this host?", words[1].text)
			return
		}
		rest = rest[3:]
	}
	if slices.ContainsFunc(rest, func(t token) bool { return t.isOperator("||", ";", "&") }) {
		return
	}
	c.addNote("without the test for %s: a check that cannot be started is told", words[1].text)
	c.tokens = rest
}

// dropLogger takes away the log at the end of a pipeline.
func (c *check) dropLogger() {
	last := lastOperator(c.tokens, "|")
	if last <= 0 || last+1 == len(c.tokens) || path.Base(c.tokens[last+1].text) != "logger" || !isPlain(c.tokens[last+1:]) {
		return
	}
	c.addNote("without %q, whose exit code hid that of the command: failures are metrics now", join(c.tokens[last:]))
	c.tokens = c.tokens[:last]
}

func lastOperator(tokens []token, operator string) int {
	for i, t := range slices.Backward(tokens) {
		if t.isOperator(operator) {
			return i
		}
	}
	return -1
}

// dropRedirections takes away that nobody should see the output. It does so for a
// single command only: in a pipeline it can mean something.
func (c *check) dropRedirections() {
	var kept []token
	for i := 0; i < len(c.tokens); i++ {
		t := c.tokens[i]
		if !t.operator {
			kept = append(kept, t)
			continue
		}
		target := ""
		if i+1 < len(c.tokens) {
			target = c.tokens[i+1].raw
		}
		switch {
		case t.isOperator("2>&1", "1>&2", ">&2"):
		case t.isOperator(">", "1>", "2>", ">>", "1>>", "2>>", "&>", "&>>", "<", ">&") && target == "/dev/null":
			i++
		case t.isOperator(">", "1>", ">>", "1>>", "2>", "2>>", "&>", "&>>"):
			c.addDecision("the output goes into a file: is that needed by anybody?")
			return
		default:
			return
		}
	}
	if len(kept) > 0 && len(kept) < len(c.tokens) {
		c.addNote("without %q: the output of a check goes nowhere", strings.TrimSpace(redirections(c.tokens)))
		c.tokens = kept
	}
}

// redirections are those of a single command, as written.
func redirections(tokens []token) string {
	first := slices.IndexFunc(tokens, func(t token) bool { return t.operator })
	return join(tokens[first:])
}
