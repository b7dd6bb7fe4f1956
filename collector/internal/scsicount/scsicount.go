// Package scsicount has the rules for the counters of commands that the kernel
// keeps of each SCSI device, such as ioerr_cnt: their width, and the steps back
// that are no resets. It knows nothing of where they are read or exported.
//
// The kernel keeps them in as many bits as iocounterbits says, with a sign, and
// shows 64 in hexadecimal: 0xffffffff80000010 is 0x80000010. See
// drivers/scsi/scsi_sysfs.c.
package scsicount

import "github.com/hostexporter/host_exporter/collector/internal/scan"

// DefaultMask is the mask of counters of 32 bits, which all kernels so far have.
const DefaultMask = 1<<32 - 1

// ParseMask parses iocounterbits, the width of counters in bits, into a mask.
func ParseMask(b []byte) (uint64, bool) {
	bits, ok := scan.Uint(b)
	return 1<<bits - 1, ok && bits > 0 && bits <= 64
}

// A Counter is a counter that a device may not have.
type Counter struct {
	Value uint64
	Known bool
}

// A Steady counter ignores the small steps back of iorequest_cnt and iodone_cnt:
// the kernel counts a request again that the driver was too busy to take.
type Steady struct{ last Counter }

// maxStepBack is the largest step back that is not a reset: the maximum number
// of requests in flight to a device.
const maxStepBack = 4096

// Next returns the value that follows the one before.
func (c *Steady) Next(now Counter, mask uint64) Counter {
	if c.last.Known && now.Known && (c.last.Value-now.Value)&mask <= maxStepBack {
		return c.last
	}
	c.last = now
	return now
}
