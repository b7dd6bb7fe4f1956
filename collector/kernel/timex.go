package kernel

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
)

var timex = collect.Spec{
	Name:  "timex",
	Help:  "State and discipline of the kernel's clock, from adjtimex(2).",
	Build: collect.Plain(newTimex),
}

// timexCollector reads the state of the kernel's clock by adjtimex(2), which
// needs no privilege to read; a container may forbid the call all the same.
type timexCollector struct {
	adjtimex func() (state int, tx unix.Timex, err error)

	offset, maxError, estimatedError                 *metric.Family
	frequency, tick, constant                        *metric.Family
	status, synchronized, tai                        *metric.Family
	ppsFrequency, ppsJitter, ppsShift                *metric.Family
	ppsStability                                     *metric.Family
	jitters, calibrations, errors, stabilityExceeded *metric.Family
}

func newTimex(env *collect.Env) *timexCollector {
	m := env.Metrics
	return &timexCollector{
		adjtimex:          env.Host.Adjtimex,
		synchronized:      m.Gauge("node_timex_sync_status", "Whether the clock is synchronized, from adjtimex(2)."),
		offset:            m.Gauge("node_timex_offset_seconds", "Offset of the clock from its reference that remains to be corrected, from adjtimex(2)."),
		maxError:          m.Gauge("node_timex_maxerror_seconds", "Maximum error of the clock, from adjtimex(2)."),
		estimatedError:    m.Gauge("node_timex_estimated_error_seconds", "Estimated error of the clock, from adjtimex(2)."),
		frequency:         m.Gauge("node_timex_frequency_adjustment_ratio", "Frequency adjustment of the clock, above 1 if it runs faster, from adjtimex(2)."),
		tick:              m.Gauge("node_timex_tick_seconds", "Time between two ticks of the clock, from adjtimex(2)."),
		constant:          m.Gauge("node_timex_loop_time_constant", "Time constant of the phase-locked loop, from adjtimex(2)."),
		status:            m.Gauge("node_timex_status", "Status bits of the clock (STA_*), from adjtimex(2)."),
		tai:               m.Gauge("node_timex_tai_offset_seconds", "Offset of International Atomic Time (TAI) from UTC, or 0 if not set, from adjtimex(2)."),
		ppsFrequency:      m.Gauge("node_timex_pps_frequency_hertz", "Frequency offset of the clock from the PPS signal, as a ratio, from adjtimex(2)."),
		ppsJitter:         m.Gauge("node_timex_pps_jitter_seconds", "Jitter of the PPS signal, from adjtimex(2)."),
		ppsShift:          m.Gauge("node_timex_pps_shift_seconds", "Calibration interval of the PPS signal, as a power of two of seconds, from adjtimex(2)."),
		ppsStability:      m.Gauge("node_timex_pps_stability_hertz", "Mean frequency change of the PPS signal, as a ratio, from adjtimex(2)."),
		jitters:           m.Counter("node_timex_pps_jitter_total", "Pulses of the PPS signal whose jitter exceeded the limit, from adjtimex(2)."),
		calibrations:      m.Counter("node_timex_pps_calibration_total", "Calibration intervals of the PPS signal, from adjtimex(2)."),
		errors:            m.Counter("node_timex_pps_error_total", "Failed calibrations by the PPS signal, from adjtimex(2)."),
		stabilityExceeded: m.Counter("node_timex_pps_stability_exceeded_total", "Calibrations whose frequency change exceeded the limit, from adjtimex(2)."),
	}
}

const (
	// Most times of adjtimex are in microseconds.
	microsPerSecond = 1e6
	// Frequencies are in parts per million with 16 binary places.
	scaledPPM = 1e6 * (1 << 16)
)

func (c *timexCollector) Update(_ context.Context, out *metric.Sink) error {
	state, tx, err := c.adjtimex()
	if err != nil {
		if errors.Is(err, fs.ErrPermission) || errors.Is(err, syscall.ENOSYS) {
			return fmt.Errorf("%w: %w", collect.ErrNoData, err)
		}
		return err
	}
	// Only the offset and the jitter have the clock's own resolution.
	resolution := float64(microsPerSecond)
	if tx.Status&unix.STA_NANO != 0 {
		resolution = 1e9
	}
	out.Bool(c.synchronized, state != unix.TIME_ERROR)
	out.Emit(c.offset, float64(tx.Offset)/resolution)
	out.Emit(c.maxError, float64(tx.Maxerror)/microsPerSecond)
	out.Emit(c.estimatedError, float64(tx.Esterror)/microsPerSecond)
	out.Emit(c.frequency, 1+float64(tx.Freq)/scaledPPM)
	out.Emit(c.tick, float64(tx.Tick)/microsPerSecond)
	out.Emit(c.constant, float64(tx.Constant))
	out.Emit(c.status, float64(tx.Status))
	out.Emit(c.tai, float64(tx.Tai))
	out.Emit(c.ppsFrequency, float64(tx.Ppsfreq)/scaledPPM)
	out.Emit(c.ppsJitter, float64(tx.Jitter)/resolution)
	out.Emit(c.ppsShift, float64(tx.Shift))
	out.Emit(c.ppsStability, float64(tx.Stabil)/scaledPPM)
	out.Emit(c.jitters, float64(tx.Jitcnt))
	out.Emit(c.calibrations, float64(tx.Calcnt))
	out.Emit(c.errors, float64(tx.Errcnt))
	out.Emit(c.stabilityExceeded, float64(tx.Stbcnt))
	return nil
}
