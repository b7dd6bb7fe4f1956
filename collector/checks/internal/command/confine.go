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

// A sandboxError is why the sandbox of a run could not be set up.
type sandboxError struct{ err error }

func (e sandboxError) Error() string { return e.err.Error() }
func (e sandboxError) Unwrap() error { return e.err }

// addSandbox adds the sandbox of c to a request, with a temporary directory for
// this run. That the kernel cannot enforce all of it is an error only if c
// requires all; otherwise the label of host_check_info shows it.
func (r *Runner) addSandbox(c Command, req *request) error {
	if !c.Sandbox.Enabled() {
		return nil
	}
	version, err := r.Landlock()
	if err != nil {
		return sandboxError{fmt.Errorf("%s: sandbox: %w", c.Argv[0], err)}
	}
	if have := c.Sandbox.Effective(version); c.SandboxRequired && have != c.Sandbox {
		return sandboxError{fmt.Errorf("%s: sandbox: want %s, have %s with version %d of Landlock", c.Argv[0], c.Sandbox, have, version)}
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
	case errors.As(err, &path) && path.Path != r.ScratchDir:
		return fmt.Errorf("%s: %w (an entry of writable)", path.Path, path.Err)
	}
	return sandboxError{fmt.Errorf("%s: sandbox: %w", r.Argv[0], err)}
}

// makeScratch makes a directory for the temporary files of one run.
func makeScratch(owner *syscall.Credential) (string, error) {
	if owner != nil {
		have, err := capability.Effective()
		if err != nil {
			return "", err
		}
		// To give a directory to another user, and to remove that user's files.
		if missing := have.Missing(capability.Chown, capability.DACOverride, capability.FOwner); missing != nil {
			return "", fmt.Errorf("%s: a temporary directory for another user needs %s", os.TempDir(), strings.Join(missing, ", "))
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

// cleanUp removes the temporary directory of a run. A successful run fails if that
// is not possible, because every run would leave one more.
func cleanUp(req *request, result *Result) {
	if req.ScratchDir == "" {
		return
	}
	if err := removeScratch(req.ScratchDir); err != nil && result.Reason == "" {
		result.Reason, result.Err = Sandbox, withPathFirst(err)
	}
}

// removeScratch removes a directory with all its files, including directories
// that their owner cannot read. It follows no link out of the directory.
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
			_ = root.Chmod(path, 0o700) // before WalkDir reads it
		}
		return nil // RemoveAll returns the error
	})
	return os.RemoveAll(dir)
}

// withPathFirst returns an *fs.PathError with the path before the operation.
func withPathFirst(err error) error {
	if path := (*fs.PathError)(nil); errors.As(err, &path) {
		return fmt.Errorf("%s: %s: %w", path.Path, path.Op, path.Err)
	}
	return err
}
