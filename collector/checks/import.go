package checks

import (
	"fmt"
	"io"
	"os"
	"os/user"
	"strings"

	"github.com/hostexporter/host_exporter/collector/checks/internal/crontab"
)

// ImportCrontab reads a crontab and writes the checks of a configuration file
// that replace it, with comments where a human must decide. The format of its
// lines is "user" for those that crontab -l prints, "system" for those of
// /etc/crontab, which name a user, and "auto" to detect it. The commands of a
// crontab without users run as runAs; empty stands for the user who runs the
// exporter. A summary goes to remarks. The error names the lines that are not
// valid; out has them as comments.
func ImportCrontab(in io.Reader, out, remarks io.Writer, format, runAs string) error {
	f, err := crontab.ParseFormat(format)
	if err != nil {
		return err
	}
	text, report, err := crontab.Import(in, crontab.Options{Format: f, User: runAs, Lookup: isExecutable, IsUser: userExists})
	if err != nil {
		return err
	}
	if _, err := out.Write(text); err != nil {
		return err
	}
	fmt.Fprintf(remarks, "%d checks, %d of them with something to decide: look for \"decide:\"\n", len(report.Checks), report.Decisions)
	if len(report.Invalid) == 0 {
		return nil
	}
	var lines []string
	for _, b := range report.Invalid {
		lines = append(lines, fmt.Sprintf("line %d: %v: %s", b.Line, b.Err, b.Text))
	}
	return fmt.Errorf("%d lines are not valid:\n%s", len(lines), strings.Join(lines, "\n"))
}

func isExecutable(path string) (string, bool) {
	info, err := os.Stat(path)
	return path, err == nil && info.Mode().IsRegular() && info.Mode().Perm()&0o111 != 0
}

func userExists(name string) bool {
	_, err := user.Lookup(name)
	return err == nil
}
