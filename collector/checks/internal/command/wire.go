package command

import (
	"syscall"
	"time"

	"github.com/hostexporter/host_exporter/collector/checks/internal/sandbox"
)

// supervisorName is argv[0] of the supervisor.
const supervisorName = "host_exporter-supervisor"

// The supervisor's descriptors. 0, 1 and 2 are those of the program.
const (
	controlFD = 3 + iota // a pipe with the request, whose end means to end the run
	reportFD             // a pipe for the report
	groupFD              // the control group's directory, if there is one
)

// A request is what the exporter sends to a supervisor.
type request struct {
	Argv, Env    []string
	Credential   *syscall.Credential
	NoNewPrivs   bool
	KillGrace    time.Duration
	SweepTimeout time.Duration
	CgroupDir    string         // directory, open as groupFD; empty for none
	Sandbox      *sandbox.Rules // nil for none
	ScratchDir   string         // directory to remove if the exporter is gone at the end; empty for none

	// Resource limits; negative for none.
	Memory, CPUSeconds, OpenFiles, FileSize, Processes int64
}

// A report is what a supervisor sends back when all processes have ended.
type report struct {
	SpawnError    string             // why the program was not started
	SandboxFailed bool               // SpawnError is about the sandbox
	HasStatus     bool               // Status is known
	Status        syscall.WaitStatus // of the program
	SentSIGTERM   bool               // the program ran when the run was to end
	CPU           time.Duration
	MaxRSS        int64
	Orphans       int
	Survivors     []string // processes that could not be killed
}
