package rport

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"strconv"
	"syscall"

	"github.com/hostexporter/host_exporter/collector/hba/internal/fpin"
	"github.com/hostexporter/host_exporter/collector/hba/internal/scsihost"
	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/scan"
)

// refresh is after how many readings what an administrator can set is read
// again. Each reading is the turn of some of the ports.
const refresh = 8

// facts are what a port was when it was last read, to see what moves.
type facts struct {
	roles    string
	id       uint64
	turn     int
	complete bool // all that is not read each time could be
}

// A reading is one of one port.
type reading struct {
	sys   *host.Reader
	port  *Port
	tell  func(error)
	sound bool // nothing went wrong so far
}

// Read brings a port up to date. It reports false for one that went away
// meanwhile. What cannot be read is told, and is unknown. With notifications,
// those of the fabric about the port are read, too; few drivers hear of them.
// What a port is stays as it was while it cannot be read.
func (f *Finder) Read(p *Port, notifications bool, tell func(error)) bool {
	r := reading{f.sys, p, tell, true}
	moved, there := r.state()
	if !there {
		return false
	}
	moved = r.roles() || moved || !p.facts.complete
	if p.IsTarget || moved {
		moved = r.id() || moved
	}
	if moved {
		r.identity()
	}
	if p.IsTarget {
		p.facts.turn++
		turn := moved || p.facts.turn%refresh == 0
		if turn {
			r.settings(moved)
		}
		if !notifications {
			p.FPIN = FPIN{}
		} else if turn || !p.FPIN.none {
			r.notifications()
		}
		p.LUNs, p.LUNsCounted = f.luns[p.Target], f.luns != nil && p.Target != ""
	}
	p.facts.complete = r.sound
	p.round = f.round
	return true
}

// text returns an attribute without blanks around it, and whether there is
// one. A driver that has no word for something says EINVAL.
func (r *reading) text(elem ...string) ([]byte, bool) {
	b, err := r.sys.Text(elem...)
	if err != nil {
		if !host.Gone(err) && !errors.Is(err, syscall.EINVAL) {
			r.fail(err)
		}
		return nil, false
	}
	return b, len(b) > 0
}

func (r *reading) fail(err error) {
	r.sound = false
	r.tell(err)
}

// bad tells that an attribute holds something else than it should.
func (r *reading) bad(want string, have []byte) { r.fail(r.sys.At(host.Bad(1, want, have))) }

// state reports whether the state moved, and whether the port is still there.
func (r *reading) state() (moved, there bool) {
	p := r.port
	before, known := p.State, p.StateKnown
	b, err := r.sys.Text(p.dir, "port_state")
	switch {
	case err == nil:
		var ok bool
		if p.State, ok = state(b); !ok {
			r.bad("a state of a remote port", b)
		}
		p.StateKnown = true
	case errors.Is(err, syscall.EINVAL):
		p.State, p.StateKnown = Unknown, true
	case errors.Is(err, fs.ErrNotExist) && r.sys.Exists(p.dir, "."):
		p.State, p.StateKnown = Unknown, false
	case host.Gone(err):
		return false, false
	default:
		p.State, p.StateKnown = Unknown, false
		r.fail(err)
	}
	return p.State != before || p.StateKnown != known, true
}

func (r *reading) roles() (moved bool) {
	b, ok := r.text(r.port.dir, "roles")
	if !ok || string(b) == r.port.facts.roles {
		return false
	}
	r.port.facts.roles = string(b)
	return true
}

func (r *reading) id() (moved bool) {
	p := r.port
	b, ok := r.text(p.dir, "port_id")
	if !ok {
		return false
	}
	id, ok := scan.Hex(b)
	if !ok {
		r.bad("a hexadecimal number", b)
	}
	if !ok || id == p.facts.id {
		return false
	}
	p.facts.id, p.ID = id, ""
	if id > 0 && id <= 0xffffff { // or else all bits are set
		p.ID = fmt.Sprintf("%06x", id)
	}
	return true
}

// identity finds out what the port is. The kernel forgets most of that when
// the port is away for long, and keeps what it knows it by when it is back: then
// the port stays what it was.
func (r *reading) identity() {
	p := r.port
	list, role := roles([]byte(p.facts.roles))
	if b, ok := r.text(p.dir, "scsi_target_id"); ok {
		switch id, ok := scan.Int(b); {
		case !ok:
			r.bad("a whole number", b)
		case id < 0:
			p.Target = ""
		default:
			p.Target = p.Host[len("host"):] + ":" + p.Channel + ":" + strconv.FormatInt(id, 10)
		}
	}
	// Of ports that are away for long, only those of SCSI targets are kept.
	was := p.State == NotPresent || p.Target != ""
	switch forgotten := list == "" || list == "unknown"; {
	case !forgotten || !was:
		p.Roles, p.Role = list, role
	case p.Role == Other:
		p.Roles, p.Role = "fcp_target", FCPTarget
	}
	p.IsTarget = was || role <= NVMeTarget
	if p.IsTarget {
		r.name(&p.PortName, "port_name")
		r.name(&p.NodeName, "node_name")
	}
}

func (r *reading) name(name *string, file string) {
	b, ok := r.text(r.port.dir, file)
	if !ok {
		return
	}
	now, ok := scsihost.WWN(b)
	if !ok {
		r.bad("a world wide name", b)
	} else if now != "" || r.port.State != NotPresent {
		*name = now
	}
}

// settings reads what an administrator, or multipathd, can set at any time.
func (r *reading) settings(moved bool) {
	p := r.port
	p.DevLoss, p.FastIOFail = Timeout{}, Timeout{}
	if b, ok := r.text(p.dir, "dev_loss_tmo"); ok {
		if p.DevLoss, ok = timeout(b); !ok {
			r.bad("seconds", b)
		}
	}
	if b, ok := r.text(p.dir, "fast_io_fail_tmo"); ok {
		if p.FastIOFail, ok = timeout(b); !ok {
			r.bad("seconds or off", b)
		}
	}
	if !moved && p.Encryption == NoAnswer {
		return // nor will there be one before the next login
	}
	p.Encryption = NoAnswer
	if b, ok := r.text(p.dir, "encryption/encryption_status"); ok {
		if p.Encryption, ok = encryption(b); !ok {
			r.bad("Encrypted or Unencrypted", b)
		}
	}
}

// timeout reads seconds, which may be as many as mean for ever, or off.
func timeout(b []byte) (Timeout, bool) {
	if string(b) == "off" {
		return Timeout{Known: true, Off: true}, true
	}
	v, ok := scan.Uint(b)
	if !ok {
		return Timeout{}, false
	}
	if v >= forever {
		return Timeout{Known: true, Seconds: math.Inf(1)}, true
	}
	return Timeout{Known: true, Seconds: float64(v)}, true
}

// notifications reads how many notifications there were, of each kind, and of
// what they told where there was one since the last time.
func (r *reading) notifications() {
	p := r.port
	f := &p.FPIN
	before := f.Totals
	f.none = true
	for kind, n := range fpin.Notifications {
		v, ok := r.counter(n.File)
		f.known[kind], f.Totals[kind] = ok, v
		f.none = f.none && !ok
	}
	// The kernel counts a notification and then what it tells of: we may have
	// been there in between, so that events are read once more afterwards.
	var read [fpin.NumNotifications]bool
	for kind := range read {
		moved := f.known[kind] && f.Totals[kind] != before[kind]
		read[kind] = moved || f.moved[kind]
		f.moved[kind] = moved
	}
	for event, e := range fpin.Events {
		if !read[e.Of] {
			continue
		}
		v, ok := r.counter(e.File)
		f.seen[event] = ok && (f.seen[event] || v > 0)
		f.Events[event] = v
		if !ok {
			f.moved[e.Of] = true
		}
	}
}

// counter reads a counter. Values that no counter reaches are none.
func (r *reading) counter(file string) (uint64, bool) {
	b, ok := r.text(r.port.dir, "statistics", file)
	if !ok {
		return 0, false
	}
	v, ok := scan.Hex(b)
	if !ok {
		r.bad("a hexadecimal number", b)
	}
	return v, ok && v < 1<<63
}
