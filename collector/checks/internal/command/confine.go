package command

import (
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"

	"github.com/hostexporter/host_exporter/collector/checks/internal/sandbox"
)

// A sandboxError is why the sandbox of a run could not be set up.
type sandboxError struct{ err error }

func (e sandboxError) Error() string { return e.err.Error() }
func (e sandboxError) Unwrap() error { return e.err }

// addSandbox adds the sandbox of c to a request, with a temporary directory for
// this run, which it returns; nil is none. That the kernel cannot enforce all of the
// sandbox is an error only if c requires all; otherwise the label of host_check_info
// shows it.
func (r *Runner) addSandbox(c Command, req *request) (*scratch, error) {
	if !c.Sandbox.Enabled() {
		return nil, nil
	}
	version, err := r.Landlock()
	if err != nil {
		return nil, sandboxError{fmt.Errorf("%s: sandbox: %w", c.Argv[0], err)}
	}
	if have := c.Sandbox.Effective(version); c.SandboxRequired && have != c.Sandbox {
		return nil, sandboxError{fmt.Errorf("%s: sandbox: want %s, have %s with version %d of Landlock", c.Argv[0], c.Sandbox, have, version)}
	}
	made, err := makeScratch(r.ScratchDir, req.Credential)
	if err != nil {
		return nil, sandboxError{err}
	}
	req.Scratch, req.PrivateScratch = made.name, made.private
	req.Env = setVariable(req.Env, "TMPDIR", "TMPDIR="+made.path)
	// By its descriptor: at its path there may be a link by now.
	own := "/proc/self/fd/" + strconv.Itoa(scratchFD)
	req.Sandbox = &sandbox.Rules{Mode: c.Sandbox, Version: version, Writable: append([]string{own}, c.Writable...)}
	return made, nil
}

// enterSandbox enforces the sandbox on the calling thread.
func (r *request) enterSandbox() error {
	if r.Sandbox == nil {
		return nil
	}
	err := r.Sandbox.Enforce()
	path := (*fs.PathError)(nil)
	switch {
	case err == nil:
		return nil
	case errors.As(err, &path) && !strings.HasPrefix(path.Path, "/proc/self/fd/"):
		return fmt.Errorf("%s: %w (an entry of writable)", path.Path, path.Err)
	}
	return sandboxError{fmt.Errorf("%s: sandbox: %w", r.Argv[0], err)}
}

// withPathFirst returns an *fs.PathError with the path before the operation.
func withPathFirst(err error) error {
	if path := (*fs.PathError)(nil); errors.As(err, &path) {
		return fmt.Errorf("%s: %s: %w", path.Path, path.Op, path.Err)
	}
	return err
}
