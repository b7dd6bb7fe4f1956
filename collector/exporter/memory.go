package exporter

import (
	"math"
	"os"
	"runtime/debug"

	"github.com/KimMachineGun/automemlimit/memlimit"
)

// LimitMemory sets the soft memory limit of the Go runtime to a number of
// bytes, or to nine tenths of the limit of the control group, whichever is
// less: the rest is for stacks of threads and for memory that the kernel
// charges to the process. GOMEMLIMIT in the environment takes precedence. It
// returns the limit in effect, in bytes.
func LimitMemory(bytes int64) int64 {
	if os.Getenv("GOMEMLIMIT") == "" {
		if group, err := memlimit.FromCgroup(); err == nil && group/10*9 < uint64(bytes) {
			bytes = int64(group / 10 * 9)
		}
		debug.SetMemoryLimit(bytes)
	}
	return debug.SetMemoryLimit(-1)
}

// maxWaiting returns the maximum number of bytes of the responses that wait for
// their clients to read, given the memory limit. The buffers of as many bytes
// may be waiting for reuse.
func maxWaiting(limit int64) int64 {
	if limit == math.MaxInt64 { // there is none
		return 16 << 20
	}
	return limit / 8
}

// maxOrdinary returns the maximum number of samples of a response that is not rendered as
// text, given the memory limit; 0 for no maximum. Client_golang takes 1.3 KiB for each.
func maxOrdinary(limit int64) int {
	if limit == math.MaxInt64 {
		return 0
	}
	return int(limit / 4096)
}
