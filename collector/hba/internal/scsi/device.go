package scsi

import (
	"strings"
	"time"

	"github.com/hostexporter/host_exporter/collector/hba/internal/attr"
	"github.com/hostexporter/host_exporter/collector/internal/dm"
	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/scsicount"
)

// class lists the devices by their address, such as 3:0:1:7: host, channel,
// target, and a LUN of up to 64 bits.
const class = "class/scsi_device"

// A device is one SCSI device. What it is stays; its values are those of the
// last refresh.
type device struct {
	hctl      string // 3:0:1:7
	host      string // host3
	rport     string // the remote port (Fibre Channel) that it is behind, such as rport-3:0-2
	session   string // or the iSCSI session, such as session1
	endDevice string // or the SAS device, such as end_device-5:0
	sasPort   string // and the port of the adapter that leads to it, such as port-5:0

	vendor, model, revision string
	wwid                    string // naa.6001405...; empty when the device has none
	kind                    string // disk, tape, ...
	isManagement            bool   // and no storage: see isManagement
	name                    string // sdab, st0; empty when no driver is bound to it

	multipath   *dm.Multipath // that it is a path of
	unhealthyAt time.Time     // when it last was; zero: never

	state     state
	access    access
	errors    scsicount.Counter // commands that ended with an error
	timeouts  scsicount.Counter
	requests  scsicount.Counter
	done      scsicount.Counter
	newErrors bool // whether errors or timeouts grew in the last refresh

	settings settings

	inode       uint64
	described   bool
	describedIn uint64 // round of the last attempt
	located     bool
	noHandler   bool   // there is no access state
	mask        uint64 // of counters
	steady      [2]scsicount.Steady
}

// A finder finds SCSI devices again and again, and remembers what they are as
// long as they are the same devices.
type finder struct {
	listing host.Listing
	listed  bool // whether the last find could list the devices
	devices []*device
	byHCTL  map[string]*device
	byName  map[string]*device
	names   [len(nameClasses)]names
	luns    lunCounts
	stale   bool // whether to give the names again, even if nothing has changed
	words   map[string]string

	generation uint64 // of the devices, their names and identifiers
}

func newFinder() finder {
	return finder{byHCTL: map[string]*device{}, byName: map[string]*device{}, words: map[string]string{}}
}

// find lists the devices in the order of their addresses. Only their addresses
// and names are known then: see describe and refresh.
func (f *finder) find(a attr.Reader) {
	changed, err := a.Sys.List(&f.listing, class)
	f.listed = host.ReportUnlessGone(err, a.Out.Error)
	if changed {
		f.match()
		f.luns.stale = true
	}
	f.giveNames(a, changed)
}

// blockDevices returns what the last find listed in /sys/block.
func (f *finder) blockDevices() []host.DirEntry { return f.names[0].listing.Entries }

// match keeps the devices that are still the same.
func (f *finder) match() {
	old := f.byHCTL
	f.byHCTL = make(map[string]*device, len(f.listing.Entries))
	f.devices = make([]*device, 0, len(f.listing.Entries))
	for _, e := range f.listing.Entries {
		number, ok := hostNumber(e.Name)
		if !ok {
			continue
		}
		l := old[e.Name]
		if l == nil || l.inode != e.Inode {
			l = &device{hctl: e.Name, host: f.word("host" + number), inode: e.Inode}
		}
		f.devices = append(f.devices, l)
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

// describe reads what a device is and where it is, once for as long as it stays,
// or again until all of that could be read.
func (f *finder) describe(a attr.Reader, l *device, round uint64) {
	if l.described {
		return
	}
	l.describedIn = round
	f.generation++
	errorCount := a.ErrorCount()
	label := func(file string) string { return f.word(a.Label(class, l.hctl, "device", file)) }
	f.locate(a, l)
	l.vendor, l.model, l.revision = label("vendor"), label("model"), label("rev")
	l.wwid = f.word(a.WWID(l.wwid, class, l.hctl, "device/wwid"))
	l.kind = "unknown"
	if code, ok := a.Uint(class, l.hctl, "device/type"); ok {
		l.kind = kindName(code)
	}
	l.isManagement = isManagement(l.kind, l.model, l.hctl)
	l.mask = scsicount.DefaultMask
	if mask, ok := attr.Parsed(a, "a number of bits", scsicount.ParseMask, class, l.hctl, "device/iocounterbits"); ok {
		l.mask = mask
	}
	l.giveGenericName(a)
	l.described = a.ErrorCount() == errorCount
}

// locate finds out where a device is, once for as long as it stays: for those
// that are not described.
func (f *finder) locate(a attr.Reader, l *device) {
	if l.located {
		return
	}
	link, err := a.Sys.Link(class, l.hctl)
	if err != nil && !absent(err) { // EINVAL: it is no link
		a.Out.Error(err)
		return
	}
	f.place(l, link)
	l.located = true
}

// place parses the device's place in the device tree, such as
//
//	../../devices/pci0000:3a/0000:3b:00.1/host3/rport-3:0-2/target3:0:1/3:0:1:7/scsi_device/3:0:1:7
func (f *finder) place(l *device, link string) {
	for part := range strings.SplitSeq(link, "/") {
		switch {
		case strings.HasPrefix(part, "rport-"):
			l.rport = f.word(part)
		case strings.HasPrefix(part, "session") && isNumber(part[len("session"):]):
			l.session = f.word(part)
		case strings.HasPrefix(part, "end_device-"):
			l.endDevice = f.word(part)
		case strings.HasPrefix(part, "port-") && l.sasPort == "": // further ones are those of expanders
			l.sasPort = f.word(part)
		}
	}
}

// maxWords bounds the table of words, which keeps words that are no longer
// needed.
const maxWords = 1 << 16

// word returns a string that all devices with it share: the thousands of devices
// of an array have the same vendor and model.
func (f *finder) word(s string) string {
	if w, ok := f.words[s]; ok {
		return w
	}
	return f.addWord(strings.Clone(s))
}

// wordOf is word for text of a reader. It does not allocate for a known word.
func (f *finder) wordOf(b []byte) string {
	if w, ok := f.words[string(b)]; ok {
		return w
	}
	return f.addWord(string(b))
}

func (f *finder) addWord(s string) string {
	if len(f.words) >= maxWords {
		clear(f.words)
	}
	f.words[s] = s
	return s
}

// kindName returns the label value of a peripheral device type.
func kindName(code uint64) string {
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
