package command

import (
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/alecthomas/kingpin/v2"

	"github.com/hostexporter/host_exporter/collector"
	"github.com/hostexporter/host_exporter/collector/exporter"
)

// completeCommand is the first argument of a command line that the scripts of shells
// run: the shell, and the words before and under the cursor follow.
const completeCommand = "complete"

// usualConfigFile is the configuration file of the service files.
const usualConfigFile = "/etc/host_exporter/host_exporter.yml"

// completionScripts returns the scripts by shell. They have no names themselves, and so
// need no change when the program has.
func completionScripts() map[string]string {
	return map[string]string{
		"bash": `# Completion of host_exporter for bash: source it, or install it as
# /usr/share/bash-completion/completions/host_exporter.
_host_exporter() {
	local IFS=$'\n'
	COMPREPLY=($("${COMP_WORDS[0]}" ` + completeCommand + ` bash "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null))
	if [[ ${COMPREPLY[0]} == *= ]]; then
		compopt -o nospace 2>/dev/null
	fi
}
complete -o default -F _host_exporter host_exporter
`,
		"zsh": `#compdef host_exporter
# Completion of host_exporter for zsh: install it as _host_exporter in a directory of
# $fpath, such as /usr/share/zsh/vendor-completions.
_host_exporter() {
	local -a candidates
	candidates=("${(@f)$("${words[1]}" ` + completeCommand + ` zsh "${(@)words[2,CURRENT]}" 2>/dev/null)}")
	if [[ -z ${candidates[1]} ]]; then
		_files
		return
	fi
	compadd -S '' -- ${(M)candidates:#*=}
	compadd -- ${candidates:#*=}
}
if [[ ${zsh_eval_context[-1]} == loadautofunc ]]; then
	_host_exporter "$@"
else
	compdef _host_exporter host_exporter
fi
`,
		"fish": `# Completion of host_exporter for fish: install it as
# /usr/share/fish/vendor_completions.d/host_exporter.fish.
function __host_exporter_complete
	set -l words (commandline -opc) (commandline -ct)
	set -l candidates (host_exporter ` + completeCommand + ` fish $words[2..-1] 2>/dev/null)
	if test -n "$candidates"
		printf '%s\n' $candidates
	else
		__fish_complete_path (commandline -ct)
	end
end
complete -c host_exporter -f -a '(__host_exporter_complete)'
`,
	}
}

func (p *program) addCompletion() {
	var shell string
	c := p.command(p.app, "completion", "Print a completion script for bash, zsh or fish.", func(context.Context) error {
		_, err := io.WriteString(p.stdout, completionScripts()[shell])
		return err
	})
	c.raw = true
	c.Arg("shell", "bash, zsh or fish.").Required().SetValue(&namedValue{newEnum(&shell, "bash", "zsh", "fish"), p, "shell"})
}

// complete writes the candidates for the last of some words, one a line.
func (p *program) complete(shell string, words []string) error {
	if shell == "bash" {
		words = joinWords(words)
	}
	if len(words) == 0 {
		words = []string{""}
	}
	c := completer{program: p, commands: p.app.Model().Commands, flags: p.app.Model().Flags}
	current := words[len(words)-1]
	for _, candidate := range c.candidates(words[:len(words)-1], current) {
		if !strings.HasPrefix(candidate, current) {
			continue
		}
		if shell == "bash" && strings.Contains(current, "=") {
			_, candidate, _ = strings.Cut(candidate, "=") // for bash, the word begins there
		}
		if _, err := fmt.Fprintln(p.stdout, candidate); err != nil {
			return err
		}
	}
	return nil
}

// joinWords joins the words that bash splits at equal signs and colons.
func joinWords(words []string) []string {
	var joined []string
	glue := false
	for _, w := range words {
		separator := w == "=" || strings.Trim(w, ":") == "" && w != ""
		if (separator || glue) && len(joined) > 0 {
			joined[len(joined)-1] += w
		} else {
			joined = append(joined, w)
		}
		glue = separator
	}
	return joined
}

// A completer finds candidates for a word of a command line.
type completer struct {
	program  *program
	commands []*kingpin.CmdModel  // that may follow
	flags    []*kingpin.FlagModel // that may follow
	path     []string             // of the commands so far
	args     []string             // after the command
	pending  *kingpin.FlagModel
	file     string // configuration file
}

// candidates returns candidates for the current word after others. They may have other
// prefixes.
func (c *completer) candidates(before []string, current string) []string {
	onlyArgs := false
	for _, w := range before {
		switch {
		case c.pending != nil:
			c.set(c.pending, w)
			c.pending = nil
		case w == "--":
			onlyArgs = true
		case strings.HasPrefix(w, "-") && !onlyArgs:
			name, value, hasValue := strings.Cut(strings.TrimLeft(w, "-"), "=")
			f := c.flag(name)
			if f != nil && hasValue {
				c.set(f, value)
			} else if f != nil && !f.IsBoolFlag() {
				c.pending = f
			}
		default:
			c.word(w)
		}
	}
	name, _, hasValue := strings.Cut(strings.TrimPrefix(current, "--"), "=")
	switch {
	case c.pending != nil:
		return values(c.pending)
	case strings.HasPrefix(current, "--") && hasValue && !onlyArgs:
		f := c.flag(name)
		if f == nil {
			return nil
		}
		var list []string
		for _, v := range values(f) {
			list = append(list, "--"+name+"="+v)
		}
		return list
	case strings.HasPrefix(current, "-") && !onlyArgs:
		return c.flagWords(strings.HasPrefix(current, "--no-"))
	}
	return c.arguments(current)
}

// set notes the value of a flag.
func (c *completer) set(f *kingpin.FlagModel, value string) {
	if f.Name == "config.file" {
		c.file = value
	}
}

// flag returns the flag with a name that may follow, or nil.
func (c *completer) flag(name string) *kingpin.FlagModel {
	i := slices.IndexFunc(c.flags, func(f *kingpin.FlagModel) bool { return f.Name == name })
	if i < 0 {
		return nil
	}
	return c.flags[i]
}

// word takes a word that is a command or an argument.
func (c *completer) word(w string) {
	if w == "help" && c.path == nil {
		c.path, c.commands = []string{w}, nil
		return
	}
	i := slices.IndexFunc(c.commands, func(m *kingpin.CmdModel) bool { return m.Name == w })
	if i < 0 {
		c.args = append(c.args, w)
		return
	}
	m := c.commands[i]
	c.path, c.commands = append(c.path, w), m.Commands
	c.flags = append(slices.Clone(c.flags), m.Flags...)
}

// values returns the values of a flag that is one of some.
func values(f *kingpin.FlagModel) []string {
	v := f.Value
	if named, ok := v.(*namedValue); ok {
		v = named.Value
	}
	if e, ok := v.(*enum); ok {
		return e.options
	}
	return nil
}

// flagWords returns the flags that may follow, or the negated ones.
func (c *completer) flagWords(negated bool) (words []string) {
	for _, f := range c.flags {
		switch {
		case f.Hidden:
		case negated && f.IsBoolFlag():
			words = append(words, "--no-"+f.Name)
		case negated:
		case f.IsBoolFlag():
			words = append(words, "--"+f.Name)
		default:
			words = append(words, "--"+f.Name+"=")
		}
	}
	return words
}

// arguments returns the commands and arguments that may follow.
func (c *completer) arguments(current string) (words []string) {
	for _, m := range c.commands {
		if !m.Hidden {
			words = append(words, m.Name)
		}
	}
	switch strings.Join(c.path, " ") {
	case "":
		return append(words, "help")
	case "once":
		return collectorNames()
	case "doctor":
		words = collectorNames()
		if strings.Contains(current, "_") { // there are thousands
			words = append(words, exporter.MetricNames()...)
		}
		return words
	case "checks run", "checks status":
		return c.checkNames()
	case "completion":
		return []string{"bash", "zsh", "fish"}
	case "help":
		return c.topics()
	}
	return words
}

// topics returns what may follow the command help.
func (c *completer) topics() (words []string) {
	if len(c.args) > 0 && c.args[0] == collectorTopic {
		return collectorNames()
	}
	all := c.program.app.Model().Commands
	for _, w := range c.args {
		i := slices.IndexFunc(all, func(m *kingpin.CmdModel) bool { return m.Name == w })
		if i < 0 {
			return nil
		}
		all = all[i].Commands
	}
	for _, m := range all {
		words = append(words, m.Name)
	}
	if len(c.args) == 0 {
		words = append(words, flagsTopic, collectorsTopic, collectorTopic)
	}
	return words
}

// checkNames returns the names of the checks of the configuration file.
func (c *completer) checkNames() []string {
	file := c.file
	for _, f := range []string{os.Getenv(variable("config.file")), usualConfigFile} {
		if file == "" {
			file = f
		}
	}
	names, err := exporter.CheckNames(file)
	if err != nil {
		return nil
	}
	return names
}

// collectorNames returns the names of all collectors.
func collectorNames() (names []string) {
	for _, spec := range collector.Catalog() {
		names = append(names, spec.Name)
	}
	slices.Sort(names)
	return names
}
