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

func newMountProbe(path string, statfs statfsFunc, calls *flight.Source) *mountProbe {
	return &mountProbe{
		statfs: func() (unix.Statfs_t, error) { return statfs(path) },
		flight: flight.Flight[unix.Statfs_t]{Source: calls},
	}
}

// result returns the result of the last call.
func (p *mountProbe) result() (*unix.Statfs_t, error) {
	switch p.state {
	case probeDone:
		return &p.stat, p.err
	case probeSkipped:
		return nil, errMountSkipped
	}
	if run := p.flight.Current(); run != nil && run.Queued() {
		return nil, errMountSkipped
	}
	return nil, errMountTimeout
}

// start calls statfs. No earlier call may be in progress.
func (p *mountProbe) start(now time.Time) {
	p.run, _ = p.flight.Go(p.statfs)
	p.state, p.startTime = probeWaiting, now
}

// wait waits for the result until the deadline, and reports whether there is
// one.
func (p *mountProbe) wait(ctx context.Context, deadline time.Time) bool {
	if p.state == probeWaiting && p.run.Wait(ctx, deadline) {
		p.stat, p.err = p.run.Result()
		p.run.Release()
		p.run, p.state = nil, probeDone
	}
	return p.state == probeDone
}

// A mountProber probes all mounts, a few at a time. More would not be faster,
// and mounts that hang must not delay the others.
type mountProber struct {
	timeout time.Duration
	workers int            // maximum number of calls that are expected to return soon
	calls   *flight.Source // of places for the calls
	probes  []*mountProbe  // with a call that this scrape started
	oldest  int            // index in probes of the first that may return soon
	reserve int            // places to leave for the next scrape
}

// mountGrace is how long a call is expected to return soon. A file system that
// has not answered by then waits for a slow device, or hangs.
const mountGrace = 10 * time.Millisecond

// probeAll probes all mounts and waits for the results, no longer than the
// timeout in total. Mounts from elsewhere are last: they are the ones that hang,
// and may leave no place for the others.
func (p *mountProber) probeAll(ctx context.Context, mounts []*mount, now time.Time) {
	deadline := flight.Deadline(ctx, p.timeout)
	p.probes, p.oldest, p.reserve = p.probes[:0], 0, p.calls.Room()/4
	// Up to half of the time may pass before the last call starts, so that each call
	// has at least the other half.
	latest := deadline.Add(-time.Until(deadline) / 2)
	for _, isRemote := range [...]bool{false, true} {
		for _, m := range mounts {
			if !m.isHidden && m.isRemote() == isRemote {
				p.start(ctx, m.probe, now, latest)
			}
		}
	}
	for _, probe := range p.probes {
		if !probe.wait(ctx, deadline) {
			probe.state = probeHung
		}
	}
	clear(p.probes) // release the probes of mounts that may be unmounted
}

// start starts a call, and waits until the call that is workers before it has
// returned, or has had its grace, or until the deadline. It skips a mount for
// whose call there is no place.
func (p *mountProber) start(ctx context.Context, probe *mountProbe, now, deadline time.Time) {
	if probe.flight.Current() != nil {
		probe.state = probeHung
		return
	}
	for !p.mayStart(probe) {
		if p.oldest == len(p.probes) {
			probe.state = probeSkipped
			return
		}
		p.waitForOldest(ctx, deadline)
	}
	probe.start(now)
	p.probes = append(p.probes, probe)
	if len(p.probes)-p.oldest >= p.workers {
		p.waitForOldest(ctx, deadline)
	}
}

// mayStart reports whether there is a place for a call. Once hung calls hold half
// of the places that there can be, only mounts are probed that answered in the
// last scrape. They do not take the last places: if they all hang at once, those
// that still answer are probed in the next scrape, too.
func (p *mountProber) mayStart(probe *mountProbe) bool {
	room := p.calls.Room()
	return p.calls.Held() < room || probe.state == probeDone && room > p.reserve
}

func (p *mountProber) waitForOldest(ctx context.Context, deadline time.Time) {
	first := p.probes[p.oldest]
	p.oldest++
	first.wait(ctx, earlier(deadline, first.run.StartTime.Add(mountGrace)))
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}
