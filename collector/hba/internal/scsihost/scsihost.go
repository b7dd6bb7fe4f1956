// Package scsihost finds the SCSI hosts of a machine: adapter ports, virtual
// ports, and everything else that the kernel runs as one. It reads names,
// links and the driver of each host, and nothing that reaches the hardware.
package scsihost

import (
	"context"
	"errors"
	"path"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/scan"
)

// The classes that hosts are listed in.
const (
	SCSI = "class/scsi_host"
	FC   = "class/fc_host"
)

// Reads returns the files that a Finder reads: the driver of a host, and of its
// PCI function, below up to two bridges.
func Reads() []string {
	return []string{
		"/sys/class/scsi_host/host*/proc_name",
		"/sys/devices/pci*/*:*/driver",
		"/sys/devices/pci*/*:*/*:*/driver",
		"/sys/devices/pci*/*:*/*:*/*:*/driver",
	}
}

// A Host is one SCSI host, with its place in the device tree.
type Host struct {
	Name   string // such as host3
	Driver string // such as lpfc; empty when unknown
	Err    error  // why the name of the driver could not be read

	Dir      string // of the device, below sysfs: devices/pci0000:3a/0000:3b:00.0/host3; empty when unknown
	Device   string // of the PCI function, below sysfs; empty for a host that is not on PCI
	PCI      string // address of the PCI function, such as 0000:3b:00.0
	Physical string // the host of the physical port: itself unless this is a virtual one
	Vport    string // such as vport-3:0-0, for a virtual port
}

// IsVirtual reports whether the host is an NPIV port on top of another host.
func (h *Host) IsVirtual() bool { return h.Physical != h.Name }

// Function returns the address of the PCI function, whose firmware the host may
// share with others, or the name of a host that is on none.
func (h *Host) Function() string {
	if h.PCI != "" {
		return h.PCI
	}
	return h.Name
}

// Adapter returns the address of the card that the host is on, or "" if it is on
// none.
func (h *Host) Adapter() string { return Card(h.PCI) }

// Card returns the address of a PCI function without the function, which the
// ports of one card share.
func Card(function string) string {
	card, _, _ := strings.Cut(function, ".")
	return card
}

// A Finder finds the hosts of one class. It remembers what it has resolved, so
// that a host that stays costs one readlink and one read. It is not for
// concurrent use.
type Finder struct {
	sys   *host.Reader
	class string
	known map[string]*entry // by name
	round uint64
	hosts []*Host
}

type entry struct {
	link  string
	host  *Host
	round uint64
}

// NewFinder returns a finder for the hosts of a class, SCSI or FC.
func NewFinder(sys host.Tree, class string) *Finder {
	return &Finder{sys: sys.Reader().Share(SCSI + "/*/proc_name"), class: class, known: map[string]*entry{}}
}

// Find returns the hosts in the order of their numbers. They are valid until
// the next call. A host that goes away meanwhile is left out.
func (f *Finder) Find(ctx context.Context) ([]*Host, error) {
	f.sys.BeginRun(ctx)
	names, err := f.sys.Names(f.class)
	if err != nil {
		return nil, err
	}
	f.round++
	f.hosts = f.hosts[:0]
	for _, name := range names {
		if !IsName(name) {
			continue
		}
		link, err := f.sys.Link(f.class, name)
		if host.Gone(err) {
			continue
		}
		// A host that is no link, or whose link cannot be read, has no place in the
		// device tree, but everything else is still there to be read.
		h := f.resolve(name, link)
		if err != nil && !errors.Is(err, unix.EINVAL) {
			h.Err = err
		}
		f.hosts = append(f.hosts, h)
	}
	for key, e := range f.known {
		if e.round != f.round {
			delete(f.known, key)
		}
	}
	return f.hosts, nil
}

// resolve returns the host of a name. The kernel reuses numbers, so that the same
// name may be another host.
func (f *Finder) resolve(name, link string) *Host {
	e := f.known[name]
	if e == nil || e.link != link {
		e = &entry{link: link, host: place(f.class, name, link)}
		f.known[name] = e
	}
	e.round = f.round
	f.identify(e.host)
	return e.host
}

// identify reads the driver of a host each time: a host of the same name in the
// same place may belong to another driver now.
func (f *Finder) identify(h *Host) {
	h.Err = nil
	b, err := f.sys.Text(SCSI, h.Name, "proc_name")
	if err == nil && string(b) == h.Driver && h.Driver != "" {
		return
	}
	if err != nil && !host.Gone(err) {
		h.Err = err
	}
	if h.Driver = Label(b); h.Driver != "" || h.Device == "" {
		return
	}
	if link, err := f.sys.Link(h.Device, "driver"); err == nil {
		h.Driver, h.Err = path.Base(link), nil
	}
}

// place parses the target of a class link, such as
//
//	../../devices/pci0000:3a/0000:3b:00.1/host3/vport-3:0-0/host7/fc_host/host7
//
// by its components, not its numbers.
func place(class, name, link string) *Host {
	h := &Host{Name: name, Physical: name}
	dir := strings.TrimPrefix(path.Join("/", class, link), "/")
	if link == "" || !strings.HasPrefix(dir, "devices/") {
		return h
	}
	for end := 0; end < len(dir); {
		start := end
		if i := strings.IndexByte(dir[start:], '/'); i >= 0 {
			end = start + i
		} else {
			end = len(dir)
		}
		switch part := dir[start:end]; {
		case IsPCI(part) && h.Dir == "":
			h.PCI, h.Device = part, dir[:end]
		case IsName(part) && h.Dir == "":
			h.Physical, h.Dir = part, dir[:end]
		case strings.HasPrefix(part, "vport-"):
			h.Vport = part
		case part == name:
			if strings.HasPrefix(dir[end:], "/") {
				h.Dir = dir[:end]
			}
		}
		end++
	}
	return h
}

// IsName reports whether a name is that of a SCSI host: host17.
func IsName(name string) bool {
	digits, ok := strings.CutPrefix(name, "host")
	if !ok {
		return false
	}
	_, ok = scan.Uint([]byte(digits))
	return ok
}

// IsPCI reports whether a name is the address of a PCI function: 0000:3b:00.1,
// with more digits in front where a bus is behind a volume manager.
func IsPCI(name string) bool {
	n := len(name)
	if n < 12 || name[n-2] != '.' || name[n-5] != ':' || name[n-8] != ':' {
		return false
	}
	for i := range n {
		switch c := name[i]; {
		case i == n-2 || i == n-5 || i == n-8:
		case i == n-1 && c > '7':
			return false
		case c >= '0' && c <= '9', c >= 'a' && c <= 'f':
		default:
			return false
		}
	}
	return true
}
