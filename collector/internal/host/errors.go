package host

import (
	"errors"
	"fmt"
	"io/fs"
	"strconv"

	"golang.org/x/sys/unix"
)

// A Malformed is the error of a file whose content does not have the required
// format. It quotes the content, unless not everybody may read the file: errors are
// in the log and on the status page.
type Malformed struct {
	Path    string
	Line    int // from 1
	Want    string
	Have    string
	private bool
}

func (m *Malformed) Error() string {
	if m.private {
		return fmt.Sprintf("%s:%d: want %s", m.Path, m.Line, m.Want)
	}
	return fmt.Sprintf("%s:%d: want %s, have %s", m.Path, m.Line, m.Want, strconv.Quote(m.Have))
}

// Bad returns a Malformed error without its path, which Reader.At fills in. It
// keeps at most 80 bytes of have.
func Bad(line int, want string, have []byte) error {
	if len(have) > 80 {
		have = have[:80]
	}
	return &Malformed{Line: line, Want: want, Have: string(have)}
}

// Gone reports whether an error means that a file or device is absent, or was
// removed between listing and reading: hot unplug is not an error.
func Gone(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.ENODEV) || errors.Is(err, unix.ENXIO)
}

// ReportUnlessGone passes err to report, unless err is nil or Gone. It reports
// whether err is nil.
func ReportUnlessGone(err error, report func(error)) (ok bool) {
	if err != nil && !Gone(err) {
		report(err)
	}
	return err == nil
}
