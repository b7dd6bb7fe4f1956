package definition

import (
	"path/filepath"
	"strings"

	"github.com/hostexporter/host_exporter/collector/checks/internal/output"
	"github.com/hostexporter/host_exporter/collector/internal/document"
)

// Read reads the mapping of names to definitions. All that is wrong becomes
// findings of the document, and what is returned is of no use then. The checks
// are in the order of the document.
func Read(checks document.Node) []Definition {
	var all []Definition
	valid := matches(`[A-Za-z0-9][A-Za-z0-9_.-]{0,62}`)
	checks.Each(func(name string, node document.Node) {
		if !valid(name) {
			node.Failf("check %q: want a name of up to 63 letters, digits, dots, dashes and underscores", name)
		}
		all = append(all, read(name, node))
	})
	return all
}

// read reads one check.
func read(name string, node document.Node) Definition {
	d := New(name)
	given := readOptions(node, d.options())
	d.validate(node, given)
	return d
}

// readOptions has each key read by its option, and returns the values of the
// keys that there are.
func readOptions(node document.Node, options []option) map[string]document.Node {
	fields, given := document.Fields{}, map[string]document.Node{}
	for _, o := range options {
		fields[o.name] = func(n document.Node) {
			given[o.name] = n
			o.read(n)
		}
	}
	node.Fields(fields)
	return given
}

// validate checks what several keys have to do with each other.
func (d *Definition) validate(node document.Node, given map[string]document.Node) {
	has := func(key string) bool { _, ok := given[key]; return ok }
	switch {
	case has("command") && has("shell"):
		given["shell"].Failf("check %s: want command or shell, have both", d.Name)
	case !has("command") && !has("shell"):
		node.Failf("check %s: want command or shell, have neither", d.Name)
	}
	switch {
	case has("at") && has("interval"):
		given["at"].Failf("check %s: want interval or at, have both", d.Name)
	case has("at"):
		d.Interval = 0
		if err := checkAt(d.At); err != nil {
			given["at"].Failf("%v", err)
		}
	case d.Timeout > d.Interval && has("timeout"):
		given["timeout"].Failf("want at most the interval, %v, have %v", d.Interval, d.Timeout)
	case d.Timeout > d.Interval:
		d.Timeout = d.Interval // nobody asked for the default
	}
	switch {
	case has("exit-codes") && d.Output.Format != output.Exit:
		given["exit-codes"].Failf("only for the format exit, have %s", d.Output.Format)
	case has("exit-codes") && !d.Publishes() && !has("metric"):
		given["exit-codes"].Failf("want a metric that has the values, have none")
	case has("exit-codes") && has("metrics"):
		given["exit-codes"].Failf("want exit-codes, or the enum of a metric, have both")
	}
	if has("accept-codes") && d.Output.Format.ExitIsValue() && d.Publishes() {
		given["accept-codes"].Failf("the format %s takes every exit code as a value", d.Output.Format)
	}
	switch {
	case d.Sandbox.Enabled():
	case d.SandboxRequired:
		given["sandbox-required"].Failf("want a sandbox, strict or net, have %s", d.Sandbox)
	case has("writable"):
		given["writable"].Failf("only for a sandbox, strict or net, have %s", d.Sandbox)
	}
	d.validateOutput(node, given)
}

func (d *Definition) readCommand(n document.Node) {
	if n.IsScalar() && strings.ContainsAny(n.Text(), " \t\n") {
		n.Failf("want a list such as [/usr/bin/uptime, -p], have a line of several words, which only shell takes apart")
		return
	}
	document.ToTexts(&d.Command)(n)
	switch {
	case len(d.Command) == 0:
		n.Failf("want a program and its arguments, have nothing")
	case !filepath.IsAbs(d.Command[0]):
		n.Failf("want the absolute path of a program, have %q", d.Command[0])
	case strings.Contains(strings.Join(d.Command, ""), "\x00"):
		n.Failf("an argument has a NUL, which none can have")
	}
}

func (d *Definition) readWritable(n document.Node) {
	document.ToTexts(&d.Writable)(n)
	for _, path := range d.Writable {
		if !filepath.IsAbs(path) || strings.ContainsRune(path, 0) {
			n.Failf("want absolute paths, have %q", path)
		}
	}
}

func (d *Definition) readShell(n document.Node) {
	text := n.Text()
	if strings.TrimSpace(text) == "" {
		n.Failf("want a text for the shell to run, have nothing")
	}
	d.Command, d.Shell = []string{"/bin/sh", "-c", text}, true
}

func (d *Definition) readAccept(n document.Node) {
	n.Items(func(item document.Node) {
		var c Codes
		codes(&c)(item)
		d.AcceptCodes = append(d.AcceptCodes, c)
	})
}

func (d *Definition) readMetrics(n document.Node) {
	n.Items(func(item document.Node) {
		var m output.Metric
		given := readOptions(item, metricOptions(&m))
		if _, named := given["name"]; !named {
			item.Failf("want a metric with a name, have none")
		}
		d.Output.Metrics = append(d.Output.Metrics, m)
	})
}
