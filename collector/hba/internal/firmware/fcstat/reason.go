package fcstat

import (
	"errors"
	"io/fs"
	"syscall"

	"github.com/hostexporter/host_exporter/collector/internal/host"
)

// A Reason says why a reading failed, in a word for a label.
type Reason uint8

const (
	eio Reason = iota
	enoent
	enodev
	einval
	eagain
	timeout
	parse
	discarded // the adapter answered, but not with counters
	other

	// NumReasons is how many there are.
	NumReasons
)

func (r Reason) String() string {
	return [NumReasons]string{"eio", "enoent", "enodev", "einval", "eagain", "timeout", "parse", "discarded", "other"}[r]
}

// reasons are those of one pass: however many files failed for one reason, it
// counts once.
type reasons uint16

func (r *reasons) add(reason Reason) { *r |= 1 << reason }

// ReasonOf returns the reason that an error stands for.
func ReasonOf(err error) Reason {
	var malformed *host.Malformed
	switch {
	case errors.As(err, &malformed):
		return parse
	case errors.Is(err, fs.ErrNotExist):
		return enoent
	}
	var errno syscall.Errno
	errors.As(err, &errno)
	switch errno {
	case syscall.EIO:
		return eio
	case syscall.ENODEV, syscall.ENXIO:
		return enodev
	case syscall.EINVAL:
		return einval
	case syscall.EAGAIN, syscall.EBUSY:
		return eagain
	case syscall.ETIMEDOUT:
		return timeout
	}
	return other
}
