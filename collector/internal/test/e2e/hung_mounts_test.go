// On 32 bit, go-fuse does not compile.
//go:build !386 && !arm && !mips && !mipsle

package e2e

import (
	"errors"
	"fmt"
	"io"
	stdlog "log"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/hanwen/go-fuse/v2/fuse"
	"golang.org/x/sys/unix"
)

// hungMounts is the number of mounts that never answer.
const hungMounts = 125

// TestEndToEndHungMounts starts the exporter on a host with many mounts that
// hang, within limits on its threads: that of the unit, lower ones, and those of
// a user. The process must live, measure the other mounts, and report each
// mount that it does not. The test runs in a process with a mount namespace of
// its own.
func TestEndToEndHungMounts(t *testing.T) {
	requireE2E(t)
	const variable = "TEST_E2E_NAMESPACE"
	if os.Getenv(variable) == "" {
		build(t)
		cmd := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v", "-test.timeout=5m")
		cmd.Env = append(os.Environ(), variable+"="+build(t))
		cmd.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS, Pdeathsig: syscall.SIGKILL}
		out, err := cmd.CombinedOutput()
		switch {
		case len(out) == 0 && err != nil:
			t.Skipf("no mount namespace: %v", err)
		case err != nil:
			t.Fatalf("%v\n%s", err, out)
		}
		t.Logf("%s", out)
		return
	}
	binary, root := os.Getenv(variable), t.TempDir()
	for dir := root; dir != os.TempDir() && dir != "/"; dir = filepath.Dir(dir) {
		if err := os.Chmod(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for i := range hungMounts {
		mountHanging(t, filepath.Join(root, fmt.Sprint("hung", i)))
	}
	unit, err := os.ReadFile(filepath.Join(serviceDir, "host_exporter.service"))
	if err != nil {
		t.Fatal(err)
	}
	ofUnit := regexp.MustCompile(`(?m)^TasksMax=(\d+)$`).FindSubmatch(unit)
	if ofUnit == nil {
		t.Fatal("the unit has no TasksMax=")
	}
	for _, c := range []struct {
		name         string
		tasks, procs string // limit of the control group, RLIMIT_NPROC of a user
		wantAll      bool   // whether all mounts are probed
	}{
		{"unit", string(ofUnit[1]), "", true},
		{"128 tasks", "128", "", false},
		{"40 tasks", "40", "", false},
		{"user with 64 processes", "", "64", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			address, limits, credential := freeAddress(t), "", (*syscall.Credential)(nil)
			if c.tasks != "" {
				limits = "echo $$ >" + newPidsGroup(t, c.tasks) + "/cgroup.procs && "
			}
			if c.procs != "" {
				limits, credential = "ulimit -u "+c.procs+" && ", &syscall.Credential{Uid: 65500, Gid: 65500}
			}
			log, err := os.Create(filepath.Join(t.TempDir(), "log"))
			if err != nil {
				t.Fatal(err)
			}
			defer log.Close()
			// Process 1 has another mount namespace.
			cmd := exec.Command("bash", "-c", limits+`exec "$@"`, "bash", binary, "--web.listen-address="+address, "--path.procfs="+procOfSelf(t))
			cmd.Stdout, cmd.Stderr = log, log
			cmd.SysProcAttr = &syscall.SysProcAttr{Credential: credential}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			defer func() {
				// Its calls end with the mounts, and only then does the process.
				_ = cmd.Process.Kill()
			}()
			for range 3 {
				text := get(t, "http://"+address+"/metrics")
				var hung, skipped int
				for line := range strings.Lines(text) {
					if strings.HasPrefix(line, "node_filesystem_device_error{") && strings.Contains(line, `mountpoint="`+root) {
						switch {
						case strings.Contains(line, `device_error="mountpoint timeout"`):
							hung++
						case strings.Contains(line, `device_error="not asked, too many mounts hang"`):
							skipped++
						}
					}
				}
				if hung+skipped != hungMounts || hung == 0 || (skipped == 0) != c.wantAll {
					t.Errorf("%d mounts hang and %d are skipped, want %d together", hung, skipped, hungMounts)
				}
				if !strings.Contains(text, `,mountpoint="/"} `) || !strings.Contains(text, "\nnode_load1 ") {
					t.Error("the root file system or the load average is missing")
				}
			}
			if t.Failed() {
				b, _ := os.ReadFile(log.Name())
				t.Logf("%s", b)
			}
		})
	}
}

// procOfSelf returns a procfs without process 1.
func procOfSelf(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "host_exporter-proc-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"self", "loadavg", "stat", "meminfo"} {
		if err := os.Symlink("/proc/"+name, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// newPidsGroup makes a control group with a maximum number of tasks.
func newPidsGroup(t *testing.T, maximum string) string {
	t.Helper()
	for _, parent := range []string{"/sys/fs/cgroup/pids", "/sys/fs/cgroup"} {
		dir := filepath.Join(parent, "host_exporter-e2e-"+strconv.Itoa(os.Getpid()))
		if err := os.Mkdir(dir, 0o755); err != nil {
			continue
		}
		t.Cleanup(func() {
			if !eventually(10*time.Second, func() bool { return os.Remove(dir) == nil }) {
				t.Logf("%s is left behind", dir)
			}
		})
		if err := os.WriteFile(filepath.Join(dir, "pids.max"), []byte(maximum), 0o644); err == nil {
			return dir
		}
	}
	t.Skip("no control group with the pids controller can be made")
	return ""
}

// A hangingFS answers nothing about its space.
type hangingFS struct{ fuse.RawFileSystem }

func (f hangingFS) StatFs(cancel <-chan struct{}, _ *fuse.InHeader, _ *fuse.StatfsOut) fuse.Status {
	<-cancel // by a signal that kills the caller
	return fuse.EINTR
}

// mountHanging mounts a file system that hangs for all users.
func mountHanging(t *testing.T, dir string) {
	t.Helper()
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	s, err := fuse.NewServer(hangingFS{fuse.NewDefaultRawFileSystem()}, dir, &fuse.MountOptions{
		FsName: "hanging", Name: "hanging", AllowOther: true, DirectMountStrict: true, Logger: stdlog.New(io.Discard, "", 0),
	})
	if errors.Is(err, os.ErrPermission) || errors.Is(err, os.ErrNotExist) {
		t.Skipf("mounting is refused: %v", err)
	} else if err != nil {
		t.Fatal(err)
	}
	go s.Serve()
	t.Cleanup(func() { _ = unix.Unmount(dir, unix.MNT_FORCE|unix.MNT_DETACH) })
	if err := s.WaitMount(); err != nil {
		t.Fatal(err)
	}
}
