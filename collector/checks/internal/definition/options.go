package definition

import (
	"fmt"
	"strings"
	"time"

	"github.com/hostexporter/host_exporter/collector/checks/internal/output"
	"github.com/hostexporter/host_exporter/collector/checks/internal/sandbox"
	"github.com/hostexporter/host_exporter/collector/internal/document"
)

// An option is a key of a check's definition. This is the one statement of
// each: what reads it, and its row in docs/check-options.md.
type option struct {
	name string
	def  string
	help string
	read func(document.Node)
}

// options returns the keys of a definition, each reading into d.
func (d *Definition) options() []option {
	var (
		account = "the name or the number of one"
		named   = matches(`[A-Za-z0-9_][A-Za-z0-9_.-]*`)
	)
	return []option{
		{"command", "", "The program and its arguments, as a list. The path of the program is absolute. No shell is involved.", d.readCommand},
		{"shell", "", "A text that `/bin/sh -c` runs, instead of `command`. It works, and is warned of: a list of arguments leaves no room for surprises.", d.readShell},
		{"interval", "1m", "How often the check runs; at least 1s.", span(&d.Interval, time.Second)},
		{"at", "", "When the check runs, instead of `interval`: the five fields of a crontab line, or a word such as `@daily`; in the time zone of the exporter.", document.ToText(&d.At)},
		{"timeout", "10s", "How long a run may take; not longer than the interval. The command and all it started are ended then.", span(&d.Timeout, time.Millisecond)},
		{"kill-grace", "2s", "How long a command has between being asked to end and being killed.", span(&d.KillGrace, 0)},
		{"ttl", "three times the interval", "How long values are served after the run that published them, if later runs fail.", span(&d.TTL, time.Millisecond)},
		{"memory", "128MiB", "How much memory the command and all it starts may use.", bytes(&d.Memory)},
		{"cpu", "twice the timeout", "How much processor time a run may use.", span(&d.CPU, time.Second)},
		{"open-files", "256", "How many files a process may have open; at least 32.", count(&d.OpenFiles, 32)},
		{"file-size", "16MiB", "How large a file that the command writes may become.", bytes(&d.FileSize)},
		{"stdout-limit", "256KiB", "How much the command may print. One that prints more is ended.", bytes(&d.StdoutLimit)},
		{"max-series", "200", "How many series the check may publish.", count(&d.Output.MaxSeries, 1)},
		{"user", "that of the exporter", "The account that the command runs as.", word(&d.User, account, named)},
		{"group", "that of the user", "The group that the command runs as.", word(&d.Group, account, named)},
		{"env", "", "Variables of the command's environment, by name. It has nothing else but PATH, LANG, TZ, CHECK_NAME and CHECK_DEADLINE.", texts(&d.Env, "the name of a variable that is not one of CHECK_", isVariable)},
		{"format", "prometheus", "How the output is written: `" + strings.Join(formats(), "`, `") + "`.", oneOf((*string)(&d.Output.Format), formats()...)},
		{"metric", "", "Name of the family of the formats `number` and `exit`, and what the families of `nagios` begin with. With `exit` and neither this nor `metrics` nothing is served, and a code other than 0 is a failure of the run.", word(&d.Output.Name, "the name of a metric", isMetric)},
		{"metrics", "", "The metrics that the output has, as a list: see below. What is not declared is left out and counted.", d.readMetrics},
		{"exit-codes", "", "With the format `exit`: the value of each exit code. Without it, the exit code is the value.", numbers(&d.ExitCodes)},
		{"accept-codes", "", "Exit codes besides 0 with which a run has succeeded, as a list of numbers and of ranges such as `4-255`: of tools that tell by it what they found.", d.readAccept},
		{"require-eof", "false", "With the format `prometheus`: refuse a text that does not end with `# EOF`, as one that was cut off.", boolean(&d.Output.RequireEOF)},
		{"binary-units", "false", "Read KB, MB, GB and TB as powers of 1024.", boolean(&d.Output.BinaryUnits)},
		{"jq-timeout", "250ms", "With the format `json`: how long all jq expressions may take together.", span(&d.Output.JQTimeout, time.Millisecond)},
		{"labels", "", "Labels that every series of the check gets, by name.", texts(&d.Labels, "the name of a label", isLabel)},
		{"sandbox", "none", "What the command is kept from: `strict` from writing anywhere but in a temporary folder of its own and from TCP, `net` from the former, `none` from nothing. See [check-limits.md](check-limits.md#sandbox).", oneOf((*string)(&d.Sandbox), sandbox.Modes()...)},
		{"sandbox-required", "false", "Whether not to run the command on a kernel that cannot give it the whole of its sandbox. Otherwise it runs with what there is.", boolean(&d.SandboxRequired)},
		{"writable", "", "Absolute paths of folders, and files, that a command in a sandbox may write to as well.", d.readWritable},
		{"slow", "false", "Whether the check is one that takes long: such checks wait for each other, and not others for them.", boolean(&d.Slow)},
		{"allow-unsafe-path", "false", "Whether to run a program that users other than root can change. For trying things out.", boolean(&d.AllowUnsafePath)},
		{"enabled", "true", "Whether the check runs at all.", boolean(&d.Enabled)},
		{"description", "", "What the check is for; for those who read the file or the status page.", document.ToText(&d.Description)},
	}
}

// options returns the keys of a declared metric, each reading into m.
func metricOptions(m *output.Metric) []option {
	return []option{
		{"name", "", "The name that is served.", word(&m.Name, "the name of a metric", isMetric)},
		{"from", "that of `name`", "What the check calls it.", document.ToText(&m.From)},
		{"help", "", "The help text.", document.ToText(&m.Help)},
		{"type", "gauge", "`gauge`, `counter` or `info`. An info is always 1.", oneOf((*string)(&m.Type), "gauge", "counter", "info")},
		{"unit", "", "The unit that the check prints. What is served is in the base unit, in which the name ends.", document.ToText(&m.Unit)},
		{"labels", "", "Names of the labels that its series may have.", document.ToTexts(&m.Labels)},
		{"min", "", "Values below are left out.", number(&m.Min)},
		{"max", "", "Values above are left out.", number(&m.Max)},
		{"enum", "", "The value of each text, where the check prints words.", numbers(&m.Enum)},
		{"each", "", "With `json`: the jq expression that yields the items.", document.ToText(&m.Each)},
		{"value", "", "With `json`: the jq expression of an item's value.", document.ToText(&m.Value)},
		{"label-values", "", "With `json`: the jq expression of each label.", document.ToTextMap(&m.LabelValues)},
		{"pattern", "", "With `regexp`: the expression, whose group `value` is the value and whose other groups are labels.", document.ToText(&m.Pattern)},
		{"whole", "false", "With `regexp`: match in the whole text, and not in each line.", boolean(&m.Whole)},
	}
}

func formats() []string {
	var all []string
	for _, f := range output.Formats() {
		all = append(all, string(f))
	}
	return all
}

func isVariable(s string) bool {
	return matches(`[A-Za-z_][A-Za-z0-9_]*`)(s) && !strings.HasPrefix(s, "CHECK_")
}

func isLabel(s string) bool {
	return matches(`[A-Za-z_][A-Za-z0-9_]*`)(s) && !strings.HasPrefix(s, "__") && s != "le" && s != "quantile"
}

func isMetric(s string) bool { return matches(`[A-Za-z_:][A-Za-z0-9_:]*`)(s) }

// Page returns docs/check-options.md.
func Page() string {
	var b strings.Builder
	b.WriteString("<!-- Generated by `go test ./collector/checks/internal/definition -update`. Do not edit. -->\n\n" +
		"# Options of checks\n\nFor authors of checks: every key with its default value. [checks.md](checks.md) says how to\n" +
		"define and run a check, [check-formats.md](check-formats.md) what becomes of its output.\n\n" +
		"## Keys of a check\n\nEach entry of `checks:` is the name of a check with these keys:\n\n")
	table(&b, new(Definition).options())
	b.WriteString("\n## Keys of a metric\n\nEach item of `metrics` has these keys:\n\n")
	table(&b, metricOptions(new(output.Metric)))
	return b.String()
}

func table(b *strings.Builder, options []option) {
	b.WriteString("| key | default | |\n|---|---|---|\n")
	for _, o := range options {
		fmt.Fprintf(b, "| `%s` | %s | %s |\n", o.name, o.def, o.help)
	}
}
