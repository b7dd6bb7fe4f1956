package sandbox

import (
	"errors"
	"fmt"
	"io/fs"
	"unsafe"

	"golang.org/x/sys/unix"
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

const (
	// fileAccess has the rights that apply to a single file or device.
	fileAccess = unix.LANDLOCK_ACCESS_FS_WRITE_FILE | unix.LANDLOCK_ACCESS_FS_TRUNCATE | unix.LANDLOCK_ACCESS_FS_IOCTL_DEV
	// forbiddenAccess has the rights that no rule allows: root could make a device
	// file for any disk.
	forbiddenAccess = unix.LANDLOCK_ACCESS_FS_MAKE_CHAR | unix.LANDLOCK_ACCESS_FS_MAKE_BLOCK
)

// Enforce restricts the calling thread and the processes that it starts. The
// thread must be locked and have no_new_privs. An error for a path of Writable is
// an *fs.PathError.
func (r Rules) Enforce() error {
	ruleset := r.attributes()
	fd := -1
	if ruleset.Handled_access_fs != 0 {
		// A kernel with a smaller struct accepts a larger one whose additional
		// fields are zero.
		n, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, uintptr(unsafe.Pointer(&ruleset)), unsafe.Sizeof(ruleset), 0)
		if errno != 0 {
			return fmt.Errorf("making a Landlock ruleset: %w", errno)
		}
		fd = int(n)
		defer unix.Close(fd)
	}
	for _, path := range r.Writable {
		if err := addRule(fd, ruleset.Handled_access_fs, path); err != nil {
			return err
		}
	}
	if fd < 0 {
		return nil
	}
	for _, path := range devices() {
		if err := addRule(fd, ruleset.Handled_access_fs, path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("allowing to write: %v", err) // %v: it is no path of Writable
		}
	}
	if _, _, errno := unix.Syscall(unix.SYS_LANDLOCK_RESTRICT_SELF, uintptr(fd), 0, 0); errno != 0 {
		return fmt.Errorf("entering the Landlock domain: %w", errno)
	}
	return nil
}

// attributes returns what is denied where no rule allows it.
func (r Rules) attributes() (a unix.LandlockRulesetAttr) {
	if !r.Mode.Enabled() || r.Version < 1 {
		return a
	}
	a.Handled_access_fs = unix.LANDLOCK_ACCESS_FS_WRITE_FILE |
		unix.LANDLOCK_ACCESS_FS_REMOVE_DIR | unix.LANDLOCK_ACCESS_FS_REMOVE_FILE |
		unix.LANDLOCK_ACCESS_FS_MAKE_CHAR | unix.LANDLOCK_ACCESS_FS_MAKE_DIR | unix.LANDLOCK_ACCESS_FS_MAKE_REG |
		unix.LANDLOCK_ACCESS_FS_MAKE_SOCK | unix.LANDLOCK_ACCESS_FS_MAKE_FIFO | unix.LANDLOCK_ACCESS_FS_MAKE_BLOCK |
		unix.LANDLOCK_ACCESS_FS_MAKE_SYM
	if r.Version >= 2 {
		a.Handled_access_fs |= unix.LANDLOCK_ACCESS_FS_REFER
	}
	if r.Version >= 3 {
		a.Handled_access_fs |= unix.LANDLOCK_ACCESS_FS_TRUNCATE
	}
	if r.Version >= 4 && r.Mode == Strict {
		a.Handled_access_net = unix.LANDLOCK_ACCESS_NET_BIND_TCP | unix.LANDLOCK_ACCESS_NET_CONNECT_TCP
	}
	if r.Version >= 5 {
		a.Handled_access_fs |= unix.LANDLOCK_ACCESS_FS_IOCTL_DEV
	}
	if r.Version >= 6 {
		a.Scoped = unix.LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET | unix.LANDLOCK_SCOPE_SIGNAL
	}
	return a
}

// addRule allows what a ruleset handles for a file, or below a directory. Without
// a ruleset it only checks that the path can be opened.
func addRule(ruleset int, handled uint64, path string) error {
	fd, err := unix.Open(path, unix.O_PATH|unix.O_CLOEXEC, 0)
	if err != nil {
		return &fs.PathError{Op: "open", Path: path, Err: err}
	}
	defer unix.Close(fd)
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return &fs.PathError{Op: "stat", Path: path, Err: err}
	}
	access := handled &^ forbiddenAccess
	if st.Mode&unix.S_IFMT != unix.S_IFDIR {
		access &= fileAccess
	}
	if ruleset < 0 {
		return nil
	}
	rule := unix.LandlockPathBeneathAttr{Allowed_access: access, Parent_fd: int32(fd)}
	_, _, errno := unix.Syscall6(unix.SYS_LANDLOCK_ADD_RULE, uintptr(ruleset), unix.LANDLOCK_RULE_PATH_BENEATH, uintptr(unsafe.Pointer(&rule)), 0, 0, 0)
	if errno != 0 {
		return &fs.PathError{Op: "allow", Path: path, Err: errno}
	}
	return nil
}
