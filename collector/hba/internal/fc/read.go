package fc

import (
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"syscall"

	"github.com/hostexporter/host_exporter/collector/hba/internal/attr"
	"github.com/hostexporter/host_exporter/collector/hba/internal/fc/fpin"
	"github.com/hostexporter/host_exporter/collector/hba/internal/scsihost"
	"github.com/hostexporter/host_exporter/collector/internal/host"
)

// settingsInterval is after how many readings what an administrator can set is
// read again. Each reading is the turn of some of the ports.
const settingsInterval = 8

// facts are what a port was when it was last read, to see what changes.
type facts struct {
	roles    string
	id       uint64
	turn     int
	complete bool // all that is not read each time could be read
}

// read brings a port up to date. It reports false for one that went away
// meanwhile. With fpin, it reads the notifications of the fabric about the
// port. What a port is stays as it was while it cannot be read.
func (f *finder) read(a attr.Reader, p *remotePort, fpin bool) bool {
	errorCount := a.ErrorCount()
	changed, present := p.readState(a)
	if !present {
		return false
	}
	changed = p.readRoles(a) || changed || !p.last.complete
	if p.isTarget || changed {
		changed = p.readID(a) || changed
	}
	if changed {
		p.readIdentity(a)
	}
	if p.isTarget {
		p.last.turn++
		turn := changed || p.last.turn%settingsInterval == 0
		if turn {
			p.readSettings(a, changed)
		}
		if !fpin {
			p.fpin = notifications{}
		} else if turn || !p.fpin.none {
			p.readNotifications(a)
		}
		p.luns, p.lunsCounted = f.luns[p.target], f.luns != nil && p.target != ""
	}
	p.last.complete = a.ErrorCount() == errorCount
	p.round = f.round
	return true
}

// readState reports whether the state changed, and whether the port is still
// there.
func (p *remotePort) readState(a attr.Reader) (changed, present bool) {
	before, known := p.state, p.stateKnown
	b, err := a.Sys.Text(p.dir, "port_state")
	switch {
	case err == nil:
		var ok bool
		if p.state, ok = parseState(b); !ok {
			a.Out.Error(a.Sys.At(host.Bad(1, "a state of a remote port", b)))
		}
		p.stateKnown = true
	case errors.Is(err, syscall.EINVAL): // the kernel has no word for it
		p.state, p.stateKnown = unknown, true
	case errors.Is(err, fs.ErrNotExist) && a.Sys.Exists(p.dir, "."):
		p.state, p.stateKnown = unknown, false
	case host.Gone(err):
		return false, false
	default:
		p.state, p.stateKnown = unknown, false
		a.Out.Error(err)
	}
	return p.state != before || p.stateKnown != known, true
}

func (p *remotePort) readRoles(a attr.Reader) (changed bool) {
	b, ok := a.Text(p.dir, "roles")
	if !ok || string(b) == p.last.roles {
		return false
	}
	p.last.roles = string(b)
	return true
}

func (p *remotePort) readID(a attr.Reader) (changed bool) {
	id, ok := a.Hex(p.dir, "port_id")
	if !ok || id == p.last.id {
		return false
	}
	p.last.id, p.id = id, ""
	if id > 0 && id <= 0xffffff { // all bits are set where there is none
		p.id = fmt.Sprintf("%06x", id)
	}
	return true
}

// readIdentity reads what the port is. When a port is away for long, the kernel
// forgets most of that, but keeps what it recognizes the port by: then the port
// stays what it was.
func (p *remotePort) readIdentity(a attr.Reader) {
	list, role := parseRoles([]byte(p.last.roles))
	if id, ok := a.Int(p.dir, "scsi_target_id"); ok {
		p.target = ""
		if id >= 0 {
			p.target = p.host[len("host"):] + ":" + p.channel + ":" + strconv.FormatInt(id, 10)
		}
	}
	// Of ports that are away for long, only those of SCSI targets are kept.
	was := p.state == notPresent || p.target != ""
	switch forgotten := list == "" || list == "unknown"; {
	case !forgotten || !was:
		p.roles, p.role = list, role
	case p.role == otherRole:
		p.roles, p.role = "fcp_target", fcpTarget
	}
	p.isTarget = was || role <= nvmeTarget
	if p.isTarget {
		p.readName(a, &p.portName, "port_name")
		p.readName(a, &p.nodeName, "node_name")
	}
}

// nameOf returns the name of a port. Of one that is not a target, it is read once.
func (p *remotePort) nameOf(a attr.Reader) string {
	if p.portName == "" && !p.named {
		p.named = true
		p.readName(a, &p.portName, "port_name")
	}
	return p.portName
}

func (p *remotePort) readName(a attr.Reader, name *string, file string) {
	if b, ok := attr.Parsed(a, "a world wide name", scsihost.WWN, p.dir, file); ok && (b != "" || p.state != notPresent) {
		*name = b
	}
}

// readSettings reads what an administrator, or multipathd, can set at any time.
func (p *remotePort) readSettings(a attr.Reader, changed bool) {
	p.devLoss, _ = attr.Parsed(a, "seconds", parseTimeout, p.dir, "dev_loss_tmo")
	p.fastIOFail, _ = attr.Parsed(a, "seconds or off", parseTimeout, p.dir, "fast_io_fail_tmo")
	if !changed && p.encryption == encryptionUnknown {
		return // it stays unknown until the next login
	}
	p.encryption, _ = attr.Parsed(a, "Encrypted or Unencrypted", parseEncryption, p.dir, "encryption/encryption_status")
}

// readNotifications reads how many notifications there were of each kind, and
// the events of a kind that grew since the last time.
func (p *remotePort) readNotifications(a attr.Reader) {
	n := &p.fpin
	before := n.totals
	n.none = true
	for kind, k := range fpin.Notifications {
		n.totals[kind], n.known[kind] = p.readCounter(a, k.File)
		n.none = n.none && !n.known[kind]
	}
	// The kernel counts the notification before its events. A reading between
	// the two misses the events, so that they are read once more afterwards.
	var read [fpin.NumNotifications]bool
	for kind := range read {
		changed := n.known[kind] && n.totals[kind] != before[kind]
		read[kind] = changed || n.changed[kind]
		n.changed[kind] = changed
	}
	for event, e := range fpin.Events {
		if !read[e.Of] {
			continue
		}
		v, ok := p.readCounter(a, e.File)
		n.seen[event] = ok && (n.seen[event] || v > 0)
		n.events[event] = v
		if !ok {
			n.changed[e.Of] = true
		}
	}
}

// readCounter reads a counter. A value that no counter reaches stands for none.
func (p *remotePort) readCounter(a attr.Reader, file string) (uint64, bool) {
	v, ok := a.Hex(p.dir, "statistics", file)
	return v, ok && v < 1<<63
}
