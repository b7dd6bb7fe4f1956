package command

import (
	"fmt"
	"io"
	"os"
	"runtime"
	"strconv"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	stageName = "host_exporter-stage" // argv[0] of the second stage
	stageFD   = 3                     // a pipe that the second stage writes its errno to
)

// startStage starts the exporter's binary as the second stage, which sets the
// memory limit on itself and executes the program.
func (r *request) startStage(stdout, stderr uintptr) (int, error) {
	var fds [2]int
	if err := unix.Pipe2(fds[:], unix.O_CLOEXEC); err != nil {
		return 0, fmt.Errorf("pipe: %w", err)
	}
	failure := os.NewFile(uintptr(fds[0]), "failure")
	defer failure.Close()
	argv := append([]string{stageName, strconv.FormatInt(r.Memory, 10)}, r.Argv...)
	pid, err := r.forkExec("/proc/self/exe", argv, 0, stdout, stderr, uintptr(fds[1]))
	_ = unix.Close(fds[1])
	if err != nil {
		return 0, err
	}
	// Executing the program closes the pipe.
	errno, err := io.ReadAll(failure)
	if err == nil && len(errno) == 0 {
		return pid, nil
	}
	_ = unix.Kill(pid, unix.SIGKILL)
	_, _ = unix.Wait4(pid, nil, 0, nil)
	if err != nil {
		return 0, err
	}
	number, err := strconv.Atoi(string(errno))
	if err != nil {
		return 0, fmt.Errorf("%s: starting it: want an error number, have %q", r.Argv[0], errno)
	}
	return 0, execError(r.Argv[0], syscall.Errno(number))
}

// execWithLimit is the second stage: it executes a program with a memory limit.
// It returns only if it fails.
func execWithLimit(args []string) syscall.Errno {
	unix.CloseOnExec(stageFD)
	if len(args) < 2 {
		return unix.EINVAL
	}
	memory, err := strconv.ParseUint(args[0], 10, 63)
	if err != nil {
		return unix.EINVAL
	}
	path, err := unix.BytePtrFromString(args[1])
	if err != nil {
		return unix.EINVAL
	}
	argv, err := syscall.SlicePtrFromStrings(args[1:])
	if err != nil {
		return unix.EINVAL
	}
	env, err := syscall.SlicePtrFromStrings(os.Environ())
	if err != nil {
		return unix.EINVAL
	}
	// The runtime must not map memory between these two calls: it would exceed the
	// limit.
	limit := unix.Rlimit{Cur: memory, Max: memory}
	_, _, errno := unix.RawSyscall6(unix.SYS_PRLIMIT64, 0, unix.RLIMIT_DATA, uintptr(unsafe.Pointer(&limit)), 0, 0, 0)
	if errno == 0 {
		_, _, errno = unix.RawSyscall(unix.SYS_EXECVE, uintptr(unsafe.Pointer(path)), uintptr(unsafe.Pointer(&argv[0])), uintptr(unsafe.Pointer(&env[0])))
	}
	runtime.KeepAlive(argv)
	runtime.KeepAlive(env)
	return errno
}
