package storage

import (
	"context"
	"errors"
	"time"

	"golang.org/x/sys/unix"

	"github.com/hostexporter/host_exporter/collector/internal/flight"
)

type statfsFunc = func(path string) (unix.Statfs_t, error)

// A mountProbe asks one mount how it is, again and again. It is kept as long as
// the mount is there.
//
// A server, a disk array or a daemon that is gone makes statfs wait for ever,
// and nothing can call it back: the thread that waits is lost until the mount
// answers or is forced off. So there is never more than one call to a mount, a
// call that is late is left alone, and while it is out nobody waits for it
// again.
type mountProbe struct {
	path   string // below the root file system's folder, with nothing escaped
	call   func() (unix.Statfs_t, error)
	flight flight.Flight[unix.Statfs_t]
	listed bool // the mount is in the table

	// Of the last time that it was asked.
	state mountState
	st    unix.Statfs_t
	err   error
	run   *flight.Run[unix.Statfs_t]
	since time.Time // when it was asked what it has not answered
}

type mountState uint8

const (
	unasked mountState = iota // there were too many that hang to try another
	waiting
	hung
	answered
)

var (
	// errMountTimeout is worded as dashboards and alerts know it.
	errMountTimeout = errors.New("mountpoint timeout")
	errMountUnasked = errors.New("not asked, too many mounts hang")
)

func (p *mountProbe) use(statfs statfsFunc) {
	p.call = func() (unix.Statfs_t, error) { return statfs(p.path) }
}

// answer returns what the mount said.
func (p *mountProbe) answer() (*unix.Statfs_t, error) {
	switch p.state {
	case answered:
		return &p.st, p.err
	case unasked:
		return nil, errMountUnasked
	}
	return nil, errMountTimeout
}

// begin asks the mount. It reports false when an earlier question is still out.
func (p *mountProbe) begin(now time.Time) bool {
	run, started := p.flight.Go(p.call)
	if !started {
		p.state = hung
		return false
	}
	p.run, p.state, p.since = run, waiting, now
	return true
}

// wait waits for the answer until the deadline, and reports whether it came.
func (p *mountProbe) wait(ctx context.Context, deadline time.Time) bool {
	if p.state == waiting && p.run.Wait(ctx, deadline) {
		p.st, p.err = p.run.Result()
		p.run, p.state = nil, answered
	}
	return p.state == answered
}

// A mountProber asks all mounts, a few at a time: more would not be faster
// where they answer, and where they do not, those that hang must not stand in
// the way of the others.
type mountProber struct {
	patience time.Duration // with a mount that does not answer
	workers  int           // how many that may still answer are asked at once
	asked    []*mountProbe // in this run
	out      int           // questions that are without an answer
}

const (
	// mountGrace is how long a mount may count as one that is about to answer.
	// What is not in memory by then comes from far away, or never.
	mountGrace = 10 * time.Millisecond

	// maxHung is how many mounts may hang before no more are tried that have
	// not proved good, and half of how many may hang at all: each holds a
	// thread, of which the runtime has 10000 before it gives up the process.
	maxHung = 1000
)

// ask asks all mounts and waits for them, all in all no longer than the
// patience with one, and so that the collector delivers before the deadline of
// ctx. hanging is how many mounts hang that are not among them.
func (p *mountProber) ask(ctx context.Context, mounts []*mount, hanging int, now time.Time) {
	patience := p.patience
	if deadline, ok := ctx.Deadline(); ok {
		left := time.Until(deadline)
		patience = min(patience, left-left/5)
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	deadline, _ := ctx.Deadline()

	p.asked, p.out = p.asked[:0], hanging
	// Mounts that hang may use up to half of the time until the last one has
	// been asked; what answers has the other half at least.
	p.begin(ctx, mounts, now, deadline.Add(-patience/2))
	for _, probe := range p.asked {
		if !probe.wait(ctx, deadline) {
			probe.state = hung
		}
	}
	clear(p.asked) // do not keep what may be unmounted
}

// begin asks all mounts. Each waits for its turn until the one that is workers
// before it has answered, or had its grace.
func (p *mountProber) begin(ctx context.Context, mounts []*mount, now, deadline time.Time) {
	turn := 0
	for _, m := range mounts {
		probe := m.probe
		if p.out >= maxHung && (probe.state != answered || p.out >= 2*maxHung) {
			probe.skip()
			continue
		}
		if !probe.begin(now) {
			p.out++
			continue
		}
		p.asked = append(p.asked, probe)
		if len(p.asked)-turn < p.workers {
			continue
		}
		oldest := p.asked[turn]
		turn++
		if !oldest.wait(ctx, earlier(deadline, oldest.run.StartTime.Add(mountGrace))) {
			p.out++
		}
	}
}

// skip leaves a mount unasked, unless a question to it is out already.
func (p *mountProbe) skip() {
	if p.flight.Current() == nil {
		p.state = unasked
	} else {
		p.state = hung
	}
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}
