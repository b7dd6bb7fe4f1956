// Package command runs one external program within hard limits.
//
// The exporter does not start the program itself: it re-executes its own binary
// as a supervisor, one for each run. The supervisor is the reaper of all
// processes of the run, so that none outlives it, not even one that left its
// session and lost its parent. The supervisor also reads the output and parses it,
// within limits of memory and time. docs/check-limits.md describes what a program
// finds and how it ends.
package command

import (
	"syscall"
	"time"

	"github.com/hostexporter/host_exporter/collector/checks/internal/sandbox"
	"github.com/hostexporter/host_exporter/collector/internal/capability"
)

// A Command is a program with the limits of its run. For each limit, zero is the
// default and a negative number is none. A run always has a timeout.
type Command struct {
	Name string   // of the check: CHECK_NAME in its environment
	Argv []string // the first is the program's absolute path
	Env  []string // NAME=value, in addition to the variables that every program gets

	User, Group     string // names or numbers; empty for those of the exporter
	Capabilities    []capability.Capability
	NewPrivileges   bool // setuid programs such as sudo get their privileges
	AllowUnsafePath bool // run a program that users other than root and the exporter's can change

	Sandbox         sandbox.Mode
	SandboxRequired bool     // fail where the kernel cannot enforce all of it
	Writable        []string // absolute paths that it may write to in the sandbox

	Timeout   time.Duration // until SIGTERM, 10 s
	KillGrace time.Duration // from SIGTERM until SIGKILL, 2 s

	Memory    int64         // bytes, 128 MiB
	CPU       time.Duration // twice the timeout; rounded up to whole seconds
	OpenFiles int           // 256
	FileSize  int64         // bytes of a file that it writes, 16 MiB
	Processes int           // 128; needs a control group or a user of the command's own
	Stdout    int           // bytes, 256 KiB: more ends the run
	Stderr    int           // bytes kept from the end, 4 KiB

	// Parse returns how to parse the output of a run that ended, for the Parser of
	// Main; nil is not to parse it.
	Parse func(Result) []byte
}

// minOpenFiles is what the supervisor needs, to which the limit applies too.
const minOpenFiles = 32

// withDefaults returns c with the default of every limit that is zero.
func (c Command) withDefaults() Command {
	c.Timeout = orDefault(c.Timeout, 10*time.Second)
	c.KillGrace = max(orDefault(c.KillGrace, 2*time.Second), 0)
	c.Memory = orDefault(c.Memory, 128<<20)
	c.CPU = orDefault(c.CPU, 2*c.Timeout)
	c.OpenFiles = orDefault(c.OpenFiles, 256)
	c.FileSize = orDefault(c.FileSize, 16<<20)
	c.Processes = orDefault(c.Processes, 128)
	c.Stdout = orDefault(c.Stdout, 256<<10)
	c.Stderr = orDefault(c.Stderr, 4<<10)
	return c
}

func orDefault[T int | int64 | time.Duration](v, fallback T) T {
	if v == 0 {
		return fallback
	}
	return v
}

// A Reason is why a run failed, as a label value.
type Reason string

const (
	// Exit: it exited with a code other than 0. Its output is complete: a format
	// whose value is the exit code takes it for a success.
	Exit Reason = "exit"
	// Signal: a signal ended it that the supervisor did not send.
	Signal Reason = "signal"
	// Timeout: it ran for too long, or used too much CPU time.
	Timeout Reason = "timeout"
	// OOM: the kernel killed it for the memory limit of its control group.
	OOM Reason = "oom"
	// Output: it wrote more than Stdout allows.
	Output Reason = "output"
	// Spawn: it could not be started.
	Spawn Reason = "spawn"
	// Parse: parsing its output took too much time or memory.
	Parse Reason = "parse"
	// Sandbox: its sandbox could not be set up, or its temporary directory could
	// not be removed.
	Sandbox Reason = "sandbox"
	// Stuck: one of its processes could not be killed, or its supervisor did not
	// report.
	Stuck Reason = "stuck"
	// Cancelled: the context was cancelled.
	Cancelled Reason = "cancelled"
)

// A Result is the outcome of a run.
type Result struct {
	Parsed []byte // what the Parser returned
	Stderr []byte // the last Command.Stderr bytes

	ExitCode int            // -1 unless it exited
	Signal   syscall.Signal // that ended it, or 0
	Reason   Reason         // why it failed; empty for a success
	Err      error          // the reason in words; nil for a success

	Started       time.Time
	Duration, CPU time.Duration // CPU of all its processes
	MaxRSS        int64         // bytes, of its largest process; 0 if unknown
	Orphans       int           // processes that it left, and that the supervisor killed
}
