package kernel

import (
	"bytes"
	"context"

	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
	"github.com/hostexporter/host_exporter/collector/internal/scan"
)

var selinux = collect.Spec{
	Name: "selinux",
	Help: "Whether SELinux is enabled, and its current and configured mode.",
	Reads: []string{
		"/sys/fs/selinux/enforce",
		"/proc/self/attr/current",
		"/etc/selinux/config",
	},
	Build: collect.Plain(newSelinux),
}

// selinuxCollector reads /sys/fs/selinux/enforce, which is 1 if the kernel
// enforces the policy and 0 if it only logs violations, and
// /etc/selinux/config, which sets the mode at the next boot:
//
//	SELINUX=enforcing
//
// See https://www.kernel.org/doc/html/latest/admin-guide/LSM/SELinux.html and
// selinux_config(5).
type selinuxCollector struct {
	sys, proc, root *host.Reader

	enabled, configured, current *metric.Family
}

func newSelinux(env *collect.Env) *selinuxCollector {
	m := env.Metrics
	return &selinuxCollector{
		sys:        env.Host.Sys.Reader(),
		proc:       env.Host.Proc.Reader(),
		root:       env.Host.Root.Reader(),
		configured: m.Gauge("node_selinux_config_mode", "SELinux mode in /etc/selinux/config: 1 enforcing, 0 permissive, -1 disabled."),
		current:    m.Gauge("node_selinux_current_mode", "Current SELinux mode, from /sys/fs/selinux/enforce: 1 enforcing, 0 permissive."),
		enabled:    m.Gauge("node_selinux_enabled", "Whether the kernel runs SELinux with a policy, from /sys/fs/selinux."),
	}
}

func (c *selinuxCollector) Update(_ context.Context, out *metric.Sink) error {
	mode, err := c.sys.Text("fs/selinux/enforce")
	if host.Gone(err) || c.hasNoPolicy() {
		out.Bool(c.enabled, false)
		return nil
	}
	out.Bool(c.enabled, true)
	switch {
	case err != nil:
		out.Error(err)
	case string(mode) == "0", string(mode) == "1":
		out.Emit(c.current, float64(mode[0]-'0'))
	default:
		out.Error(c.sys.At(host.Bad(1, "0 or 1", mode)))
	}
	c.updateConfig(out)
	return nil
}

// hasNoPolicy reports whether no policy is loaded: all processes then have the
// initial context of the kernel.
func (c *selinuxCollector) hasNoPolicy() bool {
	context, err := c.proc.Text("self/attr/current")
	return err == nil && string(context) == "kernel"
}

// updateConfig emits the configured mode, unless the configuration is absent, as
// that of the host usually is in a container.
func (c *selinuxCollector) updateConfig(out *metric.Sink) {
	b, err := c.root.Read("etc/selinux/config")
	if !host.ReportUnlessGone(err, out.Error) {
		return
	}
	mode, err := parseSelinuxConfig(b)
	if err != nil {
		out.Error(c.root.At(err))
		return
	}
	out.Emit(c.configured, mode)
}

// parseSelinuxConfig returns the mode in a configuration. Like libselinux, it
// uses the first line that sets SELINUX, ignores case, and ignores what follows
// the mode.
func parseSelinuxConfig(b []byte) (float64, error) {
	n := 1
	for ; len(b) > 0; n++ {
		var line []byte
		line, b = scan.Line(b)
		value, ok := bytes.CutPrefix(scan.Trim(line), []byte("SELINUX="))
		if !ok {
			continue
		}
		word, _ := scan.Field(value)
		switch string(bytes.ToLower(bytes.Trim(word, `"`))) {
		case "enforcing":
			return 1, nil
		case "permissive":
			return 0, nil
		case "disabled":
			return -1, nil
		}
		return 0, host.Bad(n, "enforcing, permissive or disabled", line)
	}
	return 0, host.Bad(max(n-1, 1), "a line with SELINUX=", nil)
}
