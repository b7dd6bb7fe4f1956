package hardware

import (
	"errors"

	"golang.org/x/sys/unix"

	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
)

// An attribute is a file of sysfs, or the end of its name, with the family of
// its value.
type attribute struct {
	name   string
	family *metric.Family
}

// reportUnlessNoReading passes err to report, unless it means that the driver
// has no value now or ever: the device is asleep or gone, or does not measure
// this quantity. It reports whether err is nil.
func reportUnlessNoReading(err error, report func(error)) (ok bool) {
	for _, errno := range []unix.Errno{unix.EAGAIN, unix.EINVAL, unix.ENODATA, unix.EOPNOTSUPP} {
		if errors.Is(err, errno) {
			return false
		}
	}
	return host.ReportUnlessGone(err, report)
}

// absoluteZero is the lowest temperature in thousandths of a degree Celsius.
const absoluteZero = -273150
