// Package fcstat reads the statistics of Fibre Channel ports, which is a
// delicate business. Each file of fc_host/*/statistics that is read makes the
// driver ask the adapter's firmware for all of them and wait for the answer,
// which cannot be interrupted; two questions at a time can garble both answers,
// and one that takes too long can make the driver reset the adapter.
//
// So a port is read in passes, of which there is at most one under way on a
// PCI function, whoever asks and however often. Who asks waits for a limited
// time and then makes do with the last pass, whose age it is told. Nothing is
// read that the driver does not fill, and nothing at all while the port
// recovers from an error.
//
// See drivers/scsi/scsi_transport_fc.c (fc_stat_show) in the kernel.
package fcstat

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/hostexporter/host_exporter/collector/hba/internal/scsihost"
	"github.com/hostexporter/host_exporter/collector/internal/flight"
	"github.com/hostexporter/host_exporter/collector/internal/host"
)

// Shared hands the collectors of one host the same Statistics. The zero value
// is ready. It is safe for concurrent use.
type Shared struct{ statistics host.PerHost[*Statistics] }

// Of returns the statistics of a host.
func (s *Shared) Of(h *host.Host) *Statistics { return s.statistics.Of(h, New) }

// Statistics reads the ports of one host. It is safe for concurrent use.
type Statistics struct {
	sys   host.Tree
	now   func() time.Time
	pause func(time.Duration)

	mu    sync.Mutex
	ports map[string]*port // by name
	lanes map[string]*lane // by PCI function, or by port where there is none
}

// New returns the statistics of a host. Collectors take them from a Shared.
func New(h *host.Host) *Statistics {
	return &Statistics{
		sys:   h.Sys,
		now:   h.Now,
		pause: time.Sleep,
		ports: map[string]*port{},
		lanes: map[string]*lane{},
	}
}

// An Ask says how patient a caller is.
type Ask struct {
	Timeout     time.Duration // how long to wait for a pass
	MinInterval time.Duration // how old a pass may be to do without a new one
}

// A Port is a physical port to be asked, with its state at this moment: the
// word that port_state holds.
type Port struct {
	*scsihost.Host
	State string
	Type  string // the words that port_type holds
}

// An Answer is what is known of a port's statistics.
type Answer struct {
	Pass  *Pass         // to be served; nil when there is nothing
	Known bool          // whether there was a good pass, perhaps too old to be served
	Age   time.Duration // of the last good pass
	Asked bool          // whether the firmware was ever asked
	Ended bool          // whether it ever came to an end, good or not
	Took  time.Duration // by the last pass that did
	Stuck bool          // a pass is late
	Err   error         // what is wrong and should be told

	Errors [NumReasons]uint64 // passes that met with an error, by reason
}

// Read returns what is known of the statistics of some ports, in their order,
// after reading them anew where it is time for that. It appends to dst.
func (s *Statistics) Read(ctx context.Context, a Ask, ports []Port, dst []Answer) []Answer {
	latest := s.latest(ctx, a)
	now := s.now()
	// All ports are asked before the first is waited for: they do not wait for
	// each other unless they share a function.
	runs := make([]*flight.Run[*port], len(ports))
	for i := range ports {
		if p := s.port(ports[i].Host); ports[i].mayAsk() && p.due(now, a, ports[i].State) {
			runs[i] = s.start(p, a, ports[i])
		}
	}
	for i := range ports {
		p := s.port(ports[i].Host)
		var panicked error
		for run := runs[i]; run != nil; run = s.start(p, a, ports[i]) {
			if !run.Wait(ctx, earlier(latest, run.Started.Add(a.Timeout))) {
				p.lateness(run)
				break
			}
			whose, err := run.Result()
			if panicked = err; err != nil || whose == p {
				break
			}
			// It was about another port of the same function: our turn now.
		}
		dst = append(dst, s.answer(p, ports[i].mayAsk(), panicked))
	}
	return dst
}

// mayAsk reports whether there is a point in asking, and no risk: the counters
// of a port whose state nobody knows mean nothing, and what a driver makes of
// the question is not known as long as the driver is not.
func (p *Port) mayAsk() bool {
	return p.State != "" && p.State != "Unknown" && (p.Err == nil || p.Driver != "")
}

// latest returns when a caller has to be answered: in time to answer its own
// caller.
func (s *Statistics) latest(ctx context.Context, a Ask) time.Time {
	t := time.Now().Add(a.Timeout)
	if deadline, ok := ctx.Deadline(); ok {
		t = earlier(t, deadline.Add(-time.Until(deadline)/10))
	}
	return t
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// port returns the state of a host's port. The kernel gives host numbers out
// again: what is known of the port that had this one before is forgotten.
func (s *Statistics) port(h *scsihost.Host) *port {
	s.mu.Lock()
	defer s.mu.Unlock()
	if p := s.ports[h.Name]; p != nil && p.dir == h.Dir {
		return p
	}
	key := h.Lane()
	if s.lanes[key] == nil {
		s.lanes[key] = &lane{}
	}
	p := &port{name: h.Name, dir: h.Dir, lane: s.lanes[key], sys: s.sys.Reader()}
	s.ports[h.Name] = p
	return p
}

// Busy reports whether a pass is under way on the function that a host is on:
// then others had better not ask its firmware for anything else.
func (s *Statistics) Busy(h *scsihost.Host) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	l := s.lanes[h.Lane()]
	return l != nil && l.flight.Current() != nil
}

// start starts a pass, or joins the one that is under way on the function.
func (s *Statistics) start(p *port, a Ask, about Port) *flight.Run[*port] {
	state, driver := about.State, DriverOf(about.Driver, about.Type)
	run, _ := p.lane.flight.Go(func() (*port, error) {
		p.read(s, a, state, driver)
		return p, nil
	})
	return run
}

// lateness notes, once for each pass, that somebody could not wait for it.
func (p *port) lateness(run *flight.Run[*port]) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.late != run {
		p.late = run
		p.counts[timeout]++
	}
}

// answer returns what is known of a port.
func (s *Statistics) answer(p *port, mayAsk bool, panicked error) Answer {
	current := p.lane.flight.Current()
	p.mu.Lock()
	defer p.mu.Unlock()
	a := Answer{
		Asked:  p.asked || p.late != nil,
		Ended:  p.asked,
		Took:   p.took,
		Stuck:  p.late != nil && p.late == current,
		Errors: p.counts,
	}
	if p.last != nil {
		a.Known, a.Age = true, s.now().Sub(p.last.Taken)
		if mayAsk && a.Age <= maxAge {
			a.Pass = p.last
		}
	}
	switch {
	case panicked != nil:
		a.Err = panicked
	case a.Stuck:
		a.Err = fmt.Errorf("%s: no answer yet", p.path(s))
	case p.err == errDiscarded || p.err == errSlow:
		a.Err = fmt.Errorf("%s: %w", p.path(s), p.err)
	case p.err != errHeld && p.err != errNone && p.err != errNoBlock:
		a.Err = p.err
	}
	return a
}
