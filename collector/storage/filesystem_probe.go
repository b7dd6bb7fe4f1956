package storage

import (
	"context"
	"errors"
	"time"

	"golang.org/x/sys/unix"

	"github.com/hostexporter/host_exporter/collector/internal/flight"
)

type statfsFunc = func(path string) (unix.Statfs_t, error)

// A mountProbe calls statfs on one mount, once per scrape, as long as the mount
// is in the table.
//
// Without its server, disk array or daemon a mount makes statfs block for ever,
// and the call cannot be cancelled: it occupies a thread until the mount
// answers or is unmounted by force. So a mount never has more than one call, a
// late call is abandoned, and while it is in progress no later scrape waits for
// it.
type mountProbe struct {
	statfs  func() (unix.Statfs_t, error)
	flight  flight.Flight[unix.Statfs_t]
	inTable bool // whether the mount table lists the mount

	// Of the last call.
	state     probeState
	stat      unix.Statfs_t
	err       error
	run       *flight.Run[unix.Statfs_t]
	startTime time.Time // by the clock of the host
}

// A probeState is the state of the last call of a mountProbe.
type probeState uint8

const (
	probeSkipped probeState = iota // there was no call, because too many mounts hang
	probeWaiting
	probeHung
	probeDone
)

// The texts of these errors are label values, which dashboards and alerts
// match.
var (
	errMountTimeout = errors.New("mountpoint timeout")
	errMountSkipped = errors.New("not asked, too many mounts hang")
	errMountHidden  = errors.New("hidden by another mount")
)

func newMountProbe(path string, statfs statfsFunc) *mountProbe {
	return &mountProbe{statfs: func() (unix.Statfs_t, error) { return statfs(path) }}
}

// result returns the result of the last call.
func (p *mountProbe) result() (*unix.Statfs_t, error) {
	switch p.state {
	case probeDone:
		return &p.stat, p.err
	case probeSkipped:
		return nil, errMountSkipped
	}
	return nil, errMountTimeout
}

// start calls statfs. It reports false if an earlier call is in progress.
func (p *mountProbe) start(now time.Time) bool {
	run, isNew := p.flight.Go(p.statfs)
	if !isNew {
		p.state = probeHung
		return false
	}
	p.run, p.state, p.startTime = run, probeWaiting, now
	return true
}

// wait waits for the result until the deadline, and reports whether there is
// one.
func (p *mountProbe) wait(ctx context.Context, deadline time.Time) bool {
	if p.state == probeWaiting && p.run.Wait(ctx, deadline) {
		p.stat, p.err = p.run.Result()
		p.run, p.state = nil, probeDone
	}
	return p.state == probeDone
}

// A mountProber probes all mounts, a few at a time. More would not be faster,
// and mounts that hang must not delay the others.
type mountProber struct {
	timeout   time.Duration
	workers   int           // maximum number of calls that are expected to return soon
	probes    []*mountProbe // with a call that this scrape started
	hungCalls int           // calls that are not expected to return soon
}

const (
	// mountGrace is how long a call is expected to return soon. A file system that
	// has not answered by then waits for a slow device, or hangs.
	mountGrace = 10 * time.Millisecond

	// maxHung is the number of hung calls up to which mounts are probed that
	// did not answer in the last scrape; with twice as many no mount is probed.
	// Each hung call occupies a thread, and Go ends a process with 10000
	// threads.
	maxHung = 1000
)

// probeAll probes all mounts and waits for the results, no longer than the
// timeout in total. hungCalls counts hung calls to other mounts.
func (p *mountProber) probeAll(ctx context.Context, mounts []*mount, hungCalls int, now time.Time) {
	deadline := flight.Deadline(ctx, p.timeout)
	p.probes, p.hungCalls = p.probes[:0], hungCalls
	// Up to half of the time may pass before the last call starts, so that each call
	// has at least the other half.
	p.start(ctx, mounts, now, deadline.Add(-time.Until(deadline)/2))
	for _, probe := range p.probes {
		if !probe.wait(ctx, deadline) {
			probe.state = probeHung
		}
	}
	clear(p.probes) // release the probes of mounts that may be unmounted
}

// start starts the calls. Each waits until the call that is workers before it
// has returned, or has had its grace, or until the deadline.
func (p *mountProber) start(ctx context.Context, mounts []*mount, now, deadline time.Time) {
	oldest := 0
	for _, m := range mounts {
		if m.isHidden {
			continue
		}
		probe := m.probe
		if p.hungCalls >= maxHung && (probe.state != probeDone || p.hungCalls >= 2*maxHung) {
			probe.skip()
			continue
		}
		if !probe.start(now) {
			p.hungCalls++
			continue
		}
		p.probes = append(p.probes, probe)
		if len(p.probes)-oldest < p.workers {
			continue
		}
		first := p.probes[oldest]
		oldest++
		if !first.wait(ctx, earlier(deadline, first.run.StartTime.Add(mountGrace))) {
			p.hungCalls++
		}
	}
}

// skip sets the state of a mount that is not probed.
func (p *mountProbe) skip() {
	if p.flight.Current() == nil {
		p.state = probeSkipped
	} else {
		p.state = probeHung
	}
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}
