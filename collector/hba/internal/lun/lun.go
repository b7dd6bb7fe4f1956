// Package lun reads SCSI devices: logical units of disks, tapes and whatever
// else is behind a SCSI host. It reads from memory of the kernel only; no file
// that it reads sends a command to a device.
package lun

import (
	"strings"
	"time"

	"github.com/hostexporter/host_exporter/collector/hba/internal/scsihost"
	"github.com/hostexporter/host_exporter/collector/internal/dm"
	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/scan"
)

// class lists the devices by their address, such as 3:0:1:7: host, channel,
// target, and a LUN of up to 64 bits.
const class = "class/scsi_device"

// A LUN is one SCSI device. Its facts stay; its values are those of the last
// Refresh.
type LUN struct {
	HCTL      string // 3:0:1:7
	Host      string // host3
	Rport     string // the remote port (Fibre Channel) that it is behind, such as rport-3:0-2
	Session   string // or the iSCSI session, such as session1
	EndDevice string // or the SAS device, such as end_device-5:0

	Vendor, Model, Revision string
	WWID                    string // naa.6001405...; empty when the device has none
	Type                    string // disk, tape, ...
	Device                  string // sdab, st0; empty when no driver has taken it

	Map      *dm.Multipath // that it is a path of; for the user to set
	Troubled time.Time     // for the user to set

	State    State
	Access   Access
	Errors   Counter // commands that ended with an error
	Timeouts Counter
	Requests Counter
	Done     Counter
	Moved    bool // whether errors or timeouts came since the last Refresh

	inode     uint64
	described bool
	located   bool
	noHandler bool   // there is no access state
	mask      uint64 // of counters
	jitter    [2]jitter
}

// A Finder finds SCSI devices again and again, and remembers their facts as
// long as they are the same devices. It is not for concurrent use.
type Finder struct {
	sys      *host.Reader
	listing  host.Listing
	luns     []*LUN
	byHCTL   map[string]*LUN
	byDevice map[string]*LUN
	names    [len(nameClasses)]names
	stale    bool // whether names are to be given anew, whatever has changed
	words    map[string]string
}

// NewFinder returns a Finder that has not seen any device yet.
func NewFinder(sys host.Tree) *Finder {
	return &Finder{sys: sys.Reader(), byHCTL: map[string]*LUN{}, byDevice: map[string]*LUN{}, words: map[string]string{}}
}

// Find returns the devices in the order of their addresses, valid until the
// next call. Only their addresses and device names are known then: see
// Describe and Refresh. An error is about the list of devices; the block
// devices are listed all the same.
func (f *Finder) Find(skip func(error)) ([]*LUN, error) {
	changed, err := f.sys.List(&f.listing, class)
	if changed {
		f.match()
	}
	f.giveNames(changed, skip)
	return f.luns, err
}

// Block returns what /sys/block listed at the last Find.
func (f *Finder) Block() []host.DirEntry { return f.names[0].listing.Entries }

// Device returns the device of a block device's name, or nil.
func (f *Finder) Device(name string) *LUN { return f.byDevice[name] }

// match takes over the devices that are still the same.
func (f *Finder) match() {
	old := f.byHCTL
	f.byHCTL = make(map[string]*LUN, len(f.listing.Entries))
	f.luns = make([]*LUN, 0, len(f.listing.Entries))
	for _, e := range f.listing.Entries {
		number, ok := hostNumber(e.Name)
		if !ok {
			continue
		}
		l := old[e.Name]
		if l == nil || l.inode != e.Inode {
			l = &LUN{HCTL: e.Name, Host: f.word("host" + number), inode: e.Inode}
		}
		f.luns = append(f.luns, l)
		f.byHCTL[e.Name] = l
	}
}

// hostNumber returns the first part of an address, and whether it is one.
func hostNumber(hctl string) (string, bool) {
	number, rest, _ := strings.Cut(hctl, ":")
	parts := 1
	for part := number; ; parts++ {
		if !isNumber(part) {
			return "", false
		}
		if rest == "" {
			break
		}
		part, rest, _ = strings.Cut(rest, ":")
	}
	return number, parts == 4 && !strings.HasSuffix(hctl, ":")
}

func isNumber(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}

// Describe finds out what a device is and where it is, once for as long as it
// stays. What cannot be read is told, and asked for again the next time.
func (f *Finder) Describe(l *LUN, skip func(error)) {
	if l.described {
		return
	}
	l.described = true
	f.Locate(l, skip)
	l.Vendor = f.label(l, "vendor", skip)
	l.Model = f.label(l, "model", skip)
	l.Revision = f.label(l, "rev", skip)
	l.WWID = f.label(l, "wwid", skip)
	l.Type = "unknown"
	if code, ok := f.number(l, "type", skip); ok {
		l.Type = typeName(code)
	}
	l.mask = 1<<32 - 1 // of all kernels so far
	if bits, ok := f.number(l, "iocounterbits", skip); ok {
		switch {
		case bits == 0 || bits > 64:
			f.tell(l, f.sys.At(host.Bad(1, "a number of bits", []byte(f.sys.String(class, l.HCTL, "device/iocounterbits")))), skip)
		case bits == 64:
			l.mask = 1<<64 - 1
		default:
			l.mask = 1<<bits - 1
		}
	}
	f.giveGenericName(l)
}

// Locate finds out where a device is, once for as long as it stays: for those
// of which nothing else is wanted.
func (f *Finder) Locate(l *LUN, skip func(error)) {
	if l.located {
		return
	}
	link, err := f.sys.Link(class, l.HCTL)
	if err != nil && !absent(err) { // EINVAL says that it is no link
		f.tell(l, err, skip)
		return
	}
	f.place(l, link)
	l.located = true
}

func (f *Finder) tell(l *LUN, err error, skip func(error)) {
	l.described = false
	skip(err)
}

// place takes the device's place in the device tree apart, such as
//
//	../../devices/pci0000:3a/0000:3b:00.1/host3/rport-3:0-2/target3:0:1/3:0:1:7/scsi_device/3:0:1:7
func (f *Finder) place(l *LUN, link string) {
	for part := range strings.SplitSeq(link, "/") {
		switch {
		case strings.HasPrefix(part, "rport-"):
			l.Rport = f.word(part)
		case strings.HasPrefix(part, "session") && isNumber(part[len("session"):]):
			l.Session = f.word(part)
		case strings.HasPrefix(part, "end_device-"):
			l.EndDevice = f.word(part)
		}
	}
}

// label returns an attribute of a device as a label value. It may be absent.
func (f *Finder) label(l *LUN, file string, skip func(error)) string {
	b, err := f.sys.Text(class, l.HCTL, "device", file)
	if err != nil {
		if !absent(err) {
			f.tell(l, err, skip)
		}
		return ""
	}
	return f.word(scsihost.Label(b))
}

// number returns an attribute of a device that is a number and may be absent.
func (f *Finder) number(l *LUN, file string, skip func(error)) (uint64, bool) {
	b, err := f.sys.Text(class, l.HCTL, "device", file)
	if err != nil {
		if !absent(err) {
			f.tell(l, err, skip)
		}
		return 0, false
	}
	v, ok := scan.Uint(b)
	if !ok {
		f.tell(l, f.sys.At(host.Bad(1, "an unsigned number", b)), skip)
	}
	return v, ok
}

// maxWords bounds the table of words, which is never searched for those that
// are no longer needed.
const maxWords = 1 << 16

// word returns a string that is shared with all devices that have it too: an
// array has the same to say of thousands of them.
func (f *Finder) word(s string) string {
	if w, ok := f.words[s]; ok {
		return w
	}
	if len(f.words) >= maxWords {
		clear(f.words)
	}
	s = strings.Clone(s)
	f.words[s] = s
	return s
}

// typeName returns the label value for a peripheral device type.
func typeName(code uint64) string {
	switch code {
	case 0:
		return "disk"
	case 1:
		return "tape"
	case 3:
		return "processor"
	case 4:
		return "worm"
	case 5:
		return "cdrom"
	case 7:
		return "optical"
	case 8:
		return "changer"
	case 12:
		return "raid_controller"
	case 13:
		return "enclosure"
	case 14:
		return "simplified_disk"
	case 17:
		return "object_storage"
	case 20:
		return "zoned_disk"
	case 30:
		return "well_known_lun"
	}
	return "unknown"
}
