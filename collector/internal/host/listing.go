package host

import (
	"bytes"
	"encoding/binary"
	"slices"
)

// A Listing is the content of a folder when it was last listed. It belongs to
// one folder; the zero value is a folder that was never listed.
type Listing struct {
	Entries []DirEntry // in natural order of their names

	kernelOrder []DirEntry // the same in the kernel's order, for comparison
	valid       bool
}

// A DirEntry is one name in a folder. The inode number identifies the file: the
// kernel assigns a new one to every file that it creates in sysfs, even if a
// file of that name existed before.
type DirEntry struct {
	Name  string
	Inode uint64
}

// List lists a folder into l, and reports whether a file was added, removed or
// replaced since the last time. Listing an unchanged folder does not allocate.
// An error empties the listing, which is a change of one that was not empty.
func (r *Reader) List(l *Listing, elem ...string) (changed bool, err error) {
	n := 0
	err = r.entries(elem, func(inode uint64, name []byte) {
		if n >= len(l.kernelOrder) || l.kernelOrder[n].Inode != inode || l.kernelOrder[n].Name != string(name) {
			l.kernelOrder = append(l.kernelOrder[:n], DirEntry{string(name), inode})
			changed = true
		}
		n++
	})
	if err != nil {
		changed = len(l.Entries) > 0
		*l = Listing{}
		return changed, err
	}
	if changed || n < len(l.kernelOrder) || !l.valid {
		l.kernelOrder = l.kernelOrder[:n]
		l.Entries = slices.Clone(l.kernelOrder)
		slices.SortFunc(l.Entries, func(a, b DirEntry) int { return CompareNatural(a.Name, b.Name) })
		l.valid = true
		return true, nil
	}
	return false, nil
}

// EachName calls fn for each name in a folder, in the order of the kernel: for
// folders whose names change all the time, such as /proc, without an allocation
// for each. A name is valid during the call only, and fn must not use the reader.
func (r *Reader) EachName(fn func(name []byte), elem ...string) error {
	return r.entries(elem, func(_ uint64, name []byte) { fn(name) })
}

// eachDirent calls fn for each struct linux_dirent64 in b, but for the folder itself
// and its parent. See getdents(2).
func eachDirent(b []byte, fn func(inode uint64, name []byte)) {
	for len(b) > 19 {
		size := int(binary.NativeEndian.Uint16(b[16:]))
		if size < 19 || size > len(b) {
			return
		}
		inode, name := binary.NativeEndian.Uint64(b), direntName(b[19:size])
		b = b[size:]
		if string(name) != "." && string(name) != ".." {
			fn(inode, name)
		}
	}
}

// direntName returns the name in the tail of a struct linux_dirent64: the bytes
// after the first NUL are uninitialized padding.
func direntName(b []byte) []byte {
	if i := bytes.IndexByte(b, 0); i >= 0 {
		return b[:i]
	}
	return b
}
