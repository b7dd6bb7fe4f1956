package command

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/hostexporter/host_exporter/collector/checks/internal/sandbox"
)

// newScratch returns a temporary directory in one of the test.
func newScratch(t *testing.T, owner *syscall.Credential) (s *scratch, parent string) {
	t.Helper()
	parent = filepath.Join(t.TempDir(), "parent")
	if err := os.Mkdir(parent, 0o711); err != nil {
		t.Fatal(err)
	}
	s, err := makeScratch(parent, owner)
	if err != nil {
		t.Fatal(err)
	}
	return s, parent
}

// TestScratchIsReplaced has a link where the temporary directory was: what it points
// to stays as it is.
func TestScratchIsReplaced(t *testing.T) {
	victim := t.TempDir()
	file := filepath.Join(victim, "file")
	if err := os.WriteFile(file, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	s, parent := newScratch(t, nil)
	if err := os.Rename(s.path, filepath.Join(parent, "moved")); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(parent, "moved", "own"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(victim, s.path); err != nil {
		t.Fatal(err)
	}
	if err := s.remove(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(file); err != nil {
		t.Error(err)
	}
	if _, err := os.Lstat(s.path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the link is left: %v", err)
	}
	if _, err := os.Lstat(filepath.Join(parent, "moved", "own")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a file of the check is left: %v", err)
	}
}

// TestScratchLinksSwapped swaps directories and links below the temporary directory
// while it is removed.
func TestScratchLinksSwapped(t *testing.T) {
	victim := t.TempDir()
	file := filepath.Join(victim, "file")
	if err := os.WriteFile(file, []byte("x"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(victim, 0o755); err != nil {
		t.Fatal(err)
	}
	for range 20 {
		s, parent := newScratch(t, nil)
		stop, stopped := make(chan struct{}), make(chan struct{})
		go func() {
			defer close(stopped)
			a, b := filepath.Join(s.path, "a"), filepath.Join(s.path, "b")
			for n := 0; ; n++ {
				select {
				case <-stop:
					return
				default:
				}
				// Some of these fail, as the directory is being removed.
				_ = os.Mkdir(a, 0o700)
				_ = os.WriteFile(filepath.Join(a, "own"), nil, 0o600)
				_ = os.Symlink(victim, b)
				_ = unix.Renameat2(unix.AT_FDCWD, a, unix.AT_FDCWD, b, unix.RENAME_EXCHANGE)
				if n%64 == 0 {
					_ = os.Rename(s.path, filepath.Join(parent, "moved"))
					_ = os.Symlink(victim, s.path)
					_ = os.Remove(s.path)
					_ = os.Rename(filepath.Join(parent, "moved"), s.path)
				}
			}
		}()
		<-time.After(time.Millisecond) // for some swaps; whatever comes of it is right
		removed := make(chan error, 1)
		go func() { removed <- s.remove() }()
		select {
		case <-removed: // with or without an error
		case <-time.After(20 * time.Millisecond): // new files come faster than they go
		}
		close(stop)
		<-stopped
	}
	info, err := os.Stat(victim)
	if err != nil || info.Mode().Perm() != 0o755 {
		t.Errorf("%v, %v", info, err)
	}
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o644 || info.Size() != 1 {
		t.Errorf("%v, %v", info, err)
	}
}

// TestDeepScratch removes a tree that is deeper than a process may have descriptors,
// and longer than a path may be.
func TestDeepScratch(t *testing.T) {
	s, parent := newScratch(t, nil)
	at, err := unix.Dup(int(s.dir.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	const depth = 1500
	for range depth {
		if err := unix.Mkdirat(at, "directory", 0o700); err != nil {
			t.Fatal(err)
		}
		next, err := unix.Openat(at, "directory", unix.O_RDONLY|unix.O_DIRECTORY, 0)
		_ = unix.Close(at)
		if err != nil {
			t.Fatal(err)
		}
		at = next
	}
	_ = unix.Close(at)
	if err := s.remove(); err != nil {
		t.Fatal(err)
	}
	wantEmpty(t, parent)
}

// TestScratchDir makes temporary directories in the one of the service, which others
// must not be able to change.
func TestScratchDir(t *testing.T) {
	dir := t.TempDir()
	c := shell("echo $TMPDIR")
	c.Sandbox = sandbox.Strict
	r := NewRunner(Options{ScratchDir: dir, Landlock: func() (int, error) { return 0, nil }})
	res := r.Run(t.Context(), c)
	want(t, res, "")
	if have := string(res.Parsed); !strings.HasPrefix(have, dir+"/host_exporter-check-") {
		t.Errorf("TMPDIR %q", have)
	}
	wantEmpty(t, dir)
	if err := os.Chmod(dir, 0o777|os.ModeSticky); err != nil {
		t.Fatal(err)
	}
	res = r.Run(t.Context(), c)
	want(t, res, Sandbox)
}

// TestScratchOwnerOnThisHost changes the owner of the directory, and not of what is at
// its path.
func TestScratchOwnerOnThisHost(t *testing.T) {
	requireRoot(t)
	s, parent := newScratch(t, &syscall.Credential{Uid: 65534, Gid: 65534})
	var st unix.Stat_t
	if err := unix.Lstat(s.path, &st); err != nil || st.Uid != 65534 || st.Mode&0o777 != 0o700 {
		t.Errorf("%+v, %v", st, err)
	}
	if err := s.remove(); err != nil {
		t.Error(err)
	}
	wantEmpty(t, parent)
}
