// Package definition reads what the configuration file says of checks: which
// command runs when, within which limits, and how its output is read.
package definition

import (
	"reflect"
	"slices"
	"time"

	"github.com/hostexporter/host_exporter/collector/checks/internal/output"
	"github.com/hostexporter/host_exporter/collector/checks/internal/sandbox"
)

// A Definition is one check, as it is configured. It is plain data: what does
// not differ is unchanged.
type Definition struct {
	Name        string
	Description string
	Enabled     bool

	// What is run, and as whom.
	Command         []string
	Shell           bool // the command is the shell, with a text to run
	User, Group     string
	Env             map[string]string
	AllowUnsafePath bool

	// What it is kept from.
	Sandbox         sandbox.Mode
	SandboxRequired bool
	Writable        []string

	// When it is run. One of Interval and At is set.
	Interval time.Duration
	At       string // a cron expression
	Slow     bool   // takes a slot of its own class
	TTL      time.Duration

	// How much it may take.
	Timeout     time.Duration
	KillGrace   time.Duration
	Memory      int64
	CPU         time.Duration // 0: twice the timeout
	OpenFiles   int
	FileSize    int64
	StdoutLimit int64

	// How its output is read.
	Output      output.Options
	ExitCodes   map[string]float64
	AcceptCodes []Codes // exit codes besides 0 that are no failure
	Labels      map[string]string
}

// Codes are the exit codes from First to Last.
type Codes struct{ First, Last int }

// New returns a check with nothing but defaults.
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

// SameSchedule reports whether two definitions have their checks run at the same
// times.
func (d Definition) SameSchedule(other Definition) bool {
	return d.Interval == other.Interval && d.At == other.At
}

// SameMeaning reports whether what a check published under one definition is
// still right under the other: whether they differ in limits and times only.
func (d Definition) SameMeaning(other Definition) bool {
	return reflect.DeepEqual(d.meaning(), other.meaning())
}

// meaning returns the definition without what only limits a run, or says when
// it is.
func (d Definition) meaning() Definition {
	d.Description = ""
	d.AllowUnsafePath, d.Slow = false, false
	d.Sandbox, d.SandboxRequired, d.Writable = sandbox.None, false, nil
	d.Interval, d.At, d.TTL = 0, "", 0
	d.Timeout, d.KillGrace, d.CPU = 0, 0, 0
	d.Memory, d.OpenFiles, d.FileSize, d.StdoutLimit = 0, 0, 0, 0
	return d
}

// CPULimit returns how much processor time a run may use.
func (d Definition) CPULimit() time.Duration {
	if d.CPU > 0 {
		return d.CPU
	}
	return max(2*d.Timeout, time.Second)
}

// Accepts reports whether a run that ended with this exit code has succeeded.
func (d Definition) Accepts(code int) bool {
	return code == 0 || code > 0 && d.Output.Format.ExitIsValue() && d.Publishes() ||
		slices.ContainsFunc(d.AcceptCodes, func(c Codes) bool { return c.First <= code && code <= c.Last })
}

// Publishes reports whether the check has anything to publish. One of the format
// exit without a metric has not: whether it failed is all that it tells, as a
// job of cron does.
func (d Definition) Publishes() bool {
	return d.Output.Format != output.Exit || d.Output.Name != "" || len(d.Output.Metrics) > 0
}

// Warnings returns what is allowed and better avoided.
func (d Definition) Warnings() []string {
	var all []string
	if d.Shell {
		all = append(all, "check "+d.Name+" runs a shell: what it expands and where its words end is up to the text; command takes a list of arguments")
	}
	if d.AllowUnsafePath {
		all = append(all, "check "+d.Name+" runs a program that others may be able to change (allow-unsafe-path)")
	}
	return all
}
