package crontab

import (
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A check is what a command is converted to: argv or shell.
type check struct {
	patterns  *patterns
	tokens    []token
	argv      []string
	shell     string
	env       []variable
	timeout   time.Duration
	format    string
	notes     []string // on what was changed
	decisions []string // what the user has to decide
}

func (c *check) addNote(format string, args ...any) {
	c.notes = append(c.notes, fmt.Sprintf(format, args...))
}

func (c *check) addDecision(format string, args ...any) {
	c.decisions = append(c.decisions, fmt.Sprintf(format, args...))
}

// parseCommand converts a command to a check: it removes what checks do themselves,
// and keeps a shell if the rest needs one.
func (p *patterns) parseCommand(command string, resolve func(string) (string, bool)) *check {
	c := &check{format: "exit", patterns: p}
	command = c.fixSleepPercent(command)
	command, input, has := cutStdin(command)
	if has {
		c.addDecision("the %% gives the command standard input, which checks do not have: %s", strconv.Quote(input))
	}
	tokens, closed := tokenize(command)
	if !closed {
		c.addDecision("a quote is not closed: sh rejects this command")
		c.shell = command
		return c
	}
	c.tokens = tokens
	c.dropSleep()
	c.dropTest()
	c.dropSleep() // behind the test
	c.dropLogger()
	c.takePromFile()
	c.dropRedirections()
	c.remarkJobs()
	c.dropWrappers()
	c.setCommand(command, resolve)
	return c
}

// fixSleepPercent adds the backslash that "sleep $((RANDOM % 60))" often lacks in a
// crontab.
func (c *check) fixSleepPercent(command string) string {
	mended := c.patterns.sleepPercent.ReplaceAllString(command, `${1}\%${2}`)
	if mended != command {
		c.addDecision("cron ends a command at a %% without a backslash, so this command never ran as intended")
	}
	return mended
}

// cutStdin cuts a command at the first percent sign, after which cron has the lines
// of its standard input. A percent sign with a backslash is an ordinary one.
func cutStdin(command string) (string, string, bool) {
	const hidden = "\x00"
	command = strings.ReplaceAll(strings.ReplaceAll(command, hidden, " "), `\%`, hidden)
	command, input, has := strings.Cut(command, "%")
	input = strings.ReplaceAll(input, "%", "\n")
	return strings.TrimSpace(strings.ReplaceAll(command, hidden, "%")), strings.ReplaceAll(input, hidden, "%"), has
}

// setCommand sets argv, or shell if the tokens need one.
func (c *check) setCommand(command string, resolve func(string) (string, bool)) {
	if !isPlain(c.tokens) || c.tokens[0].text == "" {
		c.shell = join(c.tokens)
		if c.shell == "" {
			c.shell = command // nothing is left
		}
		if len(c.tokens) > 0 && c.tokens[0].text == "cd" && !c.tokens[0].operator {
			c.addDecision("checks run in /: does the command need this directory?")
		}
		c.addNote("runs in a shell, because it uses shell syntax")
		return
	}
	for _, t := range c.tokens {
		c.argv = append(c.argv, t.text)
	}
	if strings.HasPrefix(c.argv[0], "/") {
		return
	}
	if found, ok := resolve(c.argv[0]); ok {
		c.addNote("%s is from PATH", c.argv[0])
		c.argv[0] = found
		return
	}
	c.addDecision("%s is not in PATH: give its absolute path", strconv.Quote(c.argv[0]))
}

// dropSleep removes a random delay in front of a command.
func (c *check) dropSleep() {
	t := c.tokens
	end := slices.IndexFunc(t, func(t token) bool { return t.operator })
	if end <= 0 || end+1 >= len(t) || !t[end].isOperator(";", "&&") {
		return
	}
	wait := join(t[:end])
	switch name := t[0].text; {
	case name == "sleep" && end == 2 && strings.Contains(wait, "${RANDOM:"):
		c.addNote("removed %q, which needs bash: checks are spread over time", join(t[:end+1]))
	case name == "sleep" && end == 2 && strings.Contains(wait, "RANDOM"),
		(path.Base(name) == "perl" || strings.HasPrefix(path.Base(name), "python")) && strings.Contains(wait, "sleep") && strings.Contains(wait, "rand"):
		c.addNote("removed %q: checks are spread over time", join(t[:end+1]))
	default:
		return
	}
	c.tokens = t[end+1:]
}

// dropTest removes a test for whether the command is installed.
func (c *check) dropTest() {
	t := c.tokens
	end := slices.IndexFunc(t, func(t token) bool { return t.operator })
	if end <= 0 || end+1 >= len(t) || t[end].raw != "&&" && t[end].raw != "||" {
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
			c.addDecision("runs only if %s is missing: does this host need this check?", words[1].text)
			return
		}
		rest = rest[3:]
	}
	if slices.ContainsFunc(rest, func(t token) bool { return t.isOperator("||", ";", "&") }) {
		return
	}
	c.addNote("removed the test for %s: a check that cannot be started is reported", words[1].text)
	c.tokens = rest
}

// dropLogger removes a logger at the end of a pipeline.
func (c *check) dropLogger() {
	last := lastOperator(c.tokens, "|")
	if last <= 0 || last+1 == len(c.tokens) || path.Base(c.tokens[last+1].text) != "logger" || !isPlain(c.tokens[last+1:]) {
		return
	}
	c.addNote("removed %q, whose exit code hides that of the command: failures are metrics", join(c.tokens[last:]))
	c.tokens = c.tokens[:last]
}

// lastOperator returns the index of the last token that is this operator, or -1.
func lastOperator(tokens []token, operator string) int {
	for i, t := range slices.Backward(tokens) {
		if t.isOperator(operator) {
			return i
		}
	}
	return -1
}

// dropRedirections removes redirections to /dev/null from a single command. In a
// pipeline they may have a purpose.
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
		default:
			return
		}
	}
	if len(kept) > 0 && len(kept) < len(c.tokens) {
		c.addNote("removed %q: the output of a check is not mailed", strings.TrimSpace(redirections(c.tokens)))
		c.tokens = kept
	}
}

// redirections returns the redirections of a single command, as written.
func redirections(tokens []token) string {
	first := slices.IndexFunc(tokens, func(t token) bool { return t.operator })
	return join(tokens[first:])
}
