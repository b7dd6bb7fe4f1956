package exporter

import (
	"errors"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// TestRelaxTimers reads the slack of every thread of the test, which are there
// before the call.
func TestRelaxTimers(t *testing.T) {
	before, err := unix.PrctlRetInt(unix.PR_GET_TIMERSLACK, 0, 0, 0, 0)
	if err != nil {
		t.Skip(err)
	}
	if err := RelaxTimers(); errors.Is(err, syscall.ENOTSUP) {
		t.Skip("a binary with cgo")
	} else if err != nil {
		t.Fatal(err)
	}
	defer func() {
		_, _, _ = syscall.AllThreadsSyscall(unix.SYS_PRCTL, unix.PR_SET_TIMERSLACK, uintptr(before), 0)
	}()
	threads, err := os.ReadDir("/proc/self/task")
	if err != nil {
		t.Fatal(err)
	}
	for _, thread := range threads {
		b, err := os.ReadFile("/proc/" + thread.Name() + "/timerslack_ns")
		if errors.Is(err, os.ErrNotExist) {
			continue // the thread has ended
		}
		if errors.Is(err, os.ErrPermission) {
			t.Skip(err)
		}
		if have := strings.TrimSpace(string(b)); err != nil || have != strconv.Itoa(int(timerSlack)) {
			t.Errorf("thread %s: slack %s, want %d, %v", thread.Name(), have, timerSlack, err)
		}
	}
}
