package checks

import (
	"io"
	"os"
	"os/user"

	"github.com/hostexporter/host_exporter/collector/checks/internal/crontab"
)

// An Import is what became of a crontab.
type Import = crontab.Report

// ImportCrontab turns the lines of a crontab into checks for the configuration
// file, with comments where a human must decide. The format is "user" for lines
// as crontab -l prints them, "system" for those of /etc/crontab, which name a
// user, and "auto" to go by the lines. The commands of a crontab without users
// run as runAs; empty stands for who runs the exporter.
func ImportCrontab(in io.Reader, format, runAs string) ([]byte, Import, error) {
	f, err := crontab.ParseFormat(format)
	if err != nil {
		return nil, Import{}, err
	}
	return crontab.Import(in, crontab.Options{Format: f, User: runAs, Lookup: executable, IsUser: isUser})
}

func executable(path string) (string, bool) {
	info, err := os.Stat(path)
	return path, err == nil && info.Mode().IsRegular() && info.Mode().Perm()&0o111 != 0
}

func isUser(name string) bool {
	_, err := user.Lookup(name)
	return err == nil
}
