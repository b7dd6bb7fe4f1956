package command

import (
	"encoding/json"
	"syscall"
	"time"

	"github.com/hostexporter/host_exporter/collector/checks/internal/sandbox"
	"github.com/hostexporter/host_exporter/collector/internal/capability"
)

// supervisorName is argv[0] of the supervisor.
const supervisorName = "host_exporter-supervisor"

// The supervisor's descriptors. 0 and 1 are /dev/null, 2 has the last words of a
// supervisor that crashes.
const (
	controlFD = 3 + iota // a pipe with the messages below, whose end means to end the run
	reportFD             // a pipe for the answers
	parentFD             // the directory that has the temporary directory, if there is one
	scratchFD            // the temporary directory
)

// Maximum sizes of messages in bytes.
const (
	maxRequest = 4 << 20
	maxReport  = 4 << 20
	maxParsed  = 16 << 20
)

// A request is the first message to a supervisor.
type request struct {
	Argv, Env      []string
	Credential     *syscall.Credential
	Capabilities   []capability.Capability
	NewPrivileges  bool // do not set no_new_privs
	KillGrace      time.Duration
	SweepTimeout   time.Duration
	GroupDir       string         // directory of the control group; empty for none
	HomeDir        string         // directory of the control group of the supervisor
	Sandbox        *sandbox.Rules // nil for none
	Scratch        string         // name of the temporary directory in parentFD; empty for none
	PrivateScratch bool           // parentFD is for this run

	// Resource limits; negative for none.
	Memory, CPUSeconds, OpenFiles, FileSize, Processes int64

	// Limits of the output in bytes; negative for none.
	MaxStdout, MaxStderr int
}

// A report is the first answer, when all processes have ended.
type report struct {
	SpawnError    string             // why the program was not started
	SandboxFailed bool               // SpawnError is about the sandbox
	HasStatus     bool               // Status is known
	Status        syscall.WaitStatus // of the program
	SentSIGTERM   bool               // the program ran when the run was to end
	Overflowed    bool               // more output than MaxStdout
	CPU           time.Duration
	MaxRSS        int64
	Orphans       int
	Survivors     []string // processes that could not be killed
	Stderr        []byte   // its last bytes
}

// A parseRequest is the second message: to parse the output. The second answer is
// what the Parser returned.
type parseRequest struct {
	Spec   json.RawMessage
	Memory int64 // bytes that parsing may allocate; negative for no limit
}
