package snapshot

import (
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/hostexporter/host_exporter/collector/internal/host"
)

// perfTypes are the types of events by their names in a section.
var perfTypes = map[string]uint32{
	"hardware":   unix.PERF_TYPE_HARDWARE,
	"software":   unix.PERF_TYPE_SOFTWARE,
	"tracepoint": unix.PERF_TYPE_TRACEPOINT,
	"cache":      unix.PERF_TYPE_HW_CACHE,
}

// openPerf opens a counter that answers from lines of a CPU, a type and a config
// of events, and what is counted: the value, and the nanoseconds for which the
// counter was enabled and running.
//
//	open-files 1024
//	0 software 3 333107 2000000000 2000000000
//	* hardware * !ENOENT
//
// A star stands for all CPUs, types or configs that have no line of their own
// before it. open-files is the soft limit of open files.
func (r *answers) openPerf(event host.PerfEvent, cpu int) (host.PerfCounter, error) {
	c := &recordedPerf{r, event, cpu}
	if _, err := c.Read(); err != nil {
		return nil, os.NewSyscallError("perf_event_open", err)
	}
	return c, nil
}

// A recordedPerf is an open counter of a recorded host.
type recordedPerf struct {
	recorded *answers
	event    host.PerfEvent
	cpu      int
}

// Read implements host.PerfCounter.
func (c *recordedPerf) Read() (count host.PerfCount, err error) {
	lines, err := c.recorded.perfLines()
	if err != nil {
		return count, err
	}
	for _, f := range lines {
		if len(f) < 4 {
			continue
		}
		config, err := strconv.ParseUint(f[2], 0, 64)
		if f[0] != "*" && f[0] != strconv.Itoa(c.cpu) || f[1] != "*" && perfTypes[f[1]] != c.event.Type ||
			f[2] != "*" && (err != nil || config != c.event.Config) {
			continue
		}
		if name, ok := strings.CutPrefix(f[3], "!"); ok {
			errno, err := Errno(name)
			if err != nil {
				return count, err
			}
			return count, errno
		}
		_, err = fmt.Sscan(strings.Join(f[3:], " "), &count.Value, &count.Enabled, &count.Running)
		return count, err
	}
	return count, unix.ENOENT
}

// Close implements host.PerfCounter.
func (c *recordedPerf) Close() {}

func (r *answers) maxOpenFiles() (uint64, error) {
	lines, _ := r.perfLines()
	for _, f := range lines {
		if len(f) == 2 && f[0] == "open-files" {
			return strconv.ParseUint(f[1], 0, 64)
		}
	}
	return 1024, nil
}

func (r *answers) perfLines() (lines [][]string, err error) {
	b, err := r.sections.Section("perf")
	switch {
	case absent(err):
		return nil, nil
	case err != nil:
		return nil, err
	}
	for line := range strings.Lines(string(b)) {
		lines = append(lines, strings.Fields(line))
	}
	return lines, nil
}
