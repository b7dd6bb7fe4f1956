package cpu

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"

	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
)

// A perfReason is why a counter is not open.
type perfReason int

const (
	perfNoReason      perfReason = iota // it is open
	perfUnsupported                     // the CPU or the kernel does not have the event
	perfDenied                          // no permission
	perfNoDescriptors                   // no file descriptor
	perfFailed                          // anything else, such as a PMU that is in use
	perfReasons
)

// perfReasonLabels are the reasons as label values.
var perfReasonLabels = [perfReasons]string{"", "unsupported", "permission", "descriptors", "error"}

// perfReasonOf returns the reason of an error of perf_event_open(2).
func perfReasonOf(err error) perfReason {
	var errno unix.Errno
	if !errors.As(err, &errno) {
		return perfFailed
	}
	switch errno {
	case unix.ENOENT, unix.EOPNOTSUPP, unix.EINVAL, unix.ENODEV, unix.ENOSYS:
		return perfUnsupported
	case unix.EACCES, unix.EPERM:
		return perfDenied
	case unix.EMFILE, unix.ENFILE:
		return perfNoDescriptors
	}
	return perfFailed
}

// perfGaps are the counters that a run could not open, by reason, with the
// first error of each reason, and the errors of their own of other parts.
type perfGaps struct {
	counts [perfReasons]int
	first  [perfReasons]error
	errs   []error
}

// add adds counters, and their error if it is not nil.
func (g *perfGaps) add(reason perfReason, counters int, err error) {
	g.counts[reason] += counters
	if g.first[reason] == nil {
		g.first[reason] = err
	}
}

// reportGaps emits the number of counters that are not open, and reports one
// error for each reason. An event that a CPU does not have is not an error.
func (c *perfCollector) reportGaps(out *metric.Sink) error {
	for reason, n := range c.gaps.counts {
		if n > 0 {
			out.Emit(c.missing, float64(n), perfReasonLabels[reason])
		}
	}
	errs := c.gaps.errs
	if c.gaps.counts[perfDenied] > 0 {
		errs = append(errs, c.deniedError(c.gaps.first[perfDenied]))
	}
	if n := c.gaps.counts[perfNoDescriptors]; n > 0 {
		errs = append(errs, c.descriptorsError(n, c.gaps.first[perfNoDescriptors]))
	}
	if err := c.gaps.first[perfFailed]; err != nil {
		errs = append(errs, err)
	}
	if c.openCount == 0 {
		if len(errs) == 0 {
			return fmt.Errorf("%w: none of the %d events can be counted, as in a virtual machine without a PMU: %w", collect.ErrNoData, len(c.events), c.unsupported)
		}
		err := errs[0]
		for _, e := range errs[1:] {
			out.Error(e)
		}
		return err
	}
	for _, e := range errs {
		out.Error(e)
	}
	return nil
}

// deniedError returns an error with what permits perf_event_open: EACCES is the
// answer of the paranoid level, EPERM that of a filter of system calls or of a
// security module.
func (c *perfCollector) deniedError(err error) error {
	if !errors.Is(err, unix.EACCES) {
		return fmt.Errorf("%w: permit perf_event_open in SystemCallFilter= or the profile of the container", err)
	}
	level, levelErr := c.proc.Int("sys/kernel/perf_event_paranoid")
	if levelErr != nil {
		return fmt.Errorf("%w: want CAP_PERFMON (%w)", err, levelErr)
	}
	return fmt.Errorf("%w: want CAP_PERFMON, or kernel.perf_event_paranoid=0, have %d", err, level)
}

func (c *perfCollector) descriptorsError(n int, err error) error {
	if err != nil {
		return fmt.Errorf("%w: %d counters are left out", err, n)
	}
	return fmt.Errorf("want %d descriptors for %d events on %d CPUs, have %d, half of the limit of open files: raise LimitNOFILE=, or select fewer events or CPUs; %d counters are left out",
		c.openCount+n, len(c.events), len(c.cpus), c.maxDescriptors(), n)
}
