package crontab

import (
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/hostexporter/host_exporter/collector/internal/yamltext"
)

// isMeasurement reports whether the command prints metrics, or is a monitoring plugin.
// All others are jobs, which cron let run as long as they wanted.
func (c *check) isMeasurement() bool {
	return c.format == "prometheus" || c.hasPluginName()
}

// hasPluginName reports whether the program is named as monitoring plugins are.
func (c *check) hasPluginName() bool {
	name := c.patterns.programName(c.tokens)
	return strings.HasPrefix(name, "check_") || strings.HasPrefix(name, "check-")
}

// jobTimeout is the timeout of a job, which cron did not limit.
const jobTimeout = 12 * time.Hour

// writeLimits writes each limit of a check. Cron has none.
func (c *check) writeLimits(b *strings.Builder) {
	timeout, reason := c.timeout, "from the crontab"
	memory, files, fileSize, stdout := "128MiB", 256, "16MiB", "256KiB"
	switch job := !c.isMeasurement(); {
	case job:
		memory, files, fileSize, stdout = "4GiB", 1024, "1024GiB", "16MiB"
		if b.WriteString("    slow: true\n"); timeout == 0 {
			timeout, reason = jobTimeout, "cron has none: how long may it take?"
		}
	case timeout == 0:
		timeout, reason = 10*time.Second, "cron has none: how long may it take?"
	}
	fmt.Fprintf(b, "    timeout: %s # %s\n", yamltext.Duration(timeout), reason)
	fmt.Fprintf(b, "    memory: %s # cron has none of these limits: how much may it use?\n", memory)
	fmt.Fprintf(b, "    cpu: %s\n", yamltext.Duration(max(2*timeout, time.Second)))
	fmt.Fprintf(b, "    open-files: %d\n", files)
	fmt.Fprintf(b, "    file-size: %s\n", fileSize)
	fmt.Fprintf(b, "    stdout-limit: %s\n", stdout)
}

// remarkJobs adds a decision if the command writes files, runs long, or starts what is
// meant to outlive it.
func (c *check) remarkJobs() {
	var longLived string
	if slices.ContainsFunc(c.tokens, func(t token) bool { return t.isOperator("&") }) {
		longLived = `"&"`
	}
	var names []string
	for _, i := range programs(c.tokens) {
		switch name := path.Base(c.tokens[i].text); {
		case c.patterns.outliving.MatchString(name) && longLived == "":
			longLived = name
		case c.patterns.writers.MatchString(name), name == "find" && slices.ContainsFunc(c.tokens[i:], func(t token) bool { return t.text == "-delete" || t.text == "-exec" }):
			names = append(names, name)
		}
	}
	if longLived != "" {
		c.addDecision("%s starts a process that outlives the command, and a check ends all its processes: should it be a service?", longLived)
	}
	if names = slices.Compact(names); len(names) > 0 {
		c.addDecision("%s may write files and run long, and a check is ended at its limits: should it stay in cron or be a timer?", strings.Join(names, ", "))
	}
	if files := writtenFiles(c.tokens); len(files) > 0 {
		c.addDecision("the output goes to a file, %s: does anything read it?", strings.Join(files, ", "))
	}
}

// programs returns the indices of the words that name a program: the first of each
// command, and also what follows a program that only starts another one.
func programs(t []token) (at []int) {
	starters := map[string]bool{}
	for name := range strings.FieldsSeq("sudo doas nohup setsid time nice ionice env chronic cronic exec command flock timeout") {
		starters[name] = true
	}
	first, starter, skip := true, "", false
	for i, w := range t {
		name := path.Base(w.text)
		switch {
		case w.operator:
			if skip = strings.ContainsAny(w.text, "<>") && !strings.Contains(w.text, ">&"); !skip {
				first, starter = true, ""
			}
		case skip:
			skip = false
		case !first:
		case starters[name]:
			at = append(at, i)
			starter = name
		case starter != "" && strings.HasPrefix(w.text, "-"):
			skip = starter == "sudo" && (w.text == "-u" || w.text == "-g") || starter == "timeout" && (w.text == "-s" || w.text == "-k")
		case starter == "flock":
			starter = "locked" // the name of the lock
		case starter != "" && isDuration(w.text), w.raw == "{", w.raw == "if", w.raw == "then", w.raw == "else", w.raw == "do", w.raw == "while", w.raw == "!":
		default:
			if _, _, assigns := assignment(w); !assigns {
				at = append(at, i)
				first = false
			}
		}
	}
	return at
}

// writtenFiles returns the files that redirections and tee write.
func writtenFiles(t []token) (files []string) {
	for i, op := range t {
		if op.operator && strings.Contains(op.text, ">") && !strings.Contains(op.text, ">&") && i+1 < len(t) && !t[i+1].operator && t[i+1].raw != "/dev/null" {
			files = append(files, t[i+1].raw)
		}
	}
	for _, i := range programs(t) {
		if path.Base(t[i].text) != "tee" {
			continue
		}
		for _, f := range t[i+1:] {
			if f.operator {
				break
			}
			if !strings.HasPrefix(f.text, "-") {
				files = append(files, f.raw)
			}
		}
	}
	slices.Sort(files)
	return slices.Compact(files)
}

// remarkShell adds decisions about what a check has not, or only another shell can do.
func (c *check) remarkShell(command string, env []variable) {
	set := func(name string) bool {
		return slices.ContainsFunc(env, func(v variable) bool { return v.name == name })
	}
	for _, name := range []string{"HOME", "LOGNAME", "USER", "SHELL", "MAILTO"} {
		if usesVariable(command, name) && !set(name) {
			c.addDecision("cron sets $%s, a check does not: write its value, or set it with env", name)
		}
	}
	if c.patterns.tilde.MatchString(command) && !set("HOME") {
		c.addDecision("~ needs HOME, which a check does not have: write the path, or set HOME with env")
	}
	if c.shell == "" {
		return
	}
	if found := c.patterns.bash.FindString(c.shell); found != "" {
		c.addDecision("%s needs bash, and a shell check runs in /bin/sh: use command: [/bin/bash, -c, ...]", strings.TrimSpace(found))
	}
}

// usesVariable reports whether a command has a variable, as $NAME or ${NAME.
func usesVariable(command, name string) bool {
	for rest := command; ; {
		_, after, ok := strings.Cut(rest, "$")
		if !ok {
			return false
		}
		rest = after
		if after, ok = strings.CutPrefix(strings.TrimPrefix(after, "{"), name); ok && (after == "" || !isWordRune(rune(after[0]))) {
			return true
		}
	}
}

// isDuration reports whether a word is a number, perhaps with s, m, h or d.
func isDuration(s string) bool {
	if s != "" && strings.IndexByte("smhd", s[len(s)-1]) >= 0 {
		s = s[:len(s)-1]
	}
	return s != "" && strings.Trim(s, "0123456789.") == ""
}
