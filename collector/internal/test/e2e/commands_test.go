package e2e

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hostexporter/host_exporter/collector/internal/test/testfile"
)

// TestEndToEndOnce runs the command once as a script does: it goes by the exit
// code.
func TestEndToEndOnce(t *testing.T) {
	requireE2E(t)
	t.Parallel()
	binary, broken := build(t), t.TempDir()
	testfile.Write(t, filepath.Join(broken, "loadavg"), "no numbers\n")
	for _, c := range []struct {
		args           []string
		code           int
		stdout, stderr string
	}{
		{[]string{"once", "loadavg", "uname"}, 0, "\nnode_load1 ", ""},
		{[]string{"once", "laodavg"}, 1, "", "do you mean loadavg?"},
		{[]string{"--path.procfs=" + broken, "once", "loadavg"}, 1, "", "loadavg: error: "},
		{[]string{"once", "--format=xml"}, 1, "", "xml"},
	} {
		code, stdout, stderr := exitCode(t, "", binary, c.args...)
		if code != c.code || !strings.Contains(stdout, c.stdout) || !strings.Contains(stderr, c.stderr) {
			t.Errorf("%q: exit code %d, want %d\n%s\n%s", c.args, code, c.code, stdout, stderr)
		}
	}
	code, stdout, stderr := exitCode(t, "", binary, "once", "--format=json", "loadavg")
	if code != 0 || stderr != "" || !json.Valid([]byte(stdout)) {
		t.Errorf("exit code %d, %q, want JSON:\n%s", code, stderr, stdout)
	}
	if code, _, stderr := exitCode(t, "", "/bin/sh", "-c", `"$0" once loadavg | grep -q '^node_load1 '`, binary); code != 0 {
		t.Errorf("in a pipeline: exit code %d\n%s", code, stderr)
	}
}

// TestEndToEndCrontab moves from cron to checks: it imports a crontab, checks the
// file, tries each check, and has the exporter run them.
func TestEndToEndCrontab(t *testing.T) {
	e := newExporter(t, "")
	binary := build(t)
	lock := filepath.Join(t.TempDir(), "lock")
	crontab := `MAILTO=root
@reboot /bin/true
*/5 * * * * flock -n ` + lock + ` timeout 20 /bin/echo well >/dev/null 2>&1
* * * * * /bin/sh -c 'exit 3'
@daily /bin/echo 'e2e_imported 4' > /var/lib/textfile/e2e.prom
`
	code, text, remarks := exitCode(t, crontab, binary, "checks", "import", "--format=user", "-")
	if code != 0 || !strings.Contains(remarks, "4 checks") {
		t.Fatalf("exit code %d: %s\n%s", code, remarks, text)
	}
	e.write(text)
	if code, stdout, stderr := exitCode(t, "", binary, "check-config", e.file); code != 0 || stdout != e.file+": valid\n" {
		t.Fatalf("check-config: exit code %d\n%s%s\n%s", code, stdout, stderr, text)
	}
	for _, c := range []struct {
		name   string
		code   int
		stdout string
	}{{"echo", 0, ""}, {"echo_2", 0, "e2e_imported 4\n"}, {"exit_3", 1, ""}, {"nonsense", 1, ""}} {
		code, stdout, stderr := exitCode(t, "", binary, "--config.file="+e.file, "--checks.user=", "checks", "run", c.name)
		if code != c.code || !strings.HasSuffix(stdout, c.stdout) {
			t.Errorf("checks run %s: exit code %d, want %d\n%s%s\n%s", c.name, code, c.code, stdout, stderr, text)
		}
	}
	if code, stdout, _ := exitCode(t, "", binary, "--config.file="+e.file, "checks", "list"); code != 0 || strings.Count(stdout, "\n") != 5 {
		t.Errorf("checks list: exit code %d\n%s", code, stdout)
	}
	e.hangup()
	e.until(90*time.Second, "the checks of each minute and of the start have run", func(s samples) bool {
		up, ran := s.get("host_check_up", "check", "true")
		failures, _ := s.get("host_check_failures_total", "check", "exit_3", "reason", "exit")
		return ran && up == 1 && failures >= 1
	})

	// A system crontab has a column for the user.
	for _, c := range []struct{ format, line, want string }{
		{"system", "* * * * * flock /bin/true", `user: flock`},
		{"user", "* * * * * root /bin/true", `root is not in PATH`},
		{"auto", "* * * * * root /bin/true", "user: root"},
		{"auto", "* * * * * flock /l /bin/true\n* * * * * root /bin/true", "no line names a user"},
	} {
		if _, text, _ := exitCode(t, c.line+"\n", binary, "checks", "import", "--format="+c.format, "-"); !strings.Contains(strings.ReplaceAll(text, `"`, ""), c.want) {
			t.Errorf("--format=%s: want %s in\n%s", c.format, c.want, text)
		}
	}
}
