package snapshot

import (
	"errors"
	"fmt"
	"syscall"

	"golang.org/x/sys/unix"
)

// A fieldError is the error of a field that a struct does not have.
type fieldError struct {
	name string
	in   any
}

func (e *fieldError) Error() string { return fmt.Sprintf("no number field %q in %T", e.name, e.in) }

// Errno returns the errno with a name, such as EIO, or an error if there is none.
func Errno(name string) (errno, err error) {
	if name == "EOPNOTSUPP" { // x/sys calls it ENOTSUP
		return unix.EOPNOTSUPP, nil
	}
	for n := unix.Errno(1); n < maxErrno; n++ {
		if unix.ErrnoName(n) == name {
			return n, nil
		}
	}
	return nil, fmt.Errorf("unknown errno %s", name)
}

const maxErrno = 140

// ErrnoName returns the name of the errno in an error, or EIO if there is none.
func ErrnoName(err error) string {
	var errno syscall.Errno
	if !errors.As(err, &errno) || unix.ErrnoName(errno) == "" {
		return "EIO"
	}
	if errno == unix.EOPNOTSUPP {
		return "EOPNOTSUPP"
	}
	return unix.ErrnoName(errno)
}
