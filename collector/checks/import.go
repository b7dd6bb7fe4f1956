package checks

import (
	"io"
	"os"

	"github.com/hostexporter/host_exporter/collector/checks/internal/crontab"
)

// An Import is what became of a crontab.
type Import = crontab.Report

// ImportCrontab turns the lines of a crontab into checks for the configuration
// file, with comments where a human must decide. The commands of a crontab
// without users run as the given one; empty stands for who runs the exporter.
func ImportCrontab(in io.Reader, user string) ([]byte, Import, error) {
	return crontab.Import(in, crontab.Options{User: user, Lookup: func(path string) (string, bool) {
		info, err := os.Stat(path)
		return path, err == nil && info.Mode().IsRegular() && info.Mode().Perm()&0o111 != 0
	}})
}
