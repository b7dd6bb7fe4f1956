package definition

import (
	"strings"
	"time"

	"github.com/prometheus/common/model"

	"github.com/hostexporter/host_exporter/collector/checks/internal/output"
	"github.com/hostexporter/host_exporter/collector/checks/internal/sandbox"
	"github.com/hostexporter/host_exporter/collector/internal/document"
)

// An option is a key of a check's definition: the function that reads it, and its
// row in docs/check-options.md.
type option struct {
	name string
	def  string
	help string
	read func(document.Node)
}

// options returns the keys of a definition, which read into d.
func (d *Definition) options() []option {
	var (
		account = "a name or a number"
		named   = matcher(`[A-Za-z0-9_][A-Za-z0-9_.-]*`)
	)
	return []option{
		{"command", "", "Program and arguments, as a list. The program's path is absolute; no shell expands anything.", d.readCommand},
		{"shell", "", "Script for `/bin/sh -c`, instead of `command`. The exporter warns of it: prefer a list of arguments.", d.readShell},
		{"interval", "1m", "Time between two runs; at least 1s.", duration(&d.Interval, time.Second)},
		{"at", "", "Times of the runs, instead of `interval`: the five fields of a crontab line, or a word such as `@daily`, in the exporter's time zone.", document.ToText(&d.At)},
		{"timeout", "10s", "Maximum duration of a run, at most the interval. Then all processes of the run are ended.", duration(&d.Timeout, time.Millisecond)},
		{"kill-grace", "2s", "Time between SIGTERM and SIGKILL when a run is ended.", duration(&d.KillGrace, 0)},
		{"ttl", "three times the interval", "How long values are exported after the run that published them, if later runs fail.", duration(&d.TTL, time.Millisecond)},
		{"memory", "128MiB", "Maximum memory of the command and its child processes.", bytes(&d.Memory)},
		{"cpu", "twice the timeout", "Maximum CPU time of a run.", duration(&d.CPU, time.Second)},
		{"open-files", "256", "Maximum number of open files of a process; at least 32.", count(&d.OpenFiles, 32)},
		{"file-size", "16MiB", "Maximum size of a file that the command writes.", bytes(&d.FileSize)},
		{"stdout-limit", "256KiB", "Maximum size of the output. A run that prints more is ended.", bytes(&d.StdoutLimit)},
		{"max-series", "200", "Maximum number of series to publish.", count(&d.Output.MaxSeries, 1)},
		{"user", "", "User that runs the command: a name or a number. Default: that of `--checks.user` if the exporter may change users, otherwise its own.", text(&d.User, account, named)},
		{"group", "that of the user", "Group that runs the command: a name or a number.", text(&d.Group, account, named)},
		{"capabilities", "", "Capabilities of the command, as a list such as `[CAP_SYS_RAWIO]`. It has no others, not even as root. The exporter must have them.", d.readCapabilities},
		{"new-privileges", "false", "Let setuid programs such as sudo gain privileges. See [check-limits.md](check-limits.md#privileges).", boolean(&d.NewPrivileges)},
		{"env", "", "Environment variables, by name, in addition to PATH, LANG, TZ, CHECK_NAME and CHECK_DEADLINE.", texts(&d.Env, "the name of a variable without the prefix CHECK_", isVariable)},
		{"format", "prometheus", "Format of the output: `" + strings.Join(formats(), "`, `") + "`.", oneOf((*string)(&d.Output.Format), formats()...)},
		{"metric", "", "Family of the formats `number` and `exit`, and prefix of the families of `nagios`. `exit` with neither this nor `metrics` publishes nothing: a code other than 0 fails the run.", text(&d.Output.Name, "the name of a metric", isMetric)},
		{"metrics", "", "Metrics of the output, as a list: see below. Undeclared metrics are dropped and counted.", d.readMetrics},
		{"exit-codes", "", "With `exit`: the value of each exit code. Without it, the exit code is the value.", numbers(&d.ExitCodes)},
		{"accept-codes", "", "Exit codes, in addition to 0, that are a success: a list of numbers and of ranges such as `4-255`.", d.readAccept},
		{"require-eof", "false", "With `prometheus`: fail the run if the output does not end with `# EOF`.", boolean(&d.Output.RequireEOF)},
		{"binary-units", "false", "Read KB, MB, GB and TB as powers of 1024.", boolean(&d.Output.BinaryUnits)},
		{"units", "", "Unit that is meant by one that the check prints, such as `{Gb: GB, G: GiB}`. An empty one is a plain number, such as `{Files: ''}`.", document.ToTextMap(&d.Output.Units)},
		{"jq-timeout", "250ms", "With `json`: maximum duration of all jq expressions together.", duration(&d.Output.JQTimeout, time.Millisecond)},
		{"labels", "", "Labels to add to every series, by name. They take precedence over the check's own.", texts(&d.Labels, "the name of a label", isLabel)},
		{"sandbox", "none", "Restrictions of the command. `net`: write only to a temporary directory. `strict`: also no TCP. See [check-limits.md](check-limits.md#sandbox).", oneOf((*string)(&d.Sandbox), sandbox.Modes()...)},
		{"sandbox-required", "false", "Fail the run if the kernel cannot enforce the whole sandbox. Otherwise the command runs with a part of it.", boolean(&d.SandboxRequired)},
		{"writable", "", "Absolute paths of files and directories that a command in a sandbox may also write to.", d.readWritable},
		{"slow", "false", "Run the check in the slots for slow checks, so that other checks do not wait for it.", boolean(&d.Slow)},
		{"allow-unsafe-path", "false", "Run a program that users other than root can change. For tests only.", boolean(&d.AllowUnsafePath)},
		{"enabled", "true", "Run the check.", boolean(&d.Enabled)},
		{"description", "", "Purpose of the check, for the status page.", document.ToText(&d.Description)},
	}
}

// metricOptions returns the keys of a declared metric, which read into m.
func metricOptions(m *output.Metric) []option {
	return []option{
		{"name", "", "Name of the exported family.", text(&m.Name, "the name of a metric", isMetric)},
		{"from", "that of `name`", "Name in the output of the check.", document.ToText(&m.From)},
		{"help", "", "Help text of the family.", document.ToText(&m.Help)},
		{"type", "gauge", "`gauge`, `counter` or `info`. An info is always 1.", oneOf((*string)(&m.Type), "gauge", "counter", "info")},
		{"unit", "", "Unit of the printed values. They are exported in the base unit, which the name must end in.", document.ToText(&m.Unit)},
		{"labels", "", "Names of the labels that series may have.", document.ToTexts(&m.Labels)},
		{"min", "", "Minimum value. Values below are dropped.", number(&m.Min)},
		{"max", "", "Maximum value. Values above are dropped.", number(&m.Max)},
		{"enum", "", "Value of each word that the check prints.", numbers(&m.Enum)},
		{"each", "", "With `json`: jq expression that yields the items.", document.ToText(&m.Each)},
		{"value", "", "With `json`: jq expression of an item's value.", document.ToText(&m.Value)},
		{"label-values", "", "With `json`: jq expression of each label.", document.ToTextMap(&m.LabelValues)},
		{"pattern", "", "With `regexp`: the expression. Its group `value` is the value, all other groups are labels.", document.ToText(&m.Pattern)},
		{"whole", "false", "With `regexp`: match the whole output instead of each line.", boolean(&m.Whole)},
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
	return matcher(`[A-Za-z_][A-Za-z0-9_]*`)(s) && !strings.HasPrefix(s, "CHECK_")
}

func isLabel(s string) bool {
	return model.LegacyValidation.IsValidLabelName(s) && !strings.HasPrefix(s, model.ReservedLabelPrefix) && s != "le" && s != "quantile"
}

func isMetric(s string) bool { return model.LegacyValidation.IsValidMetricName(s) }
