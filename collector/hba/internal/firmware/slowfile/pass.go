package slowfile

import (
	"bytes"
	"errors"
	"io/fs"
	"path"
	"slices"
	"syscall"
	"time"

	"github.com/hostexporter/host_exporter/collector/hba/internal/firmware/failure"
	"github.com/hostexporter/host_exporter/collector/hba/internal/scsihost"
	"github.com/hostexporter/host_exporter/collector/internal/host"
)

// pass reads files, each in a turn of its own.
func (r *Reader) pass(fn *function, due []*file, limits Limits) {
	defer r.end(fn)
	var began time.Time // of the first turn
	for _, f := range due {
		r.wait(fn, f)
		more := false
		r.gate.Turn(fn.name, func() string { return r.sys.Path(f.Path) }, func() {
			if began.IsZero() {
				began = r.now()
			}
			more = !ready(fn.sys, f.Host) || // then it stays due
				r.now().Sub(began) <= maxPass && r.read(fn, f)
		})
		if !more {
			r.leaveAlone(fn, limits)
			return
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	fn.backOff = 0
}

// wait notes that a pass waits for a turn.
func (r *Reader) wait(fn *function, f *file) {
	r.mu.Lock()
	defer r.mu.Unlock()
	fn.current, fn.reading, fn.since, fn.late = f, false, r.now(), false
}

// end notes that a pass ended.
func (r *Reader) end(fn *function) {
	r.mu.Lock()
	defer r.mu.Unlock()
	fn.current = nil
}

// leaveAlone starts a back-off, which doubles each time.
func (r *Reader) leaveAlone(fn *function, limits Limits) {
	r.mu.Lock()
	defer r.mu.Unlock()
	fn.backOff = min(max(2*fn.backOff, 2*limits.Interval), maxBackOff)
	fn.until = r.now().Add(fn.backOff)
}

// read reads one file. It reports whether the pass may go on.
func (r *Reader) read(fn *function, f *file) bool {
	r.mu.Lock()
	began := r.now()
	fn.reads++
	f.tried, f.number = began, fn.reads
	fn.reading, fn.since = true, began
	r.healthOf(f.Host)
	r.mu.Unlock()

	b, err := fn.sys.Read(f.Path)
	if f.Valid != nil && err == nil && !f.Valid(b) {
		err = fn.sys.At(host.Bad(1, f.Want, b))
	}

	r.mu.Lock()
	defer r.mu.Unlock()
	now := r.now()
	f.content, f.err = nil, nil
	if err == nil {
		f.content, f.taken = append([]byte{}, b...), now
	}
	c := classify(err)
	if c.count {
		r.count(f.Host, failure.Of(err))
	}
	if c.report {
		f.err = err
	}
	if now.Sub(began) <= readTimeout {
		return !c.stop
	}
	if !fn.late {
		r.count(f.Host, failure.Timeout)
	}
	return false
}

// A class of errors says what to do about them.
type class struct {
	count  bool
	report bool
	stop   bool // leave the adapter alone for a time
}

// classify returns the class of an error. The adapter is not to blame for one that
// the driver never saw, nor where the driver has no such thing.
func classify(err error) class {
	var failed *fs.PathError
	switch {
	case err == nil:
		return class{}
	case !errors.As(err, &failed): // malformed
		return class{count: true, report: true}
	case failed.Op == "open" && host.Gone(err):
		return class{}
	case failed.Op == "open", errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EISDIR):
		return class{count: true, report: true}
	case host.Gone(err), errors.Is(err, syscall.EINVAL), errors.Is(err, syscall.EOPNOTSUPP), errors.Is(err, syscall.ENOLINK):
		return class{count: true}
	}
	return class{count: true, report: true, stop: true}
}

// ready reports whether a host may be asked now: not while its error handler is
// running, its board restarts, or its port is not in service. What it reads comes
// from memory, and is reported elsewhere.
func ready(sys *host.Reader, h *scsihost.Host) bool {
	scsi, adapter := path.Join(scsihost.SCSI, h.Name), path.Dir(h.Dir)
	if !hasWord(sys, scsi, "state", "running", "created") ||
		!hasWord(sys, path.Join(scsihost.FC, h.Name), "port_state", "Online", "Linkdown", "Bypassed", "Blocked", "Loopback", "Marginal") {
		return false
	}
	switch {
	case h.Driver == "lpfc":
		return hasWord(sys, scsi, "board_mode", "online")
	case h.Driver == "mpi3mr":
		return hasWord(sys, scsi, "adp_state", "1") // operational
	case h.Driver == "zfcp" && h.Dir != "":
		return hasWord(sys, adapter, "failed", "0") && hasWord(sys, adapter, "in_recovery", "0")
	}
	return true
}

// hasWord reports whether a file holds one of some words, or is absent.
func hasWord(sys *host.Reader, dir, name string, words ...string) bool {
	b, err := sys.Text(dir, name)
	return host.Gone(err) || err == nil && slices.ContainsFunc(words, func(w string) bool { return bytes.Equal(b, []byte(w)) })
}
