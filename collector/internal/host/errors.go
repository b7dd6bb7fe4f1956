package host

import (
	"errors"
	"fmt"
	"io/fs"
	"strconv"

	"golang.org/x/sys/unix"
)

// Malformed says that a file does not hold what its format promises.
type Malformed struct {
	Path string
	Line int // counted from 1
	Want string
	Have string
}

func (m *Malformed) Error() string {
	return fmt.Sprintf("%s:%d: want %s, have %s", m.Path, m.Line, m.Want, strconv.Quote(m.Have))
}

// Bad returns a Malformed without its path, which Reader.At fills in. What was
// seen is cut to 80 bytes.
func Bad(line int, want string, have []byte) error {
	if len(have) > 80 {
		have = have[:80]
	}
	return &Malformed{Line: line, Want: want, Have: string(have)}
}

// Gone reports whether an error says that something was not there, or went
// away between listing and reading: hot unplug is not a fault.
func Gone(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.ENODEV) || errors.Is(err, unix.ENXIO)
}
