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
	Help:  "How the kernel's clock is disciplined, and whether it is synchronized, from adjtimex(2).",
	Build: collect.Plain(newTimex),
}

// timexCollector asks for the state of the kernel's clock without changing
// it, which takes no privilege; a container may forbid the call all the same.
// See adjtimex(2).
type timexCollector struct {
	adjtimex func() (state int, tx unix.Timex, err error)

	offset, maxError, estimatedError    *metric.Family
	frequency, tick, constant           *metric.Family
	status, synchronized, tai           *metric.Family
	ppsFrequency, ppsJitter, ppsShift   *metric.Family
	ppsStability                        *metric.Family
	jitters, calibrations, errors, wild *metric.Family
}

func newTimex(env *collect.Env) *timexCollector {
	m := env.Metrics
	return &timexCollector{
		adjtimex:       env.Host.Adjtimex,
		synchronized:   m.Gauge("node_timex_sync_status", "Whether something keeps the clock synchronized, from adjtimex(2)."),
		offset:         m.Gauge("node_timex_offset_seconds", "How far the clock is off the reference and yet to be moved, from adjtimex(2)."),
		maxError:       m.Gauge("node_timex_maxerror_seconds", "Largest error that the clock can have, from adjtimex(2)."),
		estimatedError: m.Gauge("node_timex_estimated_error_seconds", "Error that the clock is thought to have, from adjtimex(2)."),
		frequency:      m.Gauge("node_timex_frequency_adjustment_ratio", "Factor by which the clock is made to run faster (above 1) or slower, from adjtimex(2)."),
		tick:           m.Gauge("node_timex_tick_seconds", "Time between two ticks of the clock, from adjtimex(2)."),
		constant:       m.Gauge("node_timex_loop_time_constant", "Time constant of the phase-locked loop, from adjtimex(2)."),
		status:         m.Gauge("node_timex_status", "Status bits of the clock (STA_*), from adjtimex(2)."),
		tai:            m.Gauge("node_timex_tai_offset_seconds", "Offset of the international atomic time (TAI) from UTC, as far as the kernel was told, from adjtimex(2)."),
		ppsFrequency:   m.Gauge("node_timex_pps_frequency_hertz", "Frequency offset by the pulse-per-second signal, in parts per million as a fraction, from adjtimex(2)."),
		ppsJitter:      m.Gauge("node_timex_pps_jitter_seconds", "Jitter of the pulse-per-second signal, from adjtimex(2)."),
		ppsShift:       m.Gauge("node_timex_pps_shift_seconds", "Calibration interval of the pulse-per-second signal, as the power of two of seconds, from adjtimex(2)."),
		ppsStability:   m.Gauge("node_timex_pps_stability_hertz", "Mean change of the pulse-per-second signal's frequency, in parts per million as a fraction, from adjtimex(2)."),
		jitters:        m.Counter("node_timex_pps_jitter_total", "Pulses whose jitter was over the limit, from adjtimex(2)."),
		calibrations:   m.Counter("node_timex_pps_calibration_total", "Calibration intervals of the pulse-per-second signal, from adjtimex(2)."),
		errors:         m.Counter("node_timex_pps_error_total", "Calibrations by the pulse-per-second signal that failed, from adjtimex(2)."),
		wild:           m.Counter("node_timex_pps_stability_exceeded_total", "Calibrations whose change of frequency was over the limit, from adjtimex(2)."),
	}
}

const (
	// micro is how many of most times of adjtimex make a second.
	micro = 1e6
	// scaledPPM is how many of its frequencies make a whole: they are parts per
	// million with 16 bits behind the point.
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
	// The offset and the jitter alone come in the clock's own resolution.
	resolution := float64(micro)
	if tx.Status&unix.STA_NANO != 0 {
		resolution = 1e9
	}
	out.Bool(c.synchronized, state != unix.TIME_ERROR)
	out.Emit(c.offset, float64(tx.Offset)/resolution)
	out.Emit(c.maxError, float64(tx.Maxerror)/micro)
	out.Emit(c.estimatedError, float64(tx.Esterror)/micro)
	out.Emit(c.frequency, 1+float64(tx.Freq)/scaledPPM)
	out.Emit(c.tick, float64(tx.Tick)/micro)
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
	out.Emit(c.wild, float64(tx.Stbcnt))
	return nil
}
