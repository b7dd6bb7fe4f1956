package fcstat

import (
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hostexporter/host_exporter/collector/hba/internal/firmware/failure"
	"github.com/hostexporter/host_exporter/collector/hba/internal/scsihost"
	"github.com/hostexporter/host_exporter/collector/internal/flight"
	"github.com/hostexporter/host_exporter/collector/internal/host"
)

// A port holds what is known of the statistics of one physical port.
type port struct {
	name, dir string
	function  *function
	tree      host.Tree
	file      atomic.Uint32 // Counter that is being read

	// These belong to the pass in progress.
	sys         *host.Reader
	state       string
	driver      Driver
	unsupported Set       // counters that a driver outside the table does not fill
	probed      time.Time // when that was found out
	probedState string    // state of the port then

	mu       sync.Mutex
	last     *Pass         // last good pass
	began    time.Time     // when the last pass began, however it ended
	asked    bool          // whether the firmware was ever asked
	took     time.Duration // by the last pass that asked it
	seen     string        // state of the port then
	backOff  time.Duration // how long to leave the port alone; zero after a good pass
	err      error         // how the last pass ended
	failures failure.Counts
	late     *flight.Run[*port] // last pass that a caller stopped waiting for
}

// A function is what the ports of one PCI function share: one pass at a time.
type function struct {
	name   string
	flight flight.Flight[*port]
}

const (
	maxBackOff    = 5 * time.Minute
	maxAge        = 10 * time.Minute // of a pass that is emitted in place of a newer one
	probeInterval = time.Hour
	passTimeouts  = 10 // how many times the caller's timeout a pass may read
)

// due reports whether it is time for a new pass.
func (p *port) due(now time.Time, limits Limits, state string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.began.IsZero() {
		return true
	}
	interval := limits.MinInterval
	if p.seen == state { // a change of state ends the back-off
		interval = max(interval, p.backOff)
	}
	return now.Sub(p.began) >= interval
}

// files returns the counters to read in a pass.
func (p *port) files() Set {
	if p.driver.known {
		return p.driver.reads | p.driver.inherit
	}
	return p.driver.reads &^ p.unsupported
}

// read makes a pass and publishes it.
func (p *port) read(r *Reader, limits Limits, state string, driver Driver) {
	began := r.now()
	p.state, p.driver = p.currentState(state), driver
	if began.Sub(p.probed) >= probeInterval || p.probedState != p.state {
		p.unsupported = 0
	}
	p.mu.Lock()
	last := p.last
	p.mu.Unlock()
	pass := reading{
		port: p, sys: p.sys, now: r.now, pause: r.pause,
		until: began.Add(passTimeouts * max(limits.Timeout, time.Second)),
	}
	err := pass.run(last)
	if err == nil {
		p.derive(pass.pass)
		if p.unsupported == 0 && !driver.known {
			p.probe(pass.pass, began)
		}
	}
	p.publish(&pass, err, began, r.now().Sub(began), limits)
}

// currentState returns the port's state at the beginning of its turn, for which
// it may have waited since its caller read it.
func (p *port) currentState(before string) string {
	b, err := p.sys.Text(scsihost.FC, p.name, "port_state")
	if host.Gone(err) {
		return before
	}
	return string(b)
}

// derive fills in what needs no read.
func (p *port) derive(pass *Pass) {
	if !p.driver.copies || pass.have == 0 {
		return
	}
	if v, ok := pass.Value(InvalidCRC); ok {
		pass.set(ErrorFrames, v)
	}
	pass.set(PacketAborts, 0)
}

// probe remembers what a driver outside the table does not fill.
func (p *port) probe(pass *Pass, now time.Time) {
	p.unsupported = p.driver.reads &^ pass.have
	for c, rest := Counter(0), rarelyFilled()&pass.have; rest != 0; {
		c, rest = rest.first()
		if pass.values[c] == 0 {
			p.unsupported |= 1 << c
			pass.have &^= 1 << c
		}
	}
	if len(pass.Errors) > 0 {
		p.unsupported = 0 // the next pass probes again
		return
	}
	p.probed, p.probedState = now, p.state
}

func (p *port) publish(pass *reading, err error, began time.Time, took time.Duration, limits Limits) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.began, p.seen, p.err = began, p.state, err
	for reason := range failure.NumReasons {
		if pass.reasons&(1<<reason) != 0 {
			p.failures[reason]++
		}
	}
	switch {
	case err == nil:
		p.last = pass.pass
	case errors.Is(err, errNotReady):
		return // the firmware was not asked
	case err == errNone:
		p.last = nil
		return
	case err == errNoBlock:
		p.last = nil // the driver answered: there is none
	}
	p.asked, p.took = true, took
	if err != nil || took > limits.Timeout {
		p.backOff = min(max(2*p.backOff, 2*limits.MinInterval), maxBackOff)
	} else {
		p.backOff = 0
	}
}

// path returns the file that a pass is reading, or has read last.
func (p *port) path() string {
	return p.tree.Path(scsihost.FC, p.name, "statistics", Counter(p.file.Load()).File())
}
