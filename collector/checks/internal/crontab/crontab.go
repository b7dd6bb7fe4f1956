// Package crontab converts crontabs to checks. It removes from commands what checks
// do themselves, such as locks, timeouts and random delays, and writes a comment
// for each removal. Where it is not sure, it writes a comment that asks the user to
// decide. Every line of the crontab becomes a check or a comment.
package crontab

import (
	"fmt"
	"io"
	"path"
	"slices"
	"strings"

	"github.com/hostexporter/host_exporter/collector/internal/yamltext"
)

// A Format says whether the lines of a crontab name a user.
type Format int

const (
	Auto   Format = iota // detect it
	User                 // as of crontab -l
	System               // as of /etc/crontab, with a user before the command
)

// ParseFormat parses the name of a format.
func ParseFormat(name string) (Format, error) {
	formats := map[string]Format{"auto": Auto, "user": User, "system": System}
	f, ok := formats[name]
	if !ok {
		return Auto, fmt.Errorf("want auto, user or system as the format of a crontab, have %q", name)
	}
	return f, nil
}

// Options configure an import.
type Options struct {
	Format Format
	// User runs the commands of a crontab whose lines name no user. Empty is the
	// user of the exporter.
	User string
	// Lookup returns the path to write for the program at path, if there is one.
	// It is called for each directory of PATH. Nil finds nothing.
	Lookup func(path string) (string, bool)
	// IsUser reports whether the host has a user. Nil is false for all names.
	IsUser func(name string) bool
}

// A Report is the result of an import.
type Report struct {
	System    bool     // the lines name a user
	Checks    []string // names, in the order of the lines
	Decisions int      // number of checks with something to decide
	Invalid   []InvalidLine
}

// An InvalidLine is a line that cannot be parsed.
type InvalidLine struct {
	Line int
	Text string
	Err  error
}

// maxBytes is the maximum size of a crontab.
const maxBytes = 1 << 20

// Import reads a crontab and returns the checks section of a configuration file. It
// returns an error only if it cannot read: lines that it cannot parse are comments,
// and are in the report.
func Import(r io.Reader, o Options) ([]byte, Report, error) {
	text, err := io.ReadAll(io.LimitReader(r, maxBytes+1))
	if err != nil {
		return nil, Report{}, fmt.Errorf("reading a crontab: %w", err)
	}
	if len(text) > maxBytes {
		return nil, Report{}, fmt.Errorf("reading a crontab: want at most %d bytes", maxBytes)
	}
	lines := strings.Split(strings.ToValidUTF8(string(text), "\uFFFD"), "\n")
	i := &importer{options: o, patterns: newPatterns(), names: map[string]bool{}}
	i.report.System = o.Format == System || o.Format == Auto && i.hasUserColumn(lines)
	for n, line := range lines {
		i.readLine(n+1, strings.TrimSpace(line))
	}
	return i.output(), i.report, nil
}

// An importer converts the lines of a crontab, in their order.
type importer struct {
	options  Options
	patterns *patterns
	report   Report
	env      []variable
	names    map[string]bool // of checks
	out      strings.Builder
}

// output returns the section with comments on the whole crontab in front.
func (i *importer) output() []byte {
	format := "no line names a user"
	if i.report.System {
		format = "each line names a user"
	}
	head := "# Converted from a crontab in which " + format + i.formatHint() + ".\n" +
		"# Read it before use: \"decide:\" marks what only you can know.\n" +
		"# Checks have no capabilities, not even as root, and sudo gives them none:\n" +
		"# add capabilities: where a command fails without (docs/check-limits.md).\n" +
		"# Cron runs commands in the home directory of their user and sets HOME, LOGNAME\n" +
		"# and SHELL. Checks run in /, and have only the variables of env.\n" +
		"# Cron has no limits, checks have: each is written out. A check that does not\n" +
		"# measure is a job: it has long limits and uses the slots for slow checks.\n"
	if len(i.report.Checks) == 0 {
		return []byte(head + i.out.String() + "checks: {}\n")
	}
	return []byte(head + "checks:\n" + i.out.String())
}

// formatHint returns how to choose the other format, if this one was detected.
func (i *importer) formatHint() string {
	switch {
	case i.options.Format != Auto:
		return ""
	case i.report.System:
		return " (detected; otherwise use --format=user)"
	}
	return " (detected; otherwise use --format=system)"
}

func (i *importer) readLine(number int, line string) {
	if line == "" {
		return
	}
	if strings.HasPrefix(line, "#") {
		comment(&i.out, "%s", strings.TrimSpace(strings.TrimPrefix(line, "#")))
		return
	}
	if v, ok := parseVariable(line); ok {
		i.readVariable(number, line, v)
		return
	}
	j, err := parseJob(line, i.report.System)
	if err != nil {
		i.report.Invalid = append(i.report.Invalid, InvalidLine{number, line, err})
		i.out.WriteByte('\n')
		comment(&i.out, "decide: line %d is not valid: %v", number, err)
		comment(&i.out, "  %s", line)
		return
	}
	i.readJob(number, line, j)
}

// readVariable keeps a variable for the commands below it.
func (i *importer) readVariable(number int, line string, v variable) {
	switch comment(&i.out, "line %d: %s", number, line); v.name {
	case "MAILTO", "MAILFROM":
		comment(&i.out, "  checks send no mail: failures are metrics")
	case "SHELL":
		if v.value != "/bin/sh" {
			comment(&i.out, "  decide: a shell check runs in /bin/sh")
		}
	case "CRON_TZ":
		comment(&i.out, "  decide: checks use the time zone of the host")
	default:
		i.env = setVariable(i.env, v)
		if strings.Contains(v.value, "$") {
			comment(&i.out, "  decide: neither cron nor a check expands the $ in a variable")
		}
	}
}

// setVariable returns the variables with v added or replaced.
func setVariable(vars []variable, v variable) []variable {
	vars = slices.DeleteFunc(slices.Clone(vars), func(old variable) bool { return old.name == v.name })
	return append(vars, v)
}

func (i *importer) readJob(number int, line string, j job) {
	env := i.env
	c := i.patterns.parseCommand(j.command, func(name string) (string, bool) { return i.findProgram(name, env) })
	for _, v := range c.env {
		env = setVariable(env, v)
	}
	c.remarkShell(j.command, env)
	if j.at == "@reboot" {
		c.addNote("runs once after each start of the exporter")
	}
	if j.user == "" {
		j.user = i.options.User
	}
	if len(c.decisions) > 0 {
		i.report.Decisions++
	}
	name := i.newName(c)
	i.report.Checks = append(i.report.Checks, name)
	i.out.WriteByte('\n')
	comment(&i.out, "line %d: %s", number, line)
	for _, text := range c.decisions {
		comment(&i.out, "decide: %s", text)
	}
	for _, text := range c.notes {
		comment(&i.out, "note: %s", text)
	}
	i.writeCheck(name, c, j, env)
}

func (i *importer) writeCheck(name string, c *check, j job, env []variable) {
	b := &i.out
	fmt.Fprintf(b, "  %s:\n", yamltext.String(name))
	if c.argv != nil {
		fmt.Fprintf(b, "    command: %s\n", yamltext.Strings(c.argv))
	} else {
		fmt.Fprintf(b, "    shell: %s\n", yamltext.String(c.shell))
	}
	if interval := intervalOf(j.at); interval != "" && c.isMeasurement() {
		fmt.Fprintf(b, "    interval: %s\n", interval)
	} else {
		fmt.Fprintf(b, "    at: %s\n", yamltext.String(j.at))
	}
	if j.user != "" {
		fmt.Fprintf(b, "    user: %s\n", yamltext.String(j.user))
	}
	for k, v := range env {
		if k == 0 {
			b.WriteString("    env:\n")
		}
		fmt.Fprintf(b, "      %s: %s\n", yamltext.String(v.name), yamltext.String(v.value))
	}
	c.writeLimits(b)
	fmt.Fprintf(b, "    format: %s\n", c.format)
}

// findProgram searches for a program in the PATH of the crontab, or of cron.
func (i *importer) findProgram(name string, env []variable) (string, bool) {
	if i.options.Lookup == nil || name == "" || strings.Contains(name, "/") {
		return "", false
	}
	search := "/usr/bin:/bin"
	for _, v := range env {
		if v.name == "PATH" {
			search = v.value
		}
	}
	for folder := range strings.SplitSeq(search, ":") {
		if !strings.HasPrefix(folder, "/") {
			continue
		}
		if found, ok := i.options.Lookup(path.Join(folder, name)); ok {
			return found, true
		}
	}
	return "", false
}

// newName returns an unused name for a check: the file name of its program, or of
// the script that an interpreter runs.
func (i *importer) newName(c *check) string {
	name := i.patterns.programName(c.tokens)
	name = strings.TrimSuffix(name, path.Ext(name))
	name = i.patterns.unusable.ReplaceAllString(name, "_")
	name = strings.Trim(name[:min(len(name), 40)], "_-")
	if name == "" {
		name = "check"
	}
	if name[0] >= '0' && name[0] <= '9' {
		name = "check_" + name
	}
	unique := name
	for n := 2; i.names[unique]; n++ {
		unique = fmt.Sprintf("%s_%d", name, n)
	}
	i.names[unique] = true
	return unique
}

// programName returns the file name of the first word that is neither preparation
// nor an interpreter.
func (p *patterns) programName(tokens []token) string {
	skip := false // a preparation, up to the next operator
	for _, t := range tokens {
		base := path.Base(t.text)
		switch {
		case t.operator:
			skip = false
		case skip || strings.HasPrefix(t.text, "-") || strings.Contains(t.text, "=") || p.interpreter.MatchString(base):
		case base == "cd" || base == "test" || base == "[" || base == "sleep":
			skip = true
		default:
			return base
		}
	}
	return ""
}
