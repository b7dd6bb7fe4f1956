// Package fcstat reads the statistics of Fibre Channel ports. Each read of a file
// in fc_host/*/statistics makes the driver ask the adapter's firmware for all of
// them and wait for the answer, which cannot be interrupted. So a port is read in
// passes, of which at most one is in progress on a PCI function; a pass takes one
// turn at the function's gate (see package gate). A caller waits for a pass for a
// limited time, and then gets the last one with its age. A pass reads only what
// the driver fills, and nothing while the port recovers from an error. See
// drivers/scsi/scsi_transport_fc.c (fc_stat_show) in the kernel.
package fcstat

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/hostexporter/host_exporter/collector/hba/internal/firmware/failure"
	"github.com/hostexporter/host_exporter/collector/hba/internal/firmware/gate"
	"github.com/hostexporter/host_exporter/collector/hba/internal/scsihost"
	"github.com/hostexporter/host_exporter/collector/internal/flight"
	"github.com/hostexporter/host_exporter/collector/internal/host"
)

// A Reader reads the ports of one host. It is safe for concurrent use.
type Reader struct {
	sys   host.Tree
	now   func() time.Time
	pause func(time.Duration)
	gate  *gate.Gate
	calls *flight.Source // of places for the passes

	mu        sync.Mutex
	ports     map[string]*port     // by name
	functions map[string]*function // by PCI function, or by port where there is none
}

// New returns the reader of a host, whose passes take their turns at a gate.
func New(h *host.Host, g *gate.Gate) *Reader {
	return &Reader{
		sys:       h.Sys,
		now:       h.Now,
		pause:     time.Sleep,
		gate:      g,
		calls:     h.Calls.Source(),
		ports:     map[string]*port{},
		functions: map[string]*function{},
	}
}

var errNoAnswerYet = errors.New("no answer yet")

// Limits bound how long a caller waits, and how often the firmware is asked.
type Limits struct {
	Timeout     time.Duration // how long to wait for a pass
	MinInterval time.Duration // between two passes
}

// A Port is a physical port to read, with its current state.
type Port struct {
	*scsihost.Host
	State string // content of port_state
	Type  string // content of port_type
}

// An Answer is what is known of a port's statistics.
type Answer struct {
	Pass  *Pass         // to emit; nil when there is nothing
	Known bool          // whether there was a good pass, perhaps too old to emit
	Age   time.Duration // of the last good pass
	Asked bool          // whether the firmware was ever asked
	Ended bool          // whether a pass that asked it ever ended, good or not
	Took  time.Duration // duration of the last pass that ended
	Stuck bool          // a pass is in progress that a caller stopped waiting for
	Err   error         // to report

	Failures failure.Counts // passes with an error, by reason
}

// Report passes the errors of the answer and of its pass to report.
func (a *Answer) Report(report func(error)) {
	if a.Err != nil {
		report(a.Err)
	}
	if a.Pass != nil {
		for _, err := range a.Pass.Errors {
			report(err)
		}
	}
}

// Read returns what is known of the statistics of some ports, in their order,
// after a new pass of those that are due. It appends to dst.
func (r *Reader) Read(ctx context.Context, limits Limits, ports []Port, dst []Answer) []Answer {
	deadline := answerBy(ctx, limits)
	now := r.now()
	// All passes are started before the first is waited for: ports do not wait
	// for each other unless they share a function.
	runs := make([]*flight.Run[*port], len(ports))
	for i := range ports {
		if p := r.port(ports[i].Host); ports[i].readable() && p.due(now, limits, ports[i].State) {
			runs[i] = r.start(p, limits, ports[i])
		}
	}
	for i := range ports {
		p := r.port(ports[i].Host)
		var panicked error
		for run := runs[i]; run != nil; run = r.start(p, limits, ports[i]) {
			if !run.Wait(ctx, earlier(deadline, run.StartTime.Add(limits.Timeout))) {
				p.noteLate(run)
				break
			}
			read, err := run.Result()
			if panicked = err; err != nil || read == p {
				break
			}
			// The run read another port of the same function.
		}
		dst = append(dst, r.answer(p, ports[i].readable(), panicked))
	}
	return dst
}

// readable reports whether the port's counters mean anything, which they do not
// in an unknown state, and whether it is known how its driver gets them.
func (p *Port) readable() bool {
	return p.State != "" && p.State != "Unknown" && (p.Err == nil || p.Driver != "")
}

// answerBy returns when a caller has to be answered: in time to answer its own
// caller.
func answerBy(ctx context.Context, limits Limits) time.Time {
	t := time.Now().Add(limits.Timeout)
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

// port returns the state of a host's port. The kernel reuses host numbers: a
// port in another place of the device tree starts afresh.
func (r *Reader) port(h *scsihost.Host) *port {
	r.mu.Lock()
	defer r.mu.Unlock()
	if p := r.ports[h.Name]; p != nil && p.dir == h.Dir {
		return p
	}
	name := h.Function()
	if r.functions[name] == nil {
		r.functions[name] = &function{name: name, flight: flight.Flight[*port]{Source: r.calls}}
	}
	p := &port{name: h.Name, dir: h.Dir, function: r.functions[name], tree: r.sys, sys: r.sys.Reader()}
	r.ports[h.Name] = p
	return p
}

// start starts a pass, or joins the one that is in progress on the function.
func (r *Reader) start(p *port, limits Limits, about Port) *flight.Run[*port] {
	state, driver := about.State, DriverOf(about.Driver, about.Type)
	run, _ := p.function.flight.Go(func() (*port, error) {
		r.gate.Turn(p.function.name, p.path, func() { p.read(r, limits, state, driver) })
		return p, nil
	})
	return run
}

// noteLate notes that a caller stopped waiting for a pass. It counts each pass
// once.
func (p *port) noteLate(run *flight.Run[*port]) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.late != run {
		p.late = run
		p.failures[failure.Timeout]++
	}
}

// answer returns what is known of a port.
func (r *Reader) answer(p *port, readable bool, panicked error) Answer {
	current := p.function.flight.Current()
	p.mu.Lock()
	defer p.mu.Unlock()
	a := Answer{
		Asked:    p.asked || p.late != nil,
		Ended:    p.asked,
		Took:     p.took,
		Stuck:    p.late != nil && p.late == current,
		Failures: p.failures,
	}
	if p.last != nil {
		a.Known, a.Age = true, r.now().Sub(p.last.Taken)
		if readable && a.Age <= maxAge {
			a.Pass = p.last
		}
	}
	switch {
	case panicked != nil:
		a.Err = panicked
	case a.Stuck:
		// It may be another file that keeps the function busy.
		path := r.gate.Outstanding(p.function.name)
		if path == "" {
			path = p.path()
		}
		a.Err = fmt.Errorf("%s: %w", path, current.Unfinished(errNoAnswerYet))
	case p.err == errDiscarded || p.err == errSlow:
		a.Err = fmt.Errorf("%s: %w", p.path(), p.err)
	case p.err != errNotReady && p.err != errNone && p.err != errNoBlock:
		a.Err = p.err
	}
	return a
}
