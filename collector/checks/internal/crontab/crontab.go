// Package crontab turns crontabs into checks.
//
// What cron scripts do by hand, such as locks, timeouts and the spreading of
// load, checks have: it is taken away, with a comment. Where the meaning of a
// line is not sure, a comment says what is to decide. No line is lost.
package crontab

import (
	"fmt"
	"io"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/hostexporter/host_exporter/collector/internal/yamltext"
)

// A Format says whether lines name a user.
type Format int

const (
	Auto   Format = iota // look at the lines
	User                 // as crontab -l prints it
	System               // as /etc/crontab, with a user before the command
)

// ParseFormat reads the name of a format.
func ParseFormat(name string) (Format, error) {
	formats := map[string]Format{"auto": Auto, "user": User, "system": System}
	f, ok := formats[name]
	if !ok {
		return Auto, fmt.Errorf("want the format auto, user or system of a crontab, have %q", name)
	}
	return f, nil
}

// Options are what an import has to be told.
type Options struct {
	Format Format
	// User is who the commands of a crontab without users run as. Empty is
	// who runs the exporter.
	User string
	// Lookup tells whether there is a program at a path, and the path to write
	// for it. It is asked for each folder of PATH. Nil finds nothing.
	Lookup func(path string) (string, bool)
	// IsUser tells whether the host has a user of that name. Nil knows none.
	IsUser func(name string) bool
}

// A Report says what an import came to.
type Report struct {
	System    bool     // the lines name a user
	Checks    []string // the names, in the order of the lines
	Decisions int      // checks with something to decide
	Invalid   []InvalidLine
}

// InvalidLine is a line that is not understood.
type InvalidLine struct {
	Line int
	Text string
	Err  error
}

// maxBytes is far more than any crontab has.
const maxBytes = 1 << 20

// Import reads a crontab and writes the checks section of a configuration.
// The error is that of reading; lines that are not understood are comments,
// and counted in the report.
func Import(r io.Reader, o Options) ([]byte, Report, error) {
	text, err := io.ReadAll(io.LimitReader(r, maxBytes+1))
	if err != nil {
		return nil, Report{}, fmt.Errorf("reading a crontab: %w", err)
	}
	if len(text) > maxBytes {
		return nil, Report{}, fmt.Errorf("reading a crontab: more than %d bytes", maxBytes)
	}
	lines := strings.Split(strings.ToValidUTF8(string(text), "\uFFFD"), "\n")
	i := &importer{options: o, names: map[string]bool{}}
	i.report.System = o.Format == System || o.Format == Auto && i.hasUserColumn(lines)
	for n, line := range lines {
		i.readLine(n+1, strings.TrimSpace(line))
	}
	return i.output(), i.report, nil
}

// An importer goes through the lines of a crontab from top to bottom.
type importer struct {
	options Options
	report  Report
	env     []variable
	names   map[string]bool // names of checks
	out     strings.Builder
}

func (i *importer) output() []byte {
	format := "no line names a user"
	if i.report.System {
		format = "each line names a user"
	}
	head := "# Made from a crontab in which " + format + i.formatHint() + ".\n" +
		"# Read it before use: \"decide\" marks what only you can know.\n" +
		"# Cron ran commands in the home of their user, with HOME, LOGNAME and SHELL\n" +
		"# set. Checks run in /, and have of these what env gives them.\n"
	if len(i.report.Checks) == 0 {
		return []byte(head + i.out.String() + "checks: {}\n")
	}
	return []byte(head + "checks:\n" + i.out.String())
}

// formatHint says what to do where the format was taken for the wrong one.
func (i *importer) formatHint() string {
	switch {
	case i.options.Format != Auto:
		return ""
	case i.report.System:
		return ", as it seems; if not: --format=user"
	}
	return ", as it seems; if not: --format=system"
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
		comment(&i.out, "decide: line %d is not understood, %v:", number, err)
		comment(&i.out, "  %s", line)
		return
	}
	i.readJob(number, line, j)
}

// readVariable remembers what is for the commands below it.
func (i *importer) readVariable(number int, line string, v variable) {
	switch comment(&i.out, "line %d: %s", number, line); v.name {
	case "MAILTO", "MAILFROM":
		comment(&i.out, "  no mail is sent: failures are metrics now")
	case "SHELL":
		if v.value != "/bin/sh" {
			comment(&i.out, "  decide: shell checks run in /bin/sh")
		}
	case "CRON_TZ":
		comment(&i.out, "  decide: checks keep the time of the host")
	default:
		i.env = setVariable(i.env, v)
		if strings.Contains(v.value, "$") {
			comment(&i.out, "  decide: cron leaves a $ in a variable as it is, and so does a check")
		}
	}
}

// setVariable is the variables with one more, or another value of it.
func setVariable(vars []variable, v variable) []variable {
	vars = slices.DeleteFunc(slices.Clone(vars), func(old variable) bool { return old.name == v.name })
	return append(vars, v)
}

func (i *importer) readJob(number int, line string, j job) {
	env := i.env
	c := parseCommand(j.command, func(name string) (string, bool) { return i.findProgram(name, env) })
	for _, v := range c.env {
		env = setVariable(env, v)
	}
	if j.at == "@reboot" {
		c.addNote("runs once, when the exporter starts, and not again before the next start")
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
	if interval := intervalOf(j.at); interval != "" {
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
	if c.timeout > 0 {
		fmt.Fprintf(b, "    timeout: %s # as the line had it\n", yamltext.Duration(c.timeout))
	} else {
		b.WriteString("    timeout: 10s # cron had none: how long may it take?\n")
	}
	fmt.Fprintf(b, "    format: %s\n", c.format)
}

// findProgram looks for a program in the PATH of the crontab, or cron's.
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

// newName is made from the file name of the command, or of the script that an
// interpreter runs.
func (i *importer) newName(c *check) string {
	name := programName(c.tokens)
	name = strings.TrimSuffix(name, path.Ext(name))
	name = regexp.MustCompile(`[^a-zA-Z0-9_-]+`).ReplaceAllString(name, "_")
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

// programName is the file name of the first word that says what a command does.
func programName(tokens []token) string {
	interpreter := regexp.MustCompile(`^(sh|bash|dash|ksh|zsh|perl|php|ruby|python|node|env|sudo|flock|timeout|nice|ionice|nohup)[0-9.]*$`)
	skip := false // up to the next operator: what prepares the ground
	for _, t := range tokens {
		base := path.Base(t.text)
		switch {
		case t.operator:
			skip = false
		case skip || strings.HasPrefix(t.text, "-") || strings.Contains(t.text, "=") || interpreter.MatchString(base):
		case base == "cd" || base == "test" || base == "[" || base == "sleep":
			skip = true
		default:
			return base
		}
	}
	return ""
}
