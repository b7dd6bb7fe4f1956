package exporter

import (
	"os"
	"runtime/debug"

	"github.com/KimMachineGun/automemlimit/memlimit"
)

// LimitMemory has the garbage collector keep the process below a number of
// bytes, or below nine tenths of what its control group may have, where that
// is less: what is left is for the stacks of threads and for what the kernel
// holds on behalf of it. GOMEMLIMIT in the environment goes before both. It
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
