package fcstat

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"syscall"
	"time"

	"github.com/hostexporter/host_exporter/collector/hba/internal/firmware/failure"
	"github.com/hostexporter/host_exporter/collector/hba/internal/scsihost"
	"github.com/hostexporter/host_exporter/collector/internal/host"
)

// A Pass is the result of reading a port's statistics once. It is immutable.
type Pass struct {
	Taken  time.Time
	Errors []error // of files that could not be read, without absent ones

	values [counters]uint64
	have   Set
}

// Value returns a counter, if the pass has it.
func (p *Pass) Value(c Counter) (uint64, bool) { return p.values[c], p.have.Has(c) }

func (p *Pass) set(c Counter, v uint64) {
	p.values[c] = v
	p.have |= 1 << c
}

// How a pass can fail.
var (
	errNotReady  = errors.New("the host is not in a state to be asked")
	errNone      = errors.New("the driver has no statistics")
	errNoBlock   = errors.New("the driver gives no statistics now")
	errDiscarded = errors.New("the adapter answers nothing but ones")
	errSlow      = errors.New("the adapter is too slow to be asked for more")
)

// rereadDelay is how long to wait before a counter that fell is read again.
const rereadDelay = 50 * time.Millisecond

// maxErrors is the maximum number of errors that a pass keeps.
const maxErrors = 4

// A reading is a pass in the making. It belongs to one goroutine.
type reading struct {
	port     *port
	sys      *host.Reader
	now      func() time.Time
	pause    func(time.Duration)
	until    time.Time // no read starts after it
	pass     *Pass
	reasons  reasons
	ones     int // files that held all-ones
	failures int // failed reads in a row
}

// reasons is a set of failure.Reason: a pass counts each once, however many files
// failed for it.
type reasons uint16

func (r *reasons) add(reason failure.Reason) { *r |= 1 << reason }

// run reads the statistics of a port. A driver fills its whole block for each
// file that is read, so that the files of one pass are not of one moment: the
// age of the counters is read first and last, to find out whether they were reset
// in between.
func (r *reading) run(last *Pass) error {
	if err := r.ready(); err != nil {
		return err
	}
	if !r.sys.Exists(scsihost.FC, r.port.name, "statistics") {
		return errNone
	}
	for again := true; ; again = false {
		r.pass = &Pass{Taken: r.now()}
		r.ones = 0
		reset, err := r.readAll()
		if err != nil {
			return err
		}
		if !reset || !again {
			break
		}
	}
	if r.ones > 0 && r.pass.have == 0 {
		r.reasons.add(failure.Discarded)
		return errDiscarded
	}
	return r.repair(last)
}

// ready returns an error when the host must not be asked: its error handler is
// running, its board restarts, or its port is not in service. What it reads comes
// from memory.
func (r *reading) ready() error {
	switch r.port.state {
	case "Offline":
		if !r.port.driver.software {
			return errNotReady
		}
	case "", "Unknown", "Diagnostics", "Error", "Not Present", "Deleted":
		return errNotReady
	}
	if err := r.expect("state", "running", "created"); err != nil || !r.port.driver.copies {
		return err
	}
	return r.expect("board_mode", "online") // of lpfc
}

// expect returns an error unless a file of the SCSI host holds one of some words,
// or is absent. The error is errNotReady itself for other words that are known,
// and wraps it where the file holds something else or cannot be read.
func (r *reading) expect(file string, words ...string) error {
	b, err := r.sys.Text(scsihost.SCSI, r.port.name, file)
	switch {
	case host.Gone(err) || err == nil && slices.Contains(words, string(b)):
		return nil
	case errors.Is(err, syscall.EINVAL): // the kernel has no word for it
		return errNotReady
	case err != nil:
		return fmt.Errorf("%w: %w", errNotReady, err)
	}
	switch string(b) {
	case "recovery", "cancel", "deleted", "cancel/recovery", "deleted/recovery", "offline", "warm start", "error":
		return errNotReady
	}
	return fmt.Errorf("%w: %w", errNotReady, r.sys.At(host.Bad(1, "a known state", b)))
}

// readAll reads all files once. It reports whether the counters were reset
// meanwhile.
func (r *reading) readAll() (reset bool, err error) {
	for c, rest := Counter(0), r.port.files(); rest != 0; {
		c, rest = rest.first()
		if err := r.read(c); err != nil {
			return false, err
		}
		if c == Seconds && r.ones > 0 && r.port.driver.known {
			r.reasons.add(failure.Discarded) // every driver in the table has the age
			return false, errDiscarded
		}
	}
	before, ok := r.pass.Value(Seconds)
	if !ok {
		return false, nil
	}
	if err := r.read(Seconds); err != nil {
		return false, err
	}
	after, ok := r.pass.Value(Seconds)
	if ok && after+1 >= before {
		return false, nil
	}
	// It fell, or is gone: the adapter went down, the counters were reset, or
	// this was a moment at which the driver was filling its block.
	r.pause(rereadDelay)
	if err := r.read(Seconds); err != nil {
		return false, err
	}
	if after, ok = r.pass.Value(Seconds); !ok {
		r.reasons.add(failure.Discarded)
		return false, errDiscarded
	}
	return after+1 < before, nil
}

// repair reads once more what is lower than in the last pass, unless the
// counters were reset: a driver that is asked twice at the same time, such as by
// another agent, shows spurious zeros.
func (r *reading) repair(last *Pass) error {
	if last == nil {
		return nil
	}
	fell := r.fell(last)
	if fell == 0 {
		return nil
	}
	r.pause(rereadDelay)
	if fell.Has(Seconds) {
		if err := r.read(Seconds); err != nil {
			return err
		}
		if r.fell(last).Has(Seconds) {
			return nil // the counters were reset
		}
	}
	for c, rest := Counter(0), fell&^Of(Seconds); rest != 0; {
		c, rest = rest.first()
		if err := r.read(c); err != nil {
			return err
		}
	}
	return nil
}

// fell returns the counters that are lower than in the last pass. The age is
// rounded, and may be a second lower.
func (r *reading) fell(last *Pass) Set {
	var fell Set
	for c, rest := Counter(0), r.pass.have&last.have; rest != 0; {
		c, rest = rest.first()
		v := r.pass.values[c]
		if c == Seconds {
			v++
		}
		if v < last.values[c] {
			fell |= 1 << c
		}
	}
	return fell
}

// read reads one file. It returns an error when no more should be read.
func (r *reading) read(c Counter) error {
	if r.now().After(r.until) {
		r.reasons.add(failure.Timeout)
		return errSlow
	}
	r.pass.have &^= Of(c)
	r.port.file.Store(uint32(c))
	v, err := r.sys.Hex(scsihost.FC, r.port.name, "statistics", c.File())
	if err == nil {
		r.failures = 0
		// All-ones is "unsupported". What is near it is a 32-bit counter that
		// wrapped below the offset that the driver subtracts from it.
		if v >= 1<<63 {
			r.ones++
		} else {
			r.pass.set(c, v)
		}
		return nil
	}
	return r.failed(err)
}

// failed counts an error and keeps it for the report. It returns an error when no
// more should be read.
func (r *reading) failed(err error) error {
	var path *fs.PathError
	if errors.As(err, &path) && path.Op == "open" && errors.Is(err, fs.ErrNotExist) {
		return nil // the kernel does not have the file
	}
	r.reasons.add(failure.Of(err))
	if errors.Is(err, syscall.ENODEV) {
		return errNoBlock // unplugged
	}
	if !host.Gone(err) && len(r.pass.Errors) < maxErrors {
		r.pass.Errors = append(r.pass.Errors, err)
	}
	if path == nil || path.Op == "open" {
		return nil
	}
	// A driver that fails for two files fails for the others, and each read may
	// wait for the firmware again. A single failure may be transient.
	if r.failures++; r.failures < 2 {
		return nil
	}
	if host.Gone(err) {
		return errNoBlock
	}
	return err
}
