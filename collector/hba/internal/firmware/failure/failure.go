// Package failure sorts the errors of reads that the firmware of an adapter
// answers into the few reasons that a metric counts them by.
package failure

import (
	"errors"
	"io/fs"
	"syscall"

	"github.com/hostexporter/host_exporter/collector/internal/host"
)

// A Reason is why a read failed.
type Reason uint8

// The reasons. Those with the name of an errno stand for errnos like it, too.
const (
	EIO Reason = iota
	ENOENT
	ENODEV
	EINVAL
	EAGAIN
	Timeout   // no answer, or none in time
	Parse     // the file does not hold what its format requires
	Discarded // the adapter answered, but not with counters
	Other

	// NumReasons is the number of reasons.
	NumReasons
)

// String returns the reason as the value of a label.
func (r Reason) String() string {
	return [NumReasons]string{"eio", "enoent", "enodev", "einval", "eagain", "timeout", "parse", "discarded", "other"}[r]
}

// Counts is the number of failures by reason.
type Counts [NumReasons]uint64

// Of returns the reason of an error.
func Of(err error) Reason {
	var malformed *host.Malformed
	switch {
	case errors.As(err, &malformed):
		return Parse
	case errors.Is(err, fs.ErrNotExist):
		return ENOENT
	}
	var errno syscall.Errno
	errors.As(err, &errno)
	switch errno {
	case syscall.EIO:
		return EIO
	case syscall.ENODEV, syscall.ENXIO:
		return ENODEV
	case syscall.EINVAL:
		return EINVAL
	case syscall.EAGAIN, syscall.EBUSY:
		return EAGAIN
	case syscall.ETIMEDOUT:
		return Timeout
	}
	return Other
}
