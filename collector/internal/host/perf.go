package host

import (
	"io"
	"os"
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A PerfEvent is an event that the kernel can count: the type and the config of
// struct perf_event_attr. See perf_event_open(2).
type PerfEvent struct {
	Type   uint32 // such as unix.PERF_TYPE_HARDWARE
	Config uint64
}

// A PerfCount is what a PerfCounter shows. While more events are counted than
// the CPU has counters, the kernel lets them take turns: Running is then less
// than Enabled, and Value covers Running only.
type PerfCount struct {
	Value   uint64
	Enabled uint64 // nanoseconds since the counter was opened
	Running uint64 // nanoseconds of these in which it counted
}

// A PerfCounter counts an event on one CPU. It is not for concurrent use.
type PerfCounter interface {
	Read() (PerfCount, error)
	Close()
}

// A livePerfCounter holds a file descriptor. Like an os.File, it is closed when
// it becomes unreachable: nothing else knows when the last run of a collector
// ends that a reload replaced.
type livePerfCounter struct {
	fd      int
	cleanup runtime.Cleanup
}

// liveOpenPerf opens a counter that counts at once, in the kernel and in all
// processes, but not in a hypervisor.
func liveOpenPerf(event PerfEvent, cpu int) (PerfCounter, error) {
	const allProcesses, noGroup = -1, -1
	attr := unix.PerfEventAttr{
		Type:        event.Type,
		Size:        uint32(unsafe.Sizeof(unix.PerfEventAttr{})),
		Config:      event.Config,
		Bits:        unix.PerfBitExcludeHv,
		Read_format: unix.PERF_FORMAT_TOTAL_TIME_ENABLED | unix.PERF_FORMAT_TOTAL_TIME_RUNNING,
	}
	for {
		fd, err := unix.PerfEventOpen(&attr, allProcesses, cpu, noGroup, unix.PERF_FLAG_FD_CLOEXEC)
		switch err {
		case nil:
			c := &livePerfCounter{fd: fd}
			c.cleanup = runtime.AddCleanup(c, closeFD, fd)
			return c, nil
		case unix.EINTR:
		default:
			return nil, os.NewSyscallError("perf_event_open", err)
		}
	}
}

// Read implements PerfCounter. It interrupts the CPU of the counter.
func (c *livePerfCounter) Read() (PerfCount, error) {
	var count PerfCount // in the order of the kernel: value, time_enabled, time_running
	b := unsafe.Slice((*byte)(unsafe.Pointer(&count)), unsafe.Sizeof(count))
	n, err := read(c.fd, b)
	for err == unix.EINTR {
		n, err = read(c.fd, b)
	}
	runtime.KeepAlive(c)
	switch {
	case err != nil:
		return PerfCount{}, os.NewSyscallError("read of a perf event", err)
	case n != len(b):
		return PerfCount{}, io.ErrUnexpectedEOF
	}
	return count, nil
}

// Close implements PerfCounter.
func (c *livePerfCounter) Close() {
	c.cleanup.Stop()
	closeFD(c.fd)
	c.fd = -1
}

// MaxOpenFiles returns the soft limit of open files, which Go has raised to
// the hard limit at the start.
func MaxOpenFiles() (uint64, error) {
	var limit unix.Rlimit
	err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit)
	return uint64(limit.Cur), os.NewSyscallError("getrlimit", err)
}
