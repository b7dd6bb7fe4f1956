package storage

import (
	"bytes"
	"context"
	"strconv"

	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/scan"
)

// nfsMounts has the labels of NFS mounts, and remembers them from scrape to
// scrape.
type nfsMounts struct {
	proc *host.Reader
	info []byte // of mountinfo, what follows the last mount that was found

	known       map[string]*nfsMount // by key
	fileSystems map[nfsFileSystem]int
	labels      map[string]string // short words
	numbers     []string
	key         []byte // of the current mount
	device      []byte // copy of the first line of the current mount
	run         int
	live        int // mounts in the current run
}

// An nfsMount is a mount with its labels.
type nfsMount struct {
	nfsFileSystem
	point string
	run   int // the last run that had it
}

// An nfsFileSystem has the labels that mounts can share.
type nfsFileSystem struct{ export, address, protocol string }

func newNFSMounts(proc *host.Reader) nfsMounts {
	return nfsMounts{proc: proc, known: map[string]*nfsMount{}, fileSystems: map[nfsFileSystem]int{}, labels: map[string]string{}}
}

// begin reads mountinfo.
func (m *nfsMounts) begin(ctx context.Context) (err error) {
	m.proc.BeginRun(ctx)
	m.run++
	m.live = 0
	m.info, err = m.proc.Read("self/mountinfo")
	return err
}

// end forgets mounts that are gone.
func (m *nfsMounts) end() {
	if m.live == len(m.known) {
		return
	}
	for key, mount := range m.known {
		if mount.run != m.run {
			delete(m.known, key)
		}
	}
	for fs, run := range m.fileSystems {
		if run != m.run {
			delete(m.fileSystems, fs)
		}
	}
}

// setDevice keeps the first line of a mount, which the next line replaces.
func (m *nfsMounts) setDevice(d *nfsDevice) {
	m.device = append(append(append(append(m.device[:0], d.export...), d.point...), d.fsType...), d.version...)
	rest := m.device
	for _, part := range []*[]byte{&d.export, &d.point, &d.fsType, &d.version} {
		n := len(*part)
		*part, rest = rest[:n:n], rest[n:]
	}
}

// find returns the mount of a device line and the protocol of its first
// transport. It reports whether the current run did not have it before.
func (m *nfsMounts) find(d *nfsDevice, protocol []byte) (mount *nfsMount, isNew bool, err error) {
	address, ok := m.address(d)
	if !ok {
		return nil, false, m.proc.At(host.Bad(1, "a line for each NFS mount of mountstats", d.point))
	}
	m.key = append(m.key[:0], d.export...)
	for _, part := range [][]byte{d.point, address, protocol} {
		m.key = append(append(m.key, ' '), part...) // which none of them has
	}
	mount = m.known[string(m.key)]
	if mount == nil {
		mount = &nfsMount{nfsFileSystem: nfsFileSystem{string(d.export), string(address), string(protocol)}, point: string(d.point)}
		m.known[string(m.key)] = mount
	}
	if mount.run == m.run {
		return mount, false, nil
	}
	mount.run = m.run
	m.live++
	return mount, true, nil
}

// takeFileSystem reports whether no other mount of the current run had the same
// labels.
func (m *nfsMounts) takeFileSystem(mount *nfsMount) bool {
	if m.fileSystems[mount.nfsFileSystem] == m.run {
		return false
	}
	m.fileSystems[mount.nfsFileSystem] = m.run
	return true
}

// address returns the address of the server, from the options of the file system
// in mountinfo:
//
//	296 27 0:50 / /mnt rw,relatime shared:145 - nfs4 server:/export rw,vers=4.2,addr=192.0.2.1
//
// Both files have the mounts in the same order, but those that came or went
// between the two reads.
func (m *nfsMounts) address(d *nfsDevice) (address []byte, ok bool) {
	for rest := m.info; len(rest) > 0; {
		var line []byte
		line, rest = scan.Line(rest)
		l, err := parseMountInfo(line)
		if err == nil && bytes.Equal(l.point, d.point) && bytes.Equal(l.fsType, d.fsType) && bytes.Equal(l.device, d.export) {
			m.info = rest
			return mountOption(l.fsOptions, "addr="), true
		}
	}
	return nil, false
}

// mountOption returns the value of an option, or nil.
func mountOption(options []byte, name string) []byte {
	for len(options) > 0 {
		var option []byte
		option, options, _ = bytes.Cut(options, []byte(","))
		if value, ok := bytes.CutPrefix(option, []byte(name)); ok {
			return value
		}
	}
	return nil
}

// label returns a short word as a label.
func (m *nfsMounts) label(word []byte) string {
	label, ok := m.labels[string(word)]
	if !ok {
		label = string(word)
		m.labels[label] = label
	}
	return label
}

// number returns a number as a label.
func (m *nfsMounts) number(n int) string {
	for len(m.numbers) <= n {
		m.numbers = append(m.numbers, strconv.Itoa(len(m.numbers)))
	}
	return m.numbers[n]
}
