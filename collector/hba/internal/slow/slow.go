// Package slow reads files that cost a command to an adapter, or to something
// behind it: transceivers, temperatures, phys, bays. None of them is worth
// waiting for, and some can do harm: an adapter that does not answer in time is
// reset by its driver.
//
// So an adapter is asked one question at a time, in passes that are minutes
// apart, and left alone for longer after one that went wrong. A scrape starts a
// pass when it is time for one and serves what earlier ones gave. Only the very
// first pass of an adapter is waited for, and briefly: without that, the first
// scrape after a start, and whoever looks once, would not see what has been
// asked for.
//
// All work is done in flights (see package flight) that end with their pass:
// when nobody asks any longer, nothing is left behind.
package slow

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/hostexporter/host_exporter/collector/hba/internal/fcstat"
	"github.com/hostexporter/host_exporter/collector/hba/internal/scsihost"
	"github.com/hostexporter/host_exporter/collector/internal/flight"
	"github.com/hostexporter/host_exporter/collector/internal/host"
)

// Shared hands the collectors of one host the same Reader, so that one that
// takes another's place does not ask again what the other has asked. The zero
// value is ready. It is safe for concurrent use.
type Shared struct{ readers host.PerHost[*Reader] }

// Of returns the reader of a host.
func (s *Shared) Of(h *host.Host) *Reader { return s.readers.Of(h, New) }

// A Reader reads the slow files of one host. It is safe for concurrent use.
type Reader struct {
	sys host.Tree
	now func() time.Time

	mu    sync.Mutex
	round uint64
	lanes map[string]*lane
	hosts map[string]*health // by the host's name
}

// New returns the reader of a host. Collectors take them from a Shared.
func New(h *host.Host) *Reader {
	return &Reader{sys: h.Sys, now: h.Now, lanes: map[string]*lane{}, hosts: map[string]*health{}}
}

// An Ask says how often adapters may be asked.
type Ask struct {
	Interval time.Duration             // how long a file is left alone
	Wait     time.Duration             // how long to wait for an adapter's first pass
	Busy     func(*scsihost.Host) bool // whether somebody else is asking the adapter; nil: never
}

// A File is a file to be read.
type File struct {
	Host  *scsihost.Host // whose adapter has to answer
	Path  string         // below sysfs
	Want  string         // what it holds, in words for an error
	Valid func([]byte) bool
	Every time.Duration // how long it is left alone, if not for Ask.Interval
	Once  bool          // it never changes
}

// An Answer is what is known of a file.
type Answer struct {
	Content []byte // nil when nothing is known; not to be changed
	Age     time.Duration
	Err     error // what is wrong and should be told
}

// Health is how it goes with asking the adapter of a SCSI host.
type Health struct {
	Asked  bool  // ever
	Stuck  bool  // a question is out for too long
	Err    error // what is wrong and should be told, apart from the files
	Errors [fcstat.NumReasons]uint64
}

const (
	patience = 10 * time.Second // with one file
	maxPass  = time.Minute      // then the rest has to wait for the next one
	maxWait  = time.Hour        // of the back-off
	maxAge   = 4                // times the interval, of what is served for want of something newer
)

// Read returns what is known of some files, in their order, and starts reading
// anew where it is time for that. It appends to dst.
func (r *Reader) Read(ctx context.Context, a Ask, files []File, dst []Answer) []Answer {
	latest := time.Now().Add(a.Wait)
	if deadline, ok := ctx.Deadline(); ok {
		if early := deadline.Add(-time.Until(deadline) / 10); early.Before(latest) {
			latest = early
		}
	}
	for _, run := range r.start(a, files) {
		run.Wait(ctx, latest)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	now := r.now()
	for i := range files {
		var answer Answer
		// Somebody who asks for less may have had it forgotten meanwhile.
		if l := r.lanes[files[i].Host.Lane()]; l != nil && l.files[keyOf(&files[i])] != nil {
			answer = l.files[keyOf(&files[i])].answer(now, a)
		}
		dst = append(dst, answer)
	}
	return dst
}

// start starts the passes that are due, and returns those to be waited for.
func (r *Reader) start(a Ask, files []File) (first []*flight.Run[struct{}]) {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := r.now()
	r.round++
	var lanes []*lane // in a fixed order
	for i := range files {
		l := r.lane(files[i].Host)
		if l.round != r.round {
			l.round = r.round
			lanes = append(lanes, l)
		}
		l.file(&files[i], r.round)
	}
	r.forget()
	for _, l := range lanes {
		due := l.due(now, a)
		if len(due) == 0 || a.Busy != nil && a.Busy(due[0].Host) {
			continue
		}
		fresh := l.run == nil
		l.run, _ = l.flight.Go(func() (struct{}, error) {
			r.pass(l, due, a)
			return struct{}{}, nil
		})
		if fresh {
			first = append(first, l.run)
		}
	}
	return first
}

// lane returns the lane of a host.
func (r *Reader) lane(h *scsihost.Host) *lane {
	l := r.lanes[h.Lane()]
	if l == nil {
		l = &lane{sys: r.sys.Reader(), files: map[key]*file{}}
		r.lanes[h.Lane()] = l
	}
	return l
}

// forget forgets what nobody asks for any longer, but for lanes in which
// something is still under way: no second question may be asked there.
func (r *Reader) forget() {
	for name, l := range r.lanes {
		for k, f := range l.files {
			if f.round != r.round {
				delete(l.files, k)
			}
		}
		if l.round != r.round && l.flight.Current() == nil {
			delete(r.lanes, name)
		}
	}
}

// Health returns how it goes with a host.
func (r *Reader) Health(h *scsihost.Host) Health {
	r.mu.Lock()
	defer r.mu.Unlock()
	var result Health
	if known := r.hosts[h.Name]; known != nil && known.dir == h.Dir {
		result = Health{Asked: true, Errors: known.errors}
	}
	l := r.lanes[h.Lane()]
	if l == nil {
		return result
	}
	result.Err = l.panicked()
	if f := l.asking; f != nil && f.Host.Name == h.Name && r.now().Sub(l.since) >= patience {
		result.Stuck = true
		result.Err = fmt.Errorf("%s: no answer yet", r.sys.Path(f.Path))
		if !l.late {
			l.late = true
			r.count(h, timeout())
			result.Errors = r.hosts[h.Name].errors
		}
	}
	return result
}

// count counts an error of a host.
func (r *Reader) count(h *scsihost.Host, reason fcstat.Reason) {
	r.healthOf(h).errors[reason]++
}

// healthOf returns what is known of a host. The kernel gives their numbers out
// again.
func (r *Reader) healthOf(h *scsihost.Host) *health {
	known := r.hosts[h.Name]
	if known == nil || known.dir != h.Dir {
		known = &health{dir: h.Dir}
		r.hosts[h.Name] = known
	}
	return known
}

type health struct {
	dir    string
	errors [fcstat.NumReasons]uint64
}
