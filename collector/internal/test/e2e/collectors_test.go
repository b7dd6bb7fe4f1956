package e2e

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"github.com/hostexporter/host_exporter/collector"
)

// unprivileged is a user without privileges.
const unprivileged = 65534

// TestEndToEndAllCollectors enables all collectors on this host, whatever it has,
// as the user of the test and as one without privileges. Each reads everything or
// has no data, or reports which permission it lacks.
func TestEndToEndAllCollectors(t *testing.T) {
	requireE2E(t)
	t.Parallel()
	binary := publicCopy(t, build(t))
	args := []string{"once", "--format=json", "--log.level=error"}
	for _, spec := range collector.Catalog() {
		args = append(args, "--collector."+spec.Name)
	}
	t.Run("own user", func(t *testing.T) { checkCollectors(t, exec.Command(binary, args...)) })
	t.Run("unprivileged user", func(t *testing.T) {
		if os.Getuid() != 0 {
			t.Skip("needs root, to become another user")
		}
		cmd := exec.Command(binary, args...)
		cmd.Dir = "/"
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: unprivileged, Gid: unprivileged}}
		checkCollectors(t, cmd)
	})
}

// publicCopy copies a binary to where every user can run it.
func publicCopy(t *testing.T, binary string) string {
	t.Helper()
	b, err := os.ReadFile(binary)
	if err != nil {
		t.Fatal(err)
	}
	dir, err := os.MkdirTemp("", "host_exporter")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "host_exporter")
	if err := os.WriteFile(file, b, 0o755); err != nil {
		t.Fatal(err)
	}
	return file
}

var (
	denied = regexp.MustCompile(`permission denied|operation not permitted`)
	remedy = regexp.MustCompile(`want .*(root|CAP_[A-Z_]+)`)
)

// checkCollectors runs the command once and checks the state of each collector.
// The exit code is that of a failure if one lacks a permission for all that it
// reads.
func checkCollectors(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, runErr := cmd.Output()
	var result struct {
		Collectors []struct{ Name, State, Error string }
	}
	if err := json.Unmarshal(out, &result); err != nil {
		t.Fatalf("%v: %v\n%s", runErr, err, &stderr)
	}
	if have, want := len(result.Collectors), len(collector.Catalog()); have != want {
		t.Errorf("%d collectors, want %d", have, want)
	}
	states := map[string]int{}
	for _, c := range result.Collectors {
		states[c.State]++
		switch c.State {
		case "ok", "no_data":
		case "partial":
			for _, part := range strings.Split(c.Error, "; ") {
				if !denied.MatchString(part) {
					t.Errorf("%s: %s", c.Name, part)
				}
			}
		default:
			if c.State != "error" || !denied.MatchString(c.Error) || !remedy.MatchString(c.Error) {
				t.Errorf("%s: %s: %s", c.Name, c.State, c.Error)
			}
		}
	}
	t.Log(states)
}
