package host

import (
	"bytes"
	"encoding/binary"
	"os"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A Btrfs is a mounted btrfs file system.
type Btrfs struct {
	ID      UUID
	Devices []BtrfsDevice
}

// A BtrfsDevice is a device of a btrfs file system. One that is missing has no
// path.
type BtrfsDevice struct {
	ID         uint64 // from 1 in the order of addition, with gaps; 0 while it replaces another device
	UUID       UUID
	Path       string
	TotalBytes uint64 // size that the file system may use
	UsedBytes  uint64 // allocated to chunks of data or metadata
	HasErrors  bool   // Errors was requested and is known
	Errors     BtrfsErrors
}

// BtrfsErrors are the error counters of a device since their last reset: write,
// read, flush, corruption and generation errors.
type BtrfsErrors [5]uint64

// A UUID is a UUID in binary.
type UUID [16]byte

// String returns the UUID as in /dev/disk/by-uuid.
func (u UUID) String() string {
	const digits = "0123456789abcdef"
	var b [36]byte
	n := 0
	for i, c := range u {
		if i == 4 || i == 6 || i == 8 || i == 10 {
			b[n] = '-'
			n++
		}
		b[n], b[n+1] = digits[c>>4], digits[c&15]
		n += 2
	}
	return string(b[:])
}

// Sizes of the structs of linux/btrfs.h, and offsets of their fields.
const (
	btrfsFSInfoSize   = 1024 // max_id, num_devices, fsid at 16
	btrfsDevInfoSize  = 4096 // devid, uuid at 8, bytes_used, total_bytes, path at 3072
	btrfsDevStatsSize = 1032 // devid, nr_items, flags, values at 24

	btrfsPathOffset = 3072
)

// liveBtrfs opens a mount point of a btrfs file system for three ioctls, which
// need no privilege and do not write. They wait for locks that the file system
// holds while it writes to its devices, so liveBtrfs hangs when a device hangs.
// See linux/btrfs.h.
func liveBtrfs(mountPoint string, withErrors bool) (Btrfs, error) {
	fd, err := openFolder(mountPoint)
	if err != nil {
		return Btrfs{}, &os.PathError{Op: "open", Path: mountPoint, Err: err}
	}
	defer closeFD(fd)
	fs, err := btrfsInfo(fd, withErrors)
	if err != nil {
		return Btrfs{}, &os.PathError{Op: "btrfs ioctl", Path: mountPoint, Err: err}
	}
	return fs, nil
}

func openFolder(path string) (int, error) {
	for {
		fd, err := unix.Open(path, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
		if err != unix.EINTR {
			return fd, err
		}
	}
}

// maxBtrfsDevices is the maximum number of device IDs to try: removed devices
// leave gaps.
const maxBtrfsDevices = 1 << 16

func btrfsInfo(fd int, withErrors bool) (fs Btrfs, err error) {
	var info [btrfsFSInfoSize]byte
	if err := ioctl(fd, btrfsRequest(ioctlRead, 31, len(info)), &info[0]); err != nil {
		return fs, err
	}
	last := min(binary.NativeEndian.Uint64(info[0:]), maxBtrfsDevices)
	count := binary.NativeEndian.Uint64(info[8:])
	copy(fs.ID[:], info[16:])
	var dev [btrfsDevInfoSize]byte
	for id := uint64(0); id <= last && uint64(len(fs.Devices)) < count; id++ {
		clear(dev[:])
		binary.NativeEndian.PutUint64(dev[0:], id)
		switch err := ioctl(fd, btrfsRequest(ioctlRead|ioctlWrite, 30, len(dev)), &dev[0]); err {
		case nil:
		case unix.ENODEV:
			continue // there is no device with that ID
		default:
			return fs, err
		}
		d := BtrfsDevice{
			ID:         id,
			UsedBytes:  binary.NativeEndian.Uint64(dev[24:]),
			TotalBytes: binary.NativeEndian.Uint64(dev[32:]),
		}
		copy(d.UUID[:], dev[8:])
		path, _, _ := bytes.Cut(dev[btrfsPathOffset:], []byte{0})
		d.Path = string(path)
		if withErrors {
			var err error
			d.Errors, err = btrfsErrors(fd, id)
			d.HasErrors = err == nil // they fail until the counters are read from disk
		}
		fs.Devices = append(fs.Devices, d)
	}
	return fs, nil
}

func btrfsErrors(fd int, id uint64) (errors BtrfsErrors, err error) {
	var stats [btrfsDevStatsSize]byte
	binary.NativeEndian.PutUint64(stats[0:], id)
	binary.NativeEndian.PutUint64(stats[8:], uint64(len(errors)))
	if err := ioctl(fd, btrfsRequest(ioctlRead|ioctlWrite, 52, len(stats)), &stats[0]); err != nil {
		return errors, err
	}
	for i := range errors {
		errors[i] = binary.NativeEndian.Uint64(stats[24+8*i:])
	}
	return errors, nil
}

// The direction bits of a request differ between architectures. They are taken
// from two requests with a known direction.
const (
	ioctlDirections = 3 << 30
	ioctlRead       = unix.FS_IOC_GETFLAGS & ioctlDirections
	ioctlWrite      = unix.FS_IOC_SETFLAGS & ioctlDirections
)

// btrfsRequest returns the request of a btrfs ioctl.
func btrfsRequest(direction uintptr, number, size int) uintptr {
	return ioctlRequest(direction, 0x94, number, size)
}

// ioctlRequest returns the request of an ioctl, as _IOC of linux/ioctl.h. Kind
// is the number of the driver.
func ioctlRequest(direction uintptr, kind, number, size int) uintptr {
	return direction | uintptr(size)<<16 | uintptr(kind)<<8 | uintptr(number)
}

func ioctl(fd int, request uintptr, arg *byte) error {
	for {
		_, _, errno := syscall.Syscall(unix.SYS_IOCTL, uintptr(fd), request, uintptr(unsafe.Pointer(arg)))
		switch errno {
		case 0:
			return nil
		case syscall.EINTR:
		default:
			return errno
		}
	}
}
