package cpu

import (
	"math/bits"

	"github.com/hostexporter/host_exporter/collector/internal/host"
)

// A perfCounter counts one event on one CPU.
type perfCounter struct {
	open        host.PerfCounter // nil: not open
	unsupported bool             // the CPU does not have the event
	total       uint64           // estimate of all events since it was opened
	counted     host.PerfCount   // the reading of which total was last estimated
	enabled     uint64           // of the last reading
}

// add adds the events since the last reading to the total. If the counter ran
// for only a part of the time, it extrapolates to all of it. It does so for each
// interval: extrapolating from the sums since the start would give an idle CPU
// the rate of its past, and the total could decrease. An interval in which the
// counter did not run at all has no estimate, and becomes part of the next one.
func (c *perfCounter) add(n host.PerfCount) {
	c.enabled = n.Enabled
	if n.Running <= c.counted.Running {
		return
	}
	value := n.Value - min(c.counted.Value, n.Value)
	c.total += extrapolate(value, n.Enabled-min(c.counted.Enabled, n.Enabled), n.Running-c.counted.Running)
	c.counted = n
}

// isKnown reports whether the counter ever ran, so that there is a total.
func (c *perfCounter) isKnown() bool { return c.counted.Running > 0 }

// extrapolate returns value * enabled / running, which is not less than value.
func extrapolate(value, enabled, running uint64) uint64 {
	if enabled <= running {
		return value
	}
	high, low := bits.Mul64(value, enabled)
	if high >= running { // more than 64 bits
		return value
	}
	quotient, _ := bits.Div64(high, low, running)
	return quotient
}

// close closes the counter and forgets what it has counted.
func (c *perfCounter) close() {
	if c.open != nil {
		c.open.Close()
	}
	*c = perfCounter{}
}
