package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/alecthomas/kingpin/v2"

	"github.com/hostexporter/host_exporter/collector"
	"github.com/hostexporter/host_exporter/collector/exporter"
)

// helpWidth is the maximum number of columns of a line of help.
const helpWidth = 80

// Topics of the command help, other than commands.
const (
	flagsTopic      = "flags"
	collectorsTopic = "collectors"
	collectorTopic  = "collector"
	manTopic        = "man"
)

// firstFlags returns the flags that the first page of the help has, with the words
// for them.
func firstFlags() [][2]string {
	return [][2]string{
		{"config.file", "Configuration file; SIGHUP reloads it"},
		{"web.listen-address", "Address to listen on (default: :9100)"},
		{"web.config.file", "TLS and authentication"},
		{"collector.NAME", "Enable or disable a collector"},
		{"collector.disable-defaults", "Run only collectors that are enabled"},
		{"collector.textfile.directory", "Directory of text files with metrics"},
		{"path.rootfs", "Where a container has the host's root"},
		{"sandbox", "auto, required or off"},
		{"log.level", "debug, info, warn or error"},
		{"log.format", "logfmt or json"},
	}
}

// addHelp adds the usage texts to --help, and the topics of the command help.
func (p *program) addHelp() {
	p.app.HelpFlag.Short('h').Help("Show the help of the exporter, or of the command.")
	p.app.UsageTemplate(`{{usage .Context.SelectedCommand}}`)
	p.app.UsageFuncs(map[string]any{"usage": func(cmd *kingpin.CmdModel) string {
		if cmd == nil {
			return p.overview()
		}
		return p.commandHelp(cmd)
	}})
}

// isHelp reports whether args ask for help that kingpin does not give, and returns
// its topic.
func isHelp(args []string) (topic []string, ok bool) {
	switch {
	case len(args) > 0 && args[0] == "help":
		return slices.DeleteFunc(slices.Clone(args[1:]), func(a string) bool { return strings.HasPrefix(a, "-") }), true
	case slices.Contains(args, "--help-long"):
		return []string{flagsTopic}, true
	case slices.Contains(args, "--help-man"):
		return []string{manTopic}, true
	}
	return nil, false
}

// helpOn returns the help on a topic.
func (p *program) helpOn(topic []string) (string, error) {
	switch {
	case len(topic) == 0:
		return p.overview(), nil
	case len(topic) == 1 && topic[0] == flagsTopic:
		return p.flagsHelp(), nil
	case len(topic) == 1 && topic[0] == manTopic:
		return p.manualPage(), nil
	case len(topic) == 1 && topic[0] == collectorsTopic, len(topic) == 1 && topic[0] == collectorTopic:
		return collectorsHelp(), nil
	case len(topic) == 2 && topic[0] == collectorTopic:
		return p.collectorHelp(topic[1])
	}
	all := p.app.Model().CmdGroupModel
	known := []string{flagsTopic, collectorsTopic}
	var cmd *kingpin.CmdModel
	for _, word := range topic {
		i := slices.IndexFunc(all.Commands, func(c *kingpin.CmdModel) bool { return c.Name == word })
		if i < 0 {
			for _, c := range all.Commands {
				known = append(known, c.Name)
			}
			return "", fmt.Errorf("no help on %q%s", strings.Join(topic, " "), exporter.Suggest(word, known))
		}
		cmd, known = all.Commands[i], nil
		all = cmd.CmdGroupModel
	}
	return p.commandHelp(cmd), nil
}

// overview returns the first page of the help.
func (p *program) overview() string {
	var b strings.Builder
	model := p.app.Model()
	fmt.Fprintf(&b, "usage: %s [FLAGS] [COMMAND]\n\n%s Without a command it serves them.\n\nCommands:\n", model.Name, model.Help)
	var rows [][2]string
	for _, c := range model.FlattenedCommands() {
		if !c.Hidden && c.Name != "help" {
			rows = append(rows, [2]string{c.FullCommand, firstSentence(c.Help)})
		}
	}
	writeColumns(&b, rows)
	b.WriteString("\nFlags:\n")
	rows = nil
	for _, f := range firstFlags() {
		rows = append(rows, [2]string{strings.TrimSuffix(p.flagSyntax(f[0]), " ..."), f[1]})
	}
	writeColumns(&b, rows)
	b.WriteString("\nMore:\n")
	writeColumns(&b, [][2]string{
		{"host_exporter COMMAND --help", "arguments and flags of a command"},
		{"host_exporter help flags", "all flags, and environment variables"},
		{"host_exporter help collectors", "all collectors"},
		{"host_exporter help collector NAME", "a collector with its flags"},
	})
	return b.String()
}

// firstSentence returns the first sentence of a help text without its full stop.
func firstSentence(help string) string {
	first, _, _ := strings.Cut(help, ". ")
	return strings.TrimSuffix(first, ".")
}

// flagSyntax returns a flag of the application with its placeholder. That of a
// collector NAME stands for all collectors.
func (p *program) flagSyntax(name string) string {
	if f := p.app.GetFlag(name); f != nil {
		return flagSyntax(f.Model())
	}
	return "--[no-]" + name
}

func flagSyntax(f *kingpin.FlagModel) string {
	text := "--" + f.Name
	switch {
	case f.IsBoolFlag():
		text = "--[no-]" + f.Name
	default:
		text += "=" + f.PlaceHolder
	}
	if f.Short != 0 {
		text = fmt.Sprintf("-%c, --%s", f.Short, f.Name)
	}
	if isList(f.Value) {
		text += " ..."
	}
	return text
}

// commandHelp returns the help of a command: its own arguments and flags.
func (p *program) commandHelp(c *kingpin.CmdModel) string {
	var b strings.Builder
	fmt.Fprintf(&b, "usage: %s\n\n", commandSyntax(p.app.Name, c))
	for _, line := range wrap(c.Help, helpWidth) {
		b.WriteString(line + "\n")
	}
	var rows [][2]string
	for _, a := range c.Args {
		rows = append(rows, [2]string{argSyntax(a), a.Help})
	}
	writeSection(&b, "Arguments", rows)
	writeSection(&b, "Flags", flagRows(c.Flags))
	rows = nil
	for _, sub := range c.Commands {
		rows = append(rows, [2]string{sub.Name, firstSentence(sub.Help)})
	}
	writeSection(&b, "Commands", rows)
	b.WriteString("\nThe flags of the exporter apply, too: host_exporter help flags lists them.\n")
	return b.String()
}

// commandSyntax returns a command with its arguments.
func commandSyntax(program string, c *kingpin.CmdModel) string {
	words := []string{program, c.FullCommand}
	if len(c.Flags) > 0 {
		words = append(words, "[FLAGS]")
	}
	for _, a := range c.Args {
		words = append(words, argSyntax(a))
	}
	if len(c.Commands) > 0 {
		words = append(words, "COMMAND")
	}
	return strings.Join(words, " ")
}

func argSyntax(a *kingpin.ArgModel) string {
	text := cmp.Or(a.PlaceHolder, strings.ToUpper(a.Name))
	if isList(a.Value) {
		text += "..."
	}
	if !a.Required {
		text = "[" + text + "]"
	}
	return text
}

// A flagGroup is flags under a title.
type flagGroup struct {
	title string
	flags []*kingpin.FlagModel
}

// flagGroups returns the flags of the application that are not hidden, by what they
// are for.
func (p *program) flagGroups() []flagGroup {
	groups := []flagGroup{{title: "General"}, {title: "Web server"}, {title: "Paths"}, {title: "Process"}, {title: "Checks"}, {title: "Log"}, {title: "Several collectors"}}
	index := map[string]int{"web": 1, "path": 2, "runtime": 3, "sandbox": 3, "checks": 4, "log": 5}
	ofCollector := map[string]int{}
	for _, spec := range collector.Catalog() {
		ofCollector[spec.Name] = -1
	}
	retired := flagGroup{title: "Without effect, for compatibility"}
	for _, f := range p.app.Model().Flags {
		if f.Hidden {
			continue
		}
		first, rest, _ := strings.Cut(f.Name, ".")
		name, _, _ := strings.Cut(rest, ".")
		i, known := ofCollector[name]
		switch {
		case first != "collector":
			groups[index[first]].flags = append(groups[index[first]].flags, f)
		case strings.HasPrefix(f.Help, "Has no effect"):
			retired.flags = append(retired.flags, f)
		case !known:
			groups[6].flags = append(groups[6].flags, f)
		default:
			if i < 0 {
				i = len(groups)
				ofCollector[name] = i
				groups = append(groups, flagGroup{title: "Collector " + name})
			}
			groups[i].flags = append(groups[i].flags, f)
		}
	}
	return append(groups, retired)
}

// flagsHelp returns the help on all flags of the application.
func (p *program) flagsHelp() string {
	var b strings.Builder
	for _, line := range wrap("Each flag has an environment variable: its name in capitals after "+variablePrefix+", with _ for dots and dashes, such as "+
		variable("log.level")+"=debug and "+variable("collector.hba")+"=true. A flag takes precedence over the variable, and the variable over the configuration file.", helpWidth) {
		b.WriteString(line + "\n")
	}
	for _, g := range p.flagGroups() {
		writeSection(&b, g.title, flagRows(g.flags))
	}
	return b.String()
}

// collectorsHelp returns the help on all collectors.
func collectorsHelp() string {
	var b strings.Builder
	var rows [][2]string
	for _, spec := range collector.Catalog() {
		text := spec.Help
		if spec.DisabledByDefault {
			text += " Disabled by default."
		}
		rows = append(rows, [2]string{spec.Name, text})
	}
	slices.SortFunc(rows, func(a, b [2]string) int { return strings.Compare(a[0], b[0]) })
	writeColumns(&b, rows)
	b.WriteString("\nhost_exporter help collector NAME shows the flags of a collector.\n")
	return b.String()
}

// collectorHelp returns the help on a collector with its own flags.
func (p *program) collectorHelp(name string) (string, error) {
	specs := collector.Catalog()
	var names []string
	for _, spec := range specs {
		names = append(names, spec.Name)
	}
	i := slices.Index(names, name)
	if i < 0 {
		return "", fmt.Errorf("unknown collector %q%s", name, exporter.Suggest(name, collectorNames()))
	}
	spec := specs[i]
	flags := []*kingpin.FlagModel{p.app.GetFlag("collector." + name).Model()}
	for _, f := range spec.Build.Fields() {
		if !f.Hidden {
			flags = append(flags, p.app.GetFlag(f.FlagName(name)).Model())
		}
	}
	text := name + ": " + spec.Help
	if spec.Needs != "" {
		text += " Needs " + spec.Needs
	}
	var b strings.Builder
	for _, line := range wrap(text, helpWidth) {
		b.WriteString(line + "\n")
	}
	writeSection(&b, "Flags", flagRows(flags))
	fmt.Fprintf(&b, "\nhost_exporter doctor %s reports on it on this host.\n", name)
	return b.String(), nil
}

func flagRows(flags []*kingpin.FlagModel) (rows [][2]string) {
	for _, f := range flags {
		if !f.Hidden {
			rows = append(rows, [2]string{flagSyntax(f), f.Help})
		}
	}
	return rows
}

// writeSection writes rows under a title, if there are any.
func writeSection(b *strings.Builder, title string, rows [][2]string) {
	if len(rows) == 0 {
		return
	}
	fmt.Fprintf(b, "\n%s:\n", title)
	writeColumns(b, rows)
}

// maxFirstColumn is the maximum width of the first of two columns. What is longer
// has a line of its own.
const maxFirstColumn = 36

// writeColumns writes rows in two columns.
func writeColumns(b *strings.Builder, rows [][2]string) {
	width := 0
	for _, r := range rows {
		if n := len(r[0]); n <= maxFirstColumn {
			width = max(width, n)
		}
	}
	width = max(width, 8)
	for _, r := range rows {
		lines := wrap(r[1], helpWidth-width-4)
		if len(r[0]) > width {
			fmt.Fprintf(b, "  %s\n", r[0])
		} else {
			fmt.Fprintf(b, "  %-*s  %s\n", width, r[0], lines[0])
			lines = lines[1:]
		}
		for _, line := range lines {
			fmt.Fprintf(b, "  %*s  %s\n", width, "", line)
		}
	}
}

// wrap returns the lines of a text that is not wider than a number of columns. Longer
// words are not broken. There is at least one line.
func wrap(text string, width int) []string {
	lines := []string{""}
	for _, word := range strings.Fields(text) {
		last := &lines[len(lines)-1]
		switch {
		case *last == "":
			*last = word
		case len(*last)+1+len(word) > width:
			lines = append(lines, word)
		default:
			*last += " " + word
		}
	}
	return lines
}
