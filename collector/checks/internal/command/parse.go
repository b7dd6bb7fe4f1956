package command

import (
	"fmt"
	"runtime/debug"

	"golang.org/x/sys/unix"
)

// A Parser parses the standard output of a program as spec says, in the
// supervisor, and returns the result in at most 16 MiB.
type Parser func(spec, stdout []byte) []byte

// minParseMemory is what parsing may allocate, however little the program may.
const minParseMemory = 32 << 20

// limitParsing limits the memory of this process to what it has and so many bytes.
// The runtime ends a process that cannot map more. A supervisor allocates next to
// nothing before it parses and has no garbage collector; a parser needs one.
func limitParsing(memory int64) error {
	debug.SetGCPercent(100)
	if memory < 0 {
		return nil
	}
	memory = max(memory, minParseMemory)
	debug.SetMemoryLimit(memory / 4 * 3)
	mapped, err := mappedData()
	if err != nil {
		return err
	}
	var have unix.Rlimit
	if err := unix.Prlimit(0, unix.RLIMIT_DATA, nil, &have); err != nil {
		return fmt.Errorf("reading the memory limit: %w", err)
	}
	limit := min(uint64(mapped+memory+headroom), have.Max)
	if err := unix.Prlimit(0, unix.RLIMIT_DATA, &unix.Rlimit{Cur: limit, Max: limit}, nil); err != nil {
		return fmt.Errorf("setting the memory limit: %w", err)
	}
	return nil
}
