package command

import (
	"syscall"
	"time"

	"github.com/hostexporter/host_exporter/collector/checks/internal/sandbox"
)

// supervisorName is the supervisor's argv[0].
const supervisorName = "host_exporter-supervisor"

// The supervisor's descriptors: its 0, 1 and 2 are the program's.
const (
	controlFD = 3 + iota // a request comes from here, and its end asks to end the run
	reportFD             // the report goes here
	groupFD              // the control group, when there is one
)

// A request is what the exporter asks of a supervisor.
type request struct {
	Argv, Env    []string
	Credential   *syscall.Credential
	NoNewPrivs   bool
	KillGrace    time.Duration
	SweepTimeout time.Duration
	CgroupDir    string         // directory, open as groupFD; empty for none
	Sandbox      *sandbox.Rules // nil for none
	ScratchDir   string         // folder to remove if the exporter is gone by then; empty for none

	// Resource limits; negative for none.
	Memory, CPUSeconds, OpenFiles, FileSize, Processes int64
}

// A report is what a supervisor answers, when everything is over.
type report struct {
	SpawnError    string             // why it was not started
	SandboxFailed bool               // that was for want of a sandbox
	HasStatus     bool               // whether Status is known
	Status        syscall.WaitStatus // of the program itself
	SentSIGTERM   bool               // it had not ended before it was asked to
	CPU           time.Duration
	MaxRSS        int64
	Orphans       int
	Survivors     []string // what could not be killed
}
