package checks

import (
	"fmt"
	"io"
	"os"
	"os/user"
	"strings"

	"github.com/hostexporter/host_exporter/collector/checks/internal/crontab"
)

// ImportCrontab reads a crontab and writes the section of a configuration file with
// the checks that replace it, with comments where the user has to decide. The format
// is "user" for lines of crontab -l, "system" for lines of /etc/crontab, which name a
// user, or "auto" to detect it. The commands of a crontab without users run as runAs;
// empty is the user of the exporter. A summary is written to remarks. The error has
// the lines that are not valid; out has them as comments.
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
	fmt.Fprintf(remarks, "%d checks, %d of them with a comment \"decide:\"\n", len(report.Checks), report.Decisions)
	if len(report.Invalid) == 0 {
		return nil
	}
	var lines []string
	for _, b := range report.Invalid {
		lines = append(lines, fmt.Sprintf("line %d: %v: %s", b.Line, b.Err, b.Text))
	}
	return fmt.Errorf("%d invalid lines:\n%s", len(lines), strings.Join(lines, "\n"))
}

func isExecutable(path string) (string, bool) {
	info, err := os.Stat(path)
	return path, err == nil && info.Mode().IsRegular() && info.Mode().Perm()&0o111 != 0
}

func userExists(name string) bool {
	_, err := user.Lookup(name)
	return err == nil
}
