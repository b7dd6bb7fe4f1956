package definition

import (
	"path/filepath"
	"strings"

	"github.com/hostexporter/host_exporter/collector/checks/internal/output"
	"github.com/hostexporter/host_exporter/collector/internal/capability"
	"github.com/hostexporter/host_exporter/collector/internal/document"
)

// Read reads a mapping of names to definitions, and returns the checks in the order
// of the document. Errors are findings of the document; if there are any, the
// checks must not be used.
func Read(checks document.Node) []Definition {
	var all []Definition
	valid := matcher(`[A-Za-z0-9][A-Za-z0-9_.-]{0,62}`)
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
	present := readOptions(node, d.options())
	d.validate(node, present)
	return d
}

// readOptions reads each key of a mapping with its option, and returns the value of
// each key that is present.
func readOptions(node document.Node, options []option) map[string]document.Node {
	fields, present := document.Fields{}, map[string]document.Node{}
	for _, o := range options {
		fields[o.name] = func(n document.Node) {
			present[o.name] = n
			o.read(n)
		}
	}
	node.Fields(fields)
	return present
}

// validate checks the keys that depend on others.
func (d *Definition) validate(node document.Node, present map[string]document.Node) {
	has := func(key string) bool { _, ok := present[key]; return ok }
	switch {
	case has("command") && has("shell"):
		present["shell"].Failf("check %s: want command or shell, have both", d.Name)
	case !has("command") && !has("shell"):
		node.Failf("check %s: want command or shell, have neither", d.Name)
	}
	switch {
	case has("at") && has("interval"):
		present["at"].Failf("check %s: want interval or at, have both", d.Name)
	case has("at"):
		d.Interval = 0
		if err := checkAt(d.At); err != nil {
			present["at"].Failf("%v", err)
		}
	case d.Timeout > d.Interval && has("timeout"):
		present["timeout"].Failf("want at most the interval, %v, have %v", d.Interval, d.Timeout)
	case d.Timeout > d.Interval:
		d.Timeout = d.Interval // the default is longer than the interval
	}
	switch {
	case has("exit-codes") && d.Output.Format != output.Exit:
		present["exit-codes"].Failf("want the format exit, have %s", d.Output.Format)
	case has("exit-codes") && !d.Publishes() && !has("metric"):
		present["exit-codes"].Failf("want a metric for the values, have none")
	case has("exit-codes") && has("metrics"):
		present["exit-codes"].Failf("want exit-codes or the enum of a metric, have both")
	}
	if has("accept-codes") && d.Output.Format.ExitIsValue() && d.Publishes() {
		present["accept-codes"].Failf("want another format: %s takes every exit code as a value", d.Output.Format)
	}
	switch {
	case d.Sandbox.Enabled() && d.NewPrivileges:
		present["new-privileges"].Failf("want sandbox: none, have %s, which needs no_new_privs", d.Sandbox)
	case d.Sandbox.Enabled():
	case d.SandboxRequired:
		present["sandbox-required"].Failf("want sandbox: strict or net, have %s", d.Sandbox)
	case has("writable"):
		present["writable"].Failf("want sandbox: strict or net, have %s", d.Sandbox)
	}
	d.validateOutput(node, present)
}

func (d *Definition) readCommand(n document.Node) {
	if n.IsScalar() && strings.ContainsAny(n.Text(), " \t\n") {
		n.Failf("want a list such as [/usr/bin/uptime, -p], have a string with spaces")
		return
	}
	document.ToTexts(&d.Command)(n)
	switch {
	case len(d.Command) == 0:
		n.Failf("want a program and its arguments, have none")
	case !filepath.IsAbs(d.Command[0]):
		n.Failf("want the absolute path of a program, have %q", d.Command[0])
	case strings.Contains(strings.Join(d.Command, ""), "\x00"):
		n.Failf("want arguments without a NUL character")
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

func (d *Definition) readCapabilities(n document.Node) {
	n.Items(func(item document.Node) {
		c, ok := capability.Parse(item.Text())
		if !ok {
			item.Failf("want a capability such as CAP_SYS_RAWIO, have %q", item.Text())
		}
		d.Capabilities = append(d.Capabilities, c)
	})
}

func (d *Definition) readShell(n document.Node) {
	text := n.Text()
	if strings.TrimSpace(text) == "" {
		n.Failf("want a script for the shell, have none")
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
		present := readOptions(item, metricOptions(&m))
		if _, named := present["name"]; !named {
			item.Failf("want the name of a metric, have none")
		}
		d.Output.Metrics = append(d.Output.Metrics, m)
	})
}
