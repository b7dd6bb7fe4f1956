// Package definition reads the checks of a configuration file: which command runs
// when, within which limits, and how its output is parsed.
package definition

import (
	"reflect"
	"slices"
	"time"

	"github.com/hostexporter/host_exporter/collector/checks/internal/output"
	"github.com/hostexporter/host_exporter/collector/checks/internal/sandbox"
	"github.com/hostexporter/host_exporter/collector/internal/capability"
)

// A Definition is one check as configured. It is plain data.
type Definition struct {
	Name        string
	Description string
	Enabled     bool

	// The command and its user.
	Command         []string
	Shell           bool // Command is /bin/sh -c and a script
	User, Group     string
	Env             map[string]string
	Capabilities    []capability.Capability
	NewPrivileges   bool // no no_new_privs
	AllowUnsafePath bool

	// The sandbox of the command.
	Sandbox         sandbox.Mode
	SandboxRequired bool
	Writable        []string

	// The schedule. Either Interval or At is set.
	Interval time.Duration
	At       string // a cron expression
	Slow     bool   // uses the slots for slow checks
	TTL      time.Duration

	// The limits of a run.
	Timeout     time.Duration
	KillGrace   time.Duration
	Memory      int64
	CPU         time.Duration // 0: twice the timeout
	OpenFiles   int
	FileSize    int64
	StdoutLimit int64

	// The parser of its output.
	Output      output.Options
	ExitCodes   map[string]float64
	AcceptCodes []Codes // exit codes, in addition to 0, that are a success
	Labels      map[string]string
}

// Codes are the exit codes from First to Last.
type Codes struct{ First, Last int }

// New returns a check with the default of every option.
func New(name string) Definition {
	return Definition{
		Name:        name,
		Enabled:     true,
		Sandbox:     sandbox.None,
		Interval:    time.Minute,
		Timeout:     10 * time.Second,
		KillGrace:   2 * time.Second,
		Memory:      128 << 20,
		OpenFiles:   256,
		FileSize:    16 << 20,
		StdoutLimit: 256 << 10,
		Output: output.Options{
			Format:    output.Prometheus,
			MaxSeries: 200,
			JQTimeout: 250 * time.Millisecond,
		},
	}
}

// Equal reports whether two definitions are the same.
func (d Definition) Equal(other Definition) bool { return reflect.DeepEqual(d, other) }

// SameSchedule reports whether two definitions have the same schedule.
func (d Definition) SameSchedule(other Definition) bool {
	return d.Interval == other.Interval && d.At == other.At
}

// SameMeaning reports whether the families that a check published under one
// definition are valid under the other: whether the definitions differ only in
// limits and schedule.
func (d Definition) SameMeaning(other Definition) bool {
	return reflect.DeepEqual(d.meaning(), other.meaning())
}

// meaning returns the definition without limits and schedule.
func (d Definition) meaning() Definition {
	d.Description = ""
	d.AllowUnsafePath, d.Slow = false, false
	d.Capabilities, d.NewPrivileges = nil, false
	d.Sandbox, d.SandboxRequired, d.Writable = sandbox.None, false, nil
	d.Interval, d.At, d.TTL = 0, "", 0
	d.Timeout, d.KillGrace, d.CPU = 0, 0, 0
	d.Memory, d.OpenFiles, d.FileSize, d.StdoutLimit = 0, 0, 0, 0
	return d
}

// CPULimit returns the maximum CPU time of a run.
func (d Definition) CPULimit() time.Duration {
	if d.CPU > 0 {
		return d.CPU
	}
	return max(2*d.Timeout, time.Second)
}

// Accepts reports whether a run with this exit code is a success.
func (d Definition) Accepts(code int) bool {
	return code == 0 || code > 0 && d.Output.Format.ExitIsValue() && d.Publishes() ||
		slices.ContainsFunc(d.AcceptCodes, func(c Codes) bool { return c.First <= code && code <= c.Last })
}

// Publishes reports whether the check publishes families. A check of format exit
// without a metric does not: it only succeeds or fails, as a job of cron.
func (d Definition) Publishes() bool {
	return d.Output.Format != output.Exit || d.Output.Name != "" || len(d.Output.Metrics) > 0
}

// Warnings returns what is allowed but not recommended.
func (d Definition) Warnings() []string {
	var all []string
	if d.Shell {
		all = append(all, "check "+d.Name+": runs a shell, which may expand more than intended: prefer command with a list of arguments")
	}
	if d.AllowUnsafePath {
		all = append(all, "check "+d.Name+": runs a program that other users may be able to change (allow-unsafe-path)")
	}
	return all
}
