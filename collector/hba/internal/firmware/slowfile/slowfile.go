// Package slowfile reads files that cost a command to an adapter, or to a device
// behind it: transceivers, temperatures, phys, bays. No scrape is worth waiting
// for them, and some can do harm: a driver resets an adapter that does not answer
// in time. So a PCI function's files are read in passes that are an interval
// apart, and further apart after an error; each file takes a turn of its own at
// the function's gate (see package gate). A scrape starts a pass that is due and
// gets what earlier ones read. Only the first pass of a function is waited for,
// and briefly, so that the first scrape has the values. A pass runs in a flight
// (see package flight), so that no goroutine is left behind after the last Read.
package slowfile

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/hostexporter/host_exporter/collector/hba/internal/firmware/failure"
	"github.com/hostexporter/host_exporter/collector/hba/internal/firmware/gate"
	"github.com/hostexporter/host_exporter/collector/hba/internal/scsihost"
	"github.com/hostexporter/host_exporter/collector/internal/flight"
	"github.com/hostexporter/host_exporter/collector/internal/host"
)

// A Reader reads the slow files of one host. It is safe for concurrent use.
type Reader struct {
	sys  host.Tree
	now  func() time.Time
	gate *gate.Gate

	calls *flight.Source // of places for the passes

	mu        sync.Mutex
	round     uint64 // number of calls of Read
	functions map[string]*function
	hosts     map[string]*health // by the host's name
}

// New returns the reader of a host, whose files take their turns at a gate.
func New(h *host.Host, g *gate.Gate) *Reader {
	return &Reader{sys: h.Sys, now: h.Now, gate: g, calls: h.Calls.Source(), functions: map[string]*function{}, hosts: map[string]*health{}}
}

// Limits bound how long a caller waits, and how often files are read.
type Limits struct {
	Interval time.Duration // between two reads of a file
	Wait     time.Duration // how long to wait for a function's first pass
}

// A File is a file to be read.
type File struct {
	Host  *scsihost.Host // whose adapter has to answer
	Path  string         // below sysfs
	Want  string         // what it holds, for an error
	Valid func([]byte) bool
	Every time.Duration // between two reads, if not Limits.Interval
	Once  bool          // it never changes
}

// An Answer is what is known of a file.
type Answer struct {
	Content []byte // nil when nothing is known; not to be changed
	Age     time.Duration
	Err     error // to report
}

// Health is the state of reading from the adapter of a SCSI host.
type Health struct {
	Asked    bool  // ever
	Stuck    bool  // a read is late, or waits for one that is
	Err      error // to report, apart from those of files
	Failures failure.Counts
}

const (
	readTimeout = 10 * time.Second // after which a read is late
	maxPass     = time.Minute      // after which a pass leaves its other files to the next one
	maxBackOff  = time.Hour
	maxAge      = 4 // times the interval, of a content that is kept in place of a newer one
)

// Read sets answers to what is known of some files, by their paths, and starts the
// passes that are due.
func (r *Reader) Read(ctx context.Context, limits Limits, files []File, answers map[string]Answer) {
	until := time.Now().Add(limits.Wait)
	if deadline, ok := ctx.Deadline(); ok {
		if early := deadline.Add(-time.Until(deadline) / 10); early.Before(until) {
			until = early
		}
	}
	for _, run := range r.start(limits, files) {
		run.Wait(ctx, until)
	}
	clear(answers)
	r.mu.Lock()
	defer r.mu.Unlock()
	now := r.now()
	for i := range files {
		var answer Answer
		// A caller with fewer files may have had this one forgotten meanwhile.
		if fn := r.functions[files[i].Host.Function()]; fn != nil && fn.files[keyOf(&files[i])] != nil {
			answer = fn.files[keyOf(&files[i])].answer(now, limits)
		}
		answers[files[i].Path] = answer
	}
}

// start starts the passes that are due, and returns the first ones of functions.
func (r *Reader) start(limits Limits, files []File) (first []*flight.Run[struct{}]) {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := r.now()
	r.round++
	var functions []*function // in the order of files
	for i := range files {
		fn := r.function(files[i].Host)
		if fn.round != r.round {
			fn.round = r.round
			functions = append(functions, fn)
		}
		fn.add(&files[i], r.round)
	}
	r.forget()
	for _, fn := range functions {
		due := fn.due(now, limits)
		if len(due) == 0 {
			continue
		}
		fresh := fn.run == nil
		fn.run, _ = fn.flight.Go(func() (struct{}, error) {
			r.pass(fn, due, limits)
			return struct{}{}, nil
		})
		if fresh {
			first = append(first, fn.run)
		}
	}
	return first
}

// function returns the function of a host.
func (r *Reader) function(h *scsihost.Host) *function {
	name := h.Function()
	if r.functions[name] == nil {
		r.functions[name] = &function{name: name, sys: r.sys.Reader(), files: map[key]*file{}, flight: flight.Flight[struct{}]{Source: r.calls}}
	}
	return r.functions[name]
}

// forget forgets files that the last caller did not want, and functions without
// any, unless a pass is in progress: no second one may start there.
func (r *Reader) forget() {
	for name, fn := range r.functions {
		for k, f := range fn.files {
			if f.round != r.round {
				delete(fn.files, k)
			}
		}
		if fn.round != r.round && fn.flight.Current() == nil {
			delete(r.functions, name)
		}
	}
}

// Health returns the state of reading from a host.
func (r *Reader) Health(h *scsihost.Host) Health {
	r.mu.Lock()
	defer r.mu.Unlock()
	var result Health
	if known := r.hosts[h.Name]; known != nil && known.dir == h.Dir {
		result = Health{Asked: true, Failures: known.failures}
	}
	fn := r.functions[h.Function()]
	if fn == nil {
		return result
	}
	result.Err = fn.panicked()
	if run := fn.flight.Current(); run != nil && run.Queued() {
		result.Err = fmt.Errorf("%s: %w", r.sys.Path(scsihost.SCSI, h.Name), flight.ErrQueued)
	}
	if f := fn.current; f != nil && f.Host.Name == h.Name && r.now().Sub(fn.since) >= readTimeout {
		if fn.reading && !fn.late {
			fn.late = true
			r.count(h, failure.Timeout)
			result.Failures = r.hosts[h.Name].failures
		}
		path := r.gate.Outstanding(fn.name)
		if path == "" {
			path = r.sys.Path(f.Path)
		}
		result.Asked, result.Stuck = true, true
		result.Err = fmt.Errorf("%s: no answer yet", path)
	}
	return result
}

// count counts a failure of a host.
func (r *Reader) count(h *scsihost.Host, reason failure.Reason) {
	r.healthOf(h).failures[reason]++
}

// healthOf returns what is known of a host. The kernel reuses their numbers.
func (r *Reader) healthOf(h *scsihost.Host) *health {
	known := r.hosts[h.Name]
	if known == nil || known.dir != h.Dir {
		known = &health{dir: h.Dir}
		r.hosts[h.Name] = known
	}
	return known
}

type health struct {
	dir      string
	failures failure.Counts
}
