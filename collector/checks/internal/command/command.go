// Package command runs one external program within hard bounds.
//
// The exporter does not start the program itself. It re-executes its own
// binary as a small supervisor, one for each run, which becomes the reaper of
// whatever the program leaves behind, so that not even a process that left its
// session and lost its parent outlives a run. docs/check-limits.md tells what
// a program finds and what becomes of it.
package command

import (
	"syscall"
	"time"

	"github.com/hostexporter/host_exporter/collector/checks/internal/sandbox"
)

// A Command says what to run and within which bounds. For each bound, zero
// stands for the default and a negative number for none. Only the timeout
// there must be.
type Command struct {
	Name string   // of the check, for CHECK_NAME and for errors
	Argv []string // the absolute path of the program first
	Env  []string // NAME=value, on top of the few that every program gets

	User, Group     string // names or numbers; empty for the exporter's own
	NoNewPrivs      bool   // programs that are setuid, as sudo is, run without their privilege
	AllowUnsafePath bool   // run also what others than root and the exporter's user may change

	Sandbox         sandbox.Mode
	SandboxRequired bool     // do not run with less of a sandbox than that
	Writable        []string // absolute paths to which it may write from within

	Timeout   time.Duration // until SIGTERM, 10 s
	KillGrace time.Duration // from SIGTERM until SIGKILL, 2 s

	Memory    int64         // bytes, 128 MiB
	CPU       time.Duration // twice the timeout; counted in whole seconds
	OpenFiles int           // 256
	FileSize  int64         // bytes in a file it writes, 16 MiB
	Processes int           // 128; only with a control group, or as a user of its own
	Stdout    int           // bytes, 256 KiB: more ends the run
	Stderr    int           // bytes that are kept from the end, 4 KiB
}

// minOpenFiles is what the supervisor needs, which lives within the same limit.
const minOpenFiles = 32

// withDefaults returns c with every bound filled in.
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

// A Reason is why a run is not a success, fit for a label.
type Reason string

const (
	// Exit: it ended by itself with another code than 0. Its output is whole; a
	// format to which the exit code is an answer takes it for a success.
	Exit Reason = "exit"
	// Signal: a signal ended it that is not the runner's.
	Signal Reason = "signal"
	// Timeout: it used up its time, by the clock or on the CPU.
	Timeout Reason = "timeout"
	// OOM: the kernel killed it for want of memory in its control group.
	OOM Reason = "oom"
	// Output: it wrote more than may be.
	Output Reason = "output"
	// Spawn: it was not started.
	Spawn Reason = "spawn"
	// Sandbox: it was not started, or not tidied up after, for want of a sandbox
	// as it should be.
	Sandbox Reason = "sandbox"
	// Stuck: something of it is left that could not be killed, or its
	// supervisor was lost.
	Stuck Reason = "stuck"
	// Cancelled: the context ended first.
	Cancelled Reason = "cancelled"
)

// A Result is what became of a run.
type Result struct {
	Stdout []byte // at most Command.Stdout bytes
	Stderr []byte // the last Command.Stderr bytes

	ExitCode int            // -1 unless it ended by itself
	Signal   syscall.Signal // that ended it, or 0
	Reason   Reason         // empty for a success
	Err      error          // in words; nil for a success

	Started       time.Time
	Duration, CPU time.Duration // CPU of all its processes
	MaxRSS        int64         // bytes, of the largest of its processes; 0 when not known
	Orphans       int           // processes that had to be killed after it had ended
}
