package hardware

import (
	"errors"

	"golang.org/x/sys/unix"

	"github.com/hostexporter/host_exporter/collector/internal/host"
)

// noReading reports whether an error is how a driver says that there is
// nothing to read just now, or ever: the device is asleep or has gone, or does
// not know this quantity. That is no fault, and many a laptop would be in
// trouble all its life if it were taken for one.
func noReading(err error) bool {
	for _, errno := range []unix.Errno{unix.EAGAIN, unix.EINVAL, unix.ENODATA, unix.EOPNOTSUPP} {
		if errors.Is(err, errno) {
			return true
		}
	}
	return host.Gone(err)
}
