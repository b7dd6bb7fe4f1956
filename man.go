package main

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/alecthomas/kingpin/v2"
)

// manDate is the date of the manual page, which must have one.
const manDate = "2026-11-27"

// A manual is a manual page in the macros of man(7), as it is written.
type manual struct{ strings.Builder }

// manualPage returns the manual page host_exporter(1).
func (p *program) manualPage() string {
	var m manual
	name := p.app.Name
	fmt.Fprintf(&m, ".TH %s 1 %s %s \"User Commands\"\n", strings.ToUpper(name), manDate, name)
	m.macro("nh") // names of flags must not be broken
	m.WriteString(".ad l\n")
	m.section("NAME")
	m.text(name + " - " + strings.ToLower(p.app.Help[:1]) + strings.TrimSuffix(p.app.Help[1:], "."))
	m.section("SYNOPSIS")
	m.macro("B", name)
	m.text("[FLAGS] [COMMAND [ARGUMENTS]]")
	m.section("DESCRIPTION")
	m.text("Without a command, " + name + " serves the metrics of a Linux host to Prometheus, on port 9100 under /metrics. " +
		"It takes the place of node_exporter: metrics, labels, flags and port are the same. It also exports the state of the SAN, and runs checks.")
	m.paragraph("It reads /proc and /sys when it is scraped, and keeps nothing on disk. Most collectors need no privileges.")
	m.section("COMMANDS")
	for _, c := range p.app.Model().FlattenedCommands() {
		if !c.Hidden && c.Name != "help" {
			m.command(c)
		}
	}
	m.item("help [TOPIC]")
	m.text("Show the help of a command, of flags, of collectors, or of collector NAME.")
	m.section("OPTIONS")
	m.text("A switch has a counterpart with the prefix no-: --no-collector.NAME. Flags apply to all commands.")
	for _, g := range p.flagGroups() {
		m.macro("SS", g.title)
		m.flags(g.flags)
	}
	m.section("ENVIRONMENT")
	for _, v := range [][2]string{
		{variablePrefix + "FLAG", "Sets a flag: its name in capitals, with _ for dots and dashes, such as " + variable("log.level") + "=debug. A switch is true or false, a list is separated by white space. " +
			"A flag takes precedence over the variable, and the variable over the configuration file."},
		{"GOMAXPROCS", "Maximum number of CPUs to use at once, as --runtime.gomaxprocs."},
		{"GOMEMLIMIT", "Soft memory limit; takes precedence over --runtime.memory-limit."},
		{"GOGC", "Percentage of garbage at which the Go runtime collects it."},
		{"NOTIFY_SOCKET, WATCHDOG_USEC, LISTEN_FDS", "Set by systemd: notifications, watchdog and sockets."},
		{"RUNTIME_DIRECTORY", "Set by systemd: directory for the temporary files of checks."},
		{"NO_COLOR", "If it is set, the command san prints no colors."},
	} {
		m.item(v[0])
		m.text(v[1])
	}
	m.section("FILES")
	m.item(usualConfigFile)
	m.text("Configuration file of the service. There is no default: --config.file names it.")
	m.item("/proc, /sys, /run/udev/data")
	m.text("What collectors read, unless --path.* names other roots.")
	m.section("EXIT STATUS")
	for _, s := range [][2]string{
		{"0", "Success. For serve: it was stopped by a signal."},
		{"1", "An error, or what a command looks for: a failed collector, an invalid configuration file, a missing metric, a failing check, differences, a warning of health."},
		{"2", "once: the host does not have what a named collector reads. checks status: the exporter does not answer. health: critical."},
		{"3", "health: unknown."},
	} {
		m.item(s[0])
		m.text(s[1])
	}
	m.section("SIGNALS")
	m.item("SIGHUP")
	m.text("Reload the configuration file. A file with an error changes nothing.")
	m.item("SIGTERM, SIGINT")
	m.text("Finish the requests in progress, stop the checks, and exit. A second signal ends the process at once.")
	m.section("EXAMPLES")
	for i, e := range [][2]string{
		{"Serve metrics with a configuration file:", name + " --config.file=" + usualConfigFile},
		{"Look at the file systems of this host:", name + " once --format=table filesystem"},
		{"Find out why a metric is missing:", name + " doctor node_hba_fc_port_state"},
		{"Ask the exporter for its checks:", name + " checks status"},
	} {
		if i > 0 {
			m.macro("PP")
		}
		m.text(e[0])
		m.macro("PP")
		m.macro("EX")
		m.text(e[1])
		m.macro("EE")
	}
	m.section("SEE ALSO")
	m.macro("BR", "proc", "(5),")
	m.macro("BR", "sysfs", "(5),")
	m.macro("BR", "systemd.service", "(5)")
	return m.String()
}

// command writes a command with its arguments and flags.
func (m *manual) command(c *kingpin.CmdModel) {
	words := []string{c.FullCommand}
	for _, a := range c.Args {
		words = append(words, argSyntax(a))
	}
	m.macro("SS", strings.Join(words, " "))
	m.text(c.Help)
	for _, a := range c.Args {
		m.item(cmp.Or(a.PlaceHolder, strings.ToUpper(a.Name)))
		m.text(a.Help)
	}
	m.flags(c.Flags)
}

func (m *manual) flags(flags []*kingpin.FlagModel) {
	for _, r := range flagRows(flags) {
		m.item(r[0])
		m.text(r[1])
	}
}

func (m *manual) section(title string)  { m.macro("SH", title) }
func (m *manual) item(title string)     { m.macro("TP"); m.macro("B", title) }
func (m *manual) paragraph(text string) { m.macro("PP"); m.text(text) }

// macro writes a macro with arguments.
func (m *manual) macro(name string, args ...string) {
	fmt.Fprintf(m, ".%s", name)
	for _, a := range args {
		fmt.Fprintf(m, ` "%s"`, strings.ReplaceAll(escapeRoff(a), `"`, `\(dq`))
	}
	m.WriteByte('\n')
}

// text writes a text, a sentence a line.
func (m *manual) text(text string) {
	for _, sentence := range strings.SplitAfter(text, ". ") {
		line := escapeRoff(strings.TrimSpace(sentence))
		if strings.HasPrefix(line, ".") || strings.HasPrefix(line, "'") {
			line = `\&` + line
		}
		m.WriteString(line + "\n")
	}
}

// escapeRoff returns a text without what is special to roff. A dash is one that can be
// copied to a command line, and a long regular expression or list may be broken.
func escapeRoff(text string) string {
	return strings.NewReplacer(`\`, `\e`, "-", `\-`, "|", `|\:`, ")", `)\:`, ",", `,\:`, "^", `\(ha`, "~", `\(ti`, "`", `\(ga`).Replace(text)
}
