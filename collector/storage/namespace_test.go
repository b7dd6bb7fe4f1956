package storage

import (
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// namespaceEnv is the environment variable of the process in a mount namespace
// of its own.
const namespaceEnv = "TEST_NAMESPACE"

// inMountNamespace runs a test in a process with a mount namespace of its own.
func inMountNamespace(t *testing.T, test func(*testing.T)) {
	t.Helper()
	if os.Getenv(namespaceEnv) != "" {
		test(t)
		return
	}
	cmd := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v", "-test.timeout=2m")
	cmd.Env = append(os.Environ(), namespaceEnv+"=1")
	cmd.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS, Pdeathsig: syscall.SIGKILL}
	out, err := cmd.CombinedOutput()
	switch {
	case len(out) == 0 && err != nil:
		t.Skipf("no mount namespace: %v", err)
	case err != nil:
		t.Fatalf("%v\n%s", err, out)
	case strings.Contains(string(out), "--- SKIP"):
		t.Skipf("%s", out)
	}
}

func forceUnmount(dir string) { _ = unix.Unmount(dir, unix.MNT_FORCE|unix.MNT_DETACH) }
