package fcstat

import (
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hostexporter/host_exporter/collector/hba/internal/scsihost"
	"github.com/hostexporter/host_exporter/collector/internal/flight"
	"github.com/hostexporter/host_exporter/collector/internal/host"
)

// A port holds what is known of the statistics of one physical port.
type port struct {
	name, dir string
	lane      *lane
	file      atomic.Uint32 // Counter that is being read

	// These belong to the pass in progress.
	sys         *host.Reader
	state       string
	driver      Driver
	unsupported Set       // what a driver that is not in the table does not fill
	probed      time.Time // when that was found out
	probedIn    string    // in which state

	mu     sync.Mutex
	last   *Pass     // the last good one
	began  time.Time // when the last pass began, however it ended
	asked  bool      // whether the firmware was ever asked
	took   time.Duration
	seen   string        // the state of the port then
	wait   time.Duration // how long to leave it alone; zero when the last pass was well
	err    error         // how the last pass ended
	counts [NumReasons]uint64
	late   *flight.Run[*port] // the pass that was found late
}

// A lane is what the ports of one PCI function share: one question at a time.
type lane struct {
	flight flight.Flight[*port]
}

const (
	maxWait  = 5 * time.Minute  // of the back-off
	maxAge   = 10 * time.Minute // of what is served for want of something newer
	reprobe  = time.Hour
	patience = 10 // a pass may take this many times what a scrape waits for it
)

// due reports whether a new pass is called for.
func (p *port) due(now time.Time, a Ask, state string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.began.IsZero() {
		return true
	}
	interval := a.MinInterval
	if p.seen == state { // a port that changed its state deserves a new chance
		interval = max(interval, p.wait)
	}
	return now.Sub(p.began) >= interval
}

// wanted returns the counters to read in a pass.
func (p *port) wanted() Set {
	if p.driver.known {
		return p.driver.reads | p.driver.inherit
	}
	return p.driver.reads &^ p.unsupported
}

// read makes a pass and publishes it.
func (p *port) read(s *Statistics, a Ask, state string, driver Driver) {
	began := s.now()
	p.state, p.driver = state, driver
	if began.Sub(p.probed) >= reprobe || p.probedIn != state {
		p.unsupported = 0
	}
	p.mu.Lock()
	last := p.last
	p.mu.Unlock()
	r := reading{port: p, sys: p.sys, now: s.now, pause: s.pause, until: began.Add(patience * max(a.Timeout, time.Second))}
	err := r.run(last)
	if err == nil {
		p.derive(r.pass)
		if p.unsupported == 0 && !driver.known {
			p.probe(r.pass, began)
		}
	}
	p.publish(&r, err, began, s.now().Sub(began), a)
}

// derive fills in what is known without a question.
func (p *port) derive(pass *Pass) {
	if !p.driver.copies || pass.have == 0 {
		return
	}
	if v, ok := pass.Value(InvalidCRC); ok {
		pass.set(ErrorFrames, v)
	}
	pass.set(PacketAborts, 0)
}

// probe remembers what a driver that is not in the table does not fill.
func (p *port) probe(pass *Pass, now time.Time) {
	p.unsupported = p.driver.reads &^ pass.have
	for c, rest := Counter(0), quiet()&pass.have; rest != 0; {
		c, rest = rest.first()
		if pass.values[c] == 0 {
			p.unsupported |= 1 << c
			pass.have &^= 1 << c
		}
	}
	if len(pass.Errors) > 0 {
		p.unsupported = 0 // next time, perhaps
		return
	}
	p.probed, p.probedIn = now, p.state
}

func (p *port) publish(r *reading, err error, began time.Time, took time.Duration, a Ask) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.began, p.seen, p.err = began, p.state, err
	for reason := range NumReasons {
		if r.reasons&(1<<reason) != 0 {
			p.counts[reason]++
		}
	}
	switch {
	case err == nil:
		p.last = r.pass
	case errors.Is(err, errHeld):
		return // not asked: nothing to hold against it
	case err == errNone:
		p.last = nil
		return
	case err == errNoBlock:
		p.last = nil // an answer: there is none
	}
	p.asked, p.took = true, took
	if err != nil || took > a.Timeout {
		p.wait = min(max(2*p.wait, 2*a.MinInterval), maxWait)
	} else {
		p.wait = 0
	}
}

func (p *port) path(s *Statistics) string {
	return s.sys.Path(scsihost.FC, p.name, "statistics", Counter(p.file.Load()).File())
}
