package slowfile

import (
	"bytes"
	"errors"
	"io/fs"
	"path"
	"slices"
	"syscall"

	"github.com/hostexporter/host_exporter/collector/hba/internal/firmware/fcstat"
	"github.com/hostexporter/host_exporter/collector/hba/internal/scsihost"
	"github.com/hostexporter/host_exporter/collector/internal/host"
)

// pass reads files, one after the other.
func (r *Reader) pass(l *lane, due []*file, a Ask) {
	defer r.done(l)
	began := r.now()
	for _, f := range due {
		if held(l.sys, f.Host) {
			continue // and is due as before
		}
		if r.now().Sub(began) > maxPass {
			r.backOff(l, a)
			return
		}
		if !r.ask(l, f) {
			r.backOff(l, a)
			return
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	l.wait = 0
}

// done ends a pass, however it ended.
func (r *Reader) done(l *lane) {
	r.mu.Lock()
	defer r.mu.Unlock()
	l.asking = nil
}

// backOff leaves an adapter alone for a time, which grows.
func (r *Reader) backOff(l *lane, a Ask) {
	r.mu.Lock()
	defer r.mu.Unlock()
	l.wait = min(max(2*l.wait, 2*a.Interval), maxWait)
	l.until = r.now().Add(l.wait)
}

// ask reads one file. It reports whether the adapter may be asked for more.
func (r *Reader) ask(l *lane, f *file) bool {
	r.mu.Lock()
	began := r.now()
	l.turns++
	f.tried, f.turn = began, l.turns
	l.asking, l.since, l.late = f, began, false
	r.healthOf(f.Host)
	r.mu.Unlock()

	b, err := l.sys.Read(f.Path)
	if f.Valid != nil && err == nil && !f.Valid(b) {
		err = l.sys.At(host.Bad(1, f.Want, b))
	}

	r.mu.Lock()
	defer r.mu.Unlock()
	now := r.now()
	l.asking = nil
	verdict := judge(err)
	f.text, f.err = nil, nil
	if err == nil {
		f.text, f.taken = append([]byte{}, b...), now
	}
	if verdict.counts {
		r.count(f.Host, fcstat.ReasonOf(err))
	}
	if verdict.told {
		f.err = err
	}
	if slow := now.Sub(began) > patience; slow && !l.late {
		r.count(f.Host, timeout())
	} else if !slow {
		return !verdict.stops
	}
	return false
}

// A verdict is what to make of an error.
type verdict struct {
	counts bool
	told   bool
	stops  bool // the adapter should be left alone
}

// judge judges an error. What ends before the driver is reached says nothing of
// the adapter, nor does a driver that says that there is no such thing.
func judge(err error) verdict {
	var failed *fs.PathError
	switch {
	case err == nil:
		return verdict{}
	case !errors.As(err, &failed): // it is not what it should be
		return verdict{counts: true, told: true}
	case failed.Op == "open" && host.Gone(err):
		return verdict{}
	case failed.Op == "open", errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EISDIR):
		return verdict{counts: true, told: true}
	case host.Gone(err), errors.Is(err, syscall.EINVAL), errors.Is(err, syscall.EOPNOTSUPP), errors.Is(err, syscall.ENOLINK):
		return verdict{counts: true}
	}
	return verdict{counts: true, told: true, stops: true}
}

func timeout() fcstat.Reason { return fcstat.ReasonOf(syscall.ETIMEDOUT) }

// held reports whether a host must not be asked now: its error handler is at
// work, its board is being restarted, or its port is in trouble. To ask makes
// that worse. What is read for it comes from memory, and is told elsewhere.
func held(sys *host.Reader, h *scsihost.Host) bool {
	switch scsi, adapter := path.Join(scsihost.SCSI, h.Name), path.Dir(h.Dir); {
	case !holds(sys, scsi, "state", "running", "created"):
		return true
	case !holds(sys, path.Join(scsihost.FC, h.Name), "port_state", "Online", "Linkdown", "Bypassed", "Blocked", "Loopback", "Marginal"):
		return true
	case h.Driver == "lpfc":
		return !holds(sys, scsi, "board_mode", "online")
	case h.Driver == "mpi3mr":
		return !holds(sys, scsi, "adp_state", "1") // operational
	case h.Driver == "zfcp" && h.Dir != "":
		return !holds(sys, adapter, "failed", "0") || !holds(sys, adapter, "in_recovery", "0")
	}
	return false
}

// holds reports whether a file holds one of some words, or is not there.
func holds(sys *host.Reader, dir, name string, words ...string) bool {
	b, err := sys.Text(dir, name)
	return host.Gone(err) || err == nil && slices.ContainsFunc(words, func(w string) bool { return bytes.Equal(b, []byte(w)) })
}
