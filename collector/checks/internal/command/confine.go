package command

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"syscall"

	"github.com/hostexporter/host_exporter/collector/checks/internal/sandbox"
	"github.com/hostexporter/host_exporter/collector/internal/capability"
)

// A sandboxError is why there is no sandbox as there should be.
type sandboxError struct{ err error }

func (e sandboxError) Error() string { return e.err.Error() }
func (e sandboxError) Unwrap() error { return e.err }

// addSandbox puts the sandbox of c into a request, with a temporary folder that
// is the run's own. What the kernel lacks is no error unless c says so: a check
// that runs with less is worth more than none, and shows.
func (r *Runner) addSandbox(c Command, req *request) error {
	if !c.Sandbox.Enabled() {
		return nil
	}
	version, err := r.Landlock()
	if err != nil {
		return sandboxError{fmt.Errorf("%s: sandbox: %w", c.Argv[0], err)}
	}
	if have := c.Sandbox.Effective(version); c.SandboxRequired && have != c.Sandbox {
		return sandboxError{fmt.Errorf("%s: sandbox: the kernel has version %d of Landlock, with which %s is %s, and the whole is required", c.Argv[0], version, c.Sandbox, have)}
	}
	dir, err := makeScratch(req.Credential)
	if err != nil {
		return sandboxError{err}
	}
	req.ScratchDir = dir
	req.Env = setVariable(req.Env, "TMPDIR", "TMPDIR="+dir)
	req.Sandbox = &sandbox.Rules{Mode: c.Sandbox, Version: version, Writable: append([]string{dir}, c.Writable...)}
	return nil
}

// enterSandbox puts the sandbox on the thread that starts the program.
func (r *request) enterSandbox() error {
	if r.Sandbox == nil {
		return nil
	}
	err := r.Sandbox.Enforce()
	path := (*fs.PathError)(nil)
	switch {
	case err == nil:
		return nil
	case errors.As(err, &path) && path.Path != r.ScratchDir:
		return fmt.Errorf("%s: %w, and %s is to write to it", path.Path, path.Err, r.Argv[0])
	}
	return sandboxError{fmt.Errorf("%s: sandbox: %w", r.Argv[0], err)}
}

// makeScratch makes a folder for the temporary files of one run.
func makeScratch(owner *syscall.Credential) (string, error) {
	if owner != nil {
		have, err := capability.Effective()
		if err != nil {
			return "", err
		}
		// To hand a folder to another user, and to remove it with what that user
		// has put there.
		if missing := have.Missing(capability.Chown, capability.DACOverride, capability.FOwner); missing != nil {
			return "", fmt.Errorf("%s: a temporary folder for another user takes %s", os.TempDir(), strings.Join(missing, ", "))
		}
	}
	dir, err := os.MkdirTemp("", "host_exporter-check-")
	if err != nil {
		return "", withPathFirst(err)
	}
	if owner == nil {
		return dir, nil
	}
	if err := os.Chown(dir, int(owner.Uid), int(owner.Gid)); err != nil {
		return "", withPathFirst(errors.Join(err, os.Remove(dir)))
	}
	return dir, nil
}

// cleanUp removes what a run has left in its temporary folder. That it cannot is
// the failure of a run that was well otherwise: the next one would leave more.
func cleanUp(req *request, result *Result) {
	if req.ScratchDir == "" {
		return
	}
	if err := removeScratch(req.ScratchDir); err != nil && result.Reason == "" {
		result.Reason, result.Err = Sandbox, withPathFirst(err)
	}
}

// removeScratch removes a folder and all in it, also folders that their owner
// has closed to himself. It follows no link out of it.
func removeScratch(dir string) error {
	err := os.RemoveAll(dir)
	if !errors.Is(err, fs.ErrPermission) {
		return err
	}
	_ = os.Chmod(dir, 0o700)
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	_ = fs.WalkDir(root.FS(), ".", func(path string, d fs.DirEntry, err error) error {
		if d != nil && d.IsDir() && err == nil {
			_ = root.Chmod(path, 0o700) // before it is read
		}
		return nil // what cannot be reached cannot be removed either, and that is told
	})
	return os.RemoveAll(dir)
}

// withPathFirst tells an error with the path before what was done to it.
func withPathFirst(err error) error {
	if path := (*fs.PathError)(nil); errors.As(err, &path) {
		return fmt.Errorf("%s: %s: %w", path.Path, path.Op, path.Err)
	}
	return err
}
