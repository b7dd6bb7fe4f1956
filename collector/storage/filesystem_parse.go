package storage

import (
	"bytes"
	"errors"

	"github.com/hostexporter/host_exporter/collector/internal/scan"
)

// A mountLine is a line of a mount table, with its escapes.
type mountLine struct {
	id, parent     int
	major, minor   []byte
	point          []byte
	fsType, device []byte
	fsOptions      []byte // of the file system; only mountinfo has them
	readOnly       bool
	isForced       bool // the file system is read-only and the mount is not; only mountinfo has both
}

var (
	errMountInfo = errors.New("ID, parent, major:minor, root, mount point, options, a hyphen, type, source and options of a mount")
	errMounts    = errors.New("source, mount point, type and options of a mount")
)

// parseMountInfo parses a line of mountinfo:
//
//	36 35 98:0 /root /mnt/x rw,noatime master:1 - ext3 /dev/sdb1 rw,errors=continue
//
// Before the hyphen there may be any number of optional fields. Fields are
// separated by exactly one space, because the source may be empty. See section
// 3.5 of https://docs.kernel.org/filesystems/proc.html.
func parseMountInfo(line []byte) (l mountLine, err error) {
	id, rest := nextMountField(line)
	parent, rest := nextMountField(rest)
	device, rest := nextMountField(rest)
	_, rest = nextMountField(rest) // the mounted directory of the file system
	point, rest := nextMountField(rest)
	options, rest := nextMountField(rest)
	for optional := []byte(nil); string(optional) != "-"; {
		if len(rest) == 0 {
			return l, errMountInfo
		}
		optional, rest = nextMountField(rest)
	}
	l.fsType, rest = nextMountField(rest)
	l.device, l.fsOptions = nextMountField(rest)
	l.point = point
	var ok bool
	l.major, l.minor, ok = bytes.Cut(device, []byte(":"))
	idNumber, ok1 := scan.Uint(id)
	parentNumber, ok2 := scan.Uint(parent)
	_, ok3 := scan.Uint(l.major)
	_, ok4 := scan.Uint(l.minor)
	if !ok || !ok1 || !ok2 || !ok3 || !ok4 || len(point) == 0 || point[0] != '/' || len(l.fsType) == 0 {
		return mountLine{}, errMountInfo
	}
	l.id, l.parent = int(idNumber), int(parentNumber)
	l.readOnly = hasOption(options, "ro") || hasOption(l.fsOptions, "ro")
	l.isForced = l.readOnly && !hasOption(options, "ro")
	return l, nil
}

// parseMounts parses a line of mounts, in the format of fstab(5):
//
//	/dev/sdb1 /mnt/x ext3 rw,noatime,errors=continue 0 0
func parseMounts(line []byte) (l mountLine, err error) {
	var options []byte
	l.device, line = nextMountField(line)
	l.point, line = nextMountField(line)
	l.fsType, line = nextMountField(line)
	options, _ = nextMountField(line)
	if len(l.point) == 0 || l.point[0] != '/' || len(l.fsType) == 0 || len(options) == 0 {
		return mountLine{}, errMounts
	}
	l.readOnly = hasOption(options, "ro")
	return l, nil
}

func nextMountField(b []byte) (field, rest []byte) {
	if i := bytes.IndexByte(b, ' '); i >= 0 {
		return b[:i], b[i+1:]
	}
	return b, nil
}

// hasOption reports whether an option is in a comma-separated list.
func hasOption(list []byte, option string) bool {
	for {
		end := bytes.IndexByte(list, ',')
		if end < 0 {
			return string(list) == option
		}
		if string(list[:end]) == option {
			return true
		}
		list = list[end+1:]
	}
}

// unescapeMount decodes the octal escapes of a mount point, such as \040 for a
// space and \011 for a tab.
func unescapeMount(b []byte) string {
	path, _ := scan.UnescapeOctal(b)
	return path
}
