package sandbox

import (
	"errors"
	"fmt"
	"io/fs"

	"golang.org/x/sys/unix"

	"github.com/hostexporter/host_exporter/collector/internal/landlock"
)

// Rules are what a sandbox allows. It does not restrict reading and executing
// files.
type Rules struct {
	Mode     Mode
	Version  int      // of Landlock, as Version returned it
	Writable []string // directories, with all that is below, and files
}

// devices returns the devices that may be written to: they store nothing.
func devices() []string { return []string{"/dev/null", "/dev/zero", "/dev/full", "/dev/tty"} }

// allowedAccess has the rights that a rule gives. No rule allows to make device
// files: root could make one for any disk.
const allowedAccess = landlock.WriteAccess &^ (unix.LANDLOCK_ACCESS_FS_MAKE_CHAR | unix.LANDLOCK_ACCESS_FS_MAKE_BLOCK)

// Enforce restricts the calling thread and the processes that it starts. The
// thread must be locked and have no_new_privs. An error for a path of Writable is
// an *fs.PathError.
func (r Rules) Enforce() error {
	if !r.Mode.Enabled() || r.Version < 1 {
		return r.checkPaths()
	}
	ruleset, err := landlock.NewRuleset(r.denial(), r.Version)
	if err != nil {
		return err
	}
	defer ruleset.Close()
	for _, path := range r.Writable {
		if err := ruleset.Allow(path, allowedAccess); err != nil {
			return err
		}
	}
	for _, path := range devices() {
		if err := ruleset.Allow(path, allowedAccess); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("allowing to write: %v", err) // %v: it is no path of Writable
		}
	}
	return ruleset.RestrictThread()
}

// denial returns what is denied where no rule allows it.
func (r Rules) denial() landlock.Denial {
	return landlock.Denial{Files: landlock.WriteAccess, TCP: r.Mode == Strict, Signals: true, AbstractSockets: true}
}

// checkPaths checks that the writable paths can be opened, as Enforce does with
// Landlock.
func (r Rules) checkPaths() error {
	for _, path := range r.Writable {
		fd, err := unix.Open(path, unix.O_PATH|unix.O_CLOEXEC, 0)
		if err != nil {
			return &fs.PathError{Op: "open", Path: path, Err: err}
		}
		_ = unix.Close(fd)
	}
	return nil
}
