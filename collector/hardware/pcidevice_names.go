package hardware

import (
	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
	"github.com/hostexporter/host_exporter/collector/internal/scan"
)

// pciIDsFiles returns where distributions have the file pci.ids.
func pciIDsFiles() []string {
	return []string{"/usr/share/misc/pci.ids", "/usr/share/hwdata/pci.ids"}
}

// pciNames are the names of a device. A name that pci.ids does not have is
// empty.
type pciNames struct{ class, vendor, device, subsystemVendor, subsystemDevice string }

// pciIDs finds the names of devices in a file pci.ids, which has 1.4 MB: it is
// read when it or the devices have changed, and only the names of devices that
// are there are kept. See https://pci-ids.ucw.cz/.
type pciIDs struct {
	tree  host.Tree
	stat  *host.Reader
	files []string // of which the first that exists is read
	isOwn bool     // whether the file is that of the option

	loaded pciIDsVersion
	err    error // of the content of the loaded version
}

// A pciIDsVersion identifies the content of a file.
type pciIDsVersion struct {
	path           string
	inode          uint64
	size           int64
	seconds, nanos int64 // of the last change
}

func newPCIIDs(h *host.Host, file string) *pciIDs {
	p := &pciIDs{tree: h.Root, files: pciIDsFiles()}
	if file != "" {
		p.tree, p.files, p.isOwn = h.Files, []string{file}, true
	}
	p.stat = p.tree.Reader()
	return p
}

// update sets the names of devices, if the file or the devices have changed.
func (p *pciIDs) update(devices []*pciDevice, changed bool, out *metric.Sink) {
	version, err := p.find()
	if err != nil {
		p.loaded = pciIDsVersion{}
		if p.isOwn || !host.Gone(err) { // a host need not have a file
			out.Error(err)
		}
		return
	}
	if changed || version != p.loaded {
		if err := p.load(version, devices); err != nil {
			p.loaded = pciIDsVersion{} // new devices lack their names
			out.Error(err)
			return
		}
	}
	if p.err != nil {
		out.Error(p.err)
	}
}

// load sets the names of devices from a file. It returns an error if the file
// cannot be read.
func (p *pciIDs) load(version pciIDsVersion, devices []*pciDevice) error {
	names := newPCINameTable(devices)
	hasLine := false
	r := p.tree.Reader() // whose buffer is not kept
	err := r.Lines(func(line []byte) error {
		hasLine = true
		names.read(line)
		return nil
	}, version.path)
	if err != nil {
		return err
	}
	p.loaded, p.err = version, nil
	if hasLine && names.found == 0 {
		p.err = r.At(host.Bad(1, "names of PCI vendors or classes", nil))
	}
	for _, d := range devices {
		d.names = names.of(d)
	}
	return nil
}

// find returns the version of the first file that exists.
func (p *pciIDs) find() (v pciIDsVersion, err error) {
	for _, file := range p.files {
		if v, err = p.version(file); !host.Gone(err) {
			break
		}
	}
	return v, err
}

func (p *pciIDs) version(file string) (v pciIDsVersion, err error) {
	v.path = file
	if !p.isOwn { // of which a link leads below the root of the host
		if v.path, err = p.stat.Resolve(file); err != nil {
			return v, err
		}
	}
	st, err := p.stat.Stat(v.path)
	v.inode, v.size = st.Ino, st.Size
	v.seconds, v.nanos = st.Mtim.Unix()
	return v, err
}

// A pciNameTable has the names of what the devices of a host are.
type pciNameTable struct {
	names map[pciName]string // of those wanted; empty until it is found
	found int                // vendors and classes in the file, wanted or not
	path  pciName            // what the lines before are about
}

// A pciName is a vendor, a device of it, and a subsystem of that; or a class, a
// subclass, and a programming interface.
type pciName struct {
	isClass bool
	depth   int
	ids     [4]uint64
}

// newPCINameTable returns a table that wants the names of devices.
func newPCINameTable(devices []*pciDevice) *pciNameTable {
	t := &pciNameTable{names: map[pciName]string{}}
	for _, d := range devices {
		for _, name := range pciNamesOf(d) {
			t.names[name] = ""
		}
	}
	return t
}

// pciNamesOf returns the names that a device has: class, subclass, vendor,
// device, vendor of the subsystem, and subsystem.
func pciNamesOf(d *pciDevice) [6]pciName {
	class, subclass := d.ids[pciClass]>>16, d.ids[pciClass]>>8&0xff
	vendor, device := d.ids[pciVendor], d.ids[pciDeviceID]
	subVendor, subDevice := d.ids[pciSubsystemVendor], d.ids[pciSubsystemDevice]
	return [6]pciName{
		{isClass: true, depth: 1, ids: [4]uint64{class}},
		{isClass: true, depth: 2, ids: [4]uint64{class, subclass}},
		{depth: 1, ids: [4]uint64{vendor}},
		{depth: 2, ids: [4]uint64{vendor, device}},
		{depth: 1, ids: [4]uint64{subVendor}},
		{depth: 3, ids: [4]uint64{vendor, device, subVendor, subDevice}},
	}
}

// of returns the names of a device. The class is that of the subclass, as lspci
// has it.
func (t *pciNameTable) of(d *pciDevice) pciNames {
	if !d.known {
		return pciNames{}
	}
	n := pciNamesOf(d)
	name := func(i int, id int) string {
		isNone := id == pciSubsystemVendor && d.ids[id] == 0
		if d.labels[id] == "" || isNone {
			return ""
		}
		return t.names[n[i]]
	}
	class := name(1, pciClass)
	if class == "" {
		class = name(0, pciClass)
	}
	return pciNames{
		class: class, vendor: name(2, pciVendor), device: name(3, pciDeviceID),
		subsystemVendor: name(4, pciSubsystemVendor), subsystemDevice: name(5, pciSubsystemDevice),
	}
}

// read reads a line. Its depth is the number of tabs in front of it:
//
//	8086  Intel Corporation
//		1533  I210 Gigabit Network Connection
//			1028 0bb7  PowerEdge T350
//	C 06  Bridge
//		04  PCI bridge
func (t *pciNameTable) read(line []byte) {
	depth := 1
	for len(line) > 0 && line[0] == '\t' {
		depth, line = depth+1, line[1:]
	}
	if len(line) == 0 || line[0] == '#' {
		return
	}
	if depth == 1 {
		t.path = pciName{}
		if t.path.isClass = line[0] == 'C'; t.path.isClass {
			line = line[1:]
		}
	} else if depth > t.path.depth+1 {
		return // below a line that is not known
	}
	t.path.depth = depth - 1
	count := 1
	if depth == 3 && !t.path.isClass {
		count = 2 // vendor and device of a subsystem
	}
	for i := range count {
		var field []byte
		var ok bool
		field, line = scan.Field(line)
		if t.path.ids[depth-1+i], ok = scan.Hex(field); !ok || depth > 3 {
			return
		}
	}
	t.path.depth = depth
	clear(t.path.ids[depth-1+count:])
	if depth == 1 {
		t.found++
	}
	if _, wanted := t.names[t.path]; wanted {
		t.names[t.path] = string(scan.Trim(line))
	}
}
