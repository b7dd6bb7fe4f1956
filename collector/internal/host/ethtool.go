package host

import (
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// An Ethtool asks network devices by the ethtool ioctls, of which those that
// read need no privilege. It is not for concurrent use.
type Ethtool interface {
	// Ioctl makes one SIOCETHTOOL call for a device. The data is a struct of
	// linux/ethtool.h, which begins with the command; the answer replaces it. An
	// answer that is longer than the data is cut off. Ioctl may never return.
	Ioctl(device string, data []byte) error
	Close()
}

// A liveEthtool passes data through a buffer that ends at a page without access.
// The kernel writes as many names and statistics as a device has at that moment,
// whatever the size of the buffer, and a device may get more of them at any
// time: the page makes that an error, where it would overwrite other memory. See
// ethtool_get_strings and ethtool_get_stats in net/ethtool/ioctl.c.
type liveEthtool struct {
	fd     int
	memory []byte // with the page without access
	buffer []byte
	req    ifreq
}

// An ifreq is a struct ifreq whose union is a pointer.
type ifreq struct {
	name [unix.IFNAMSIZ]byte
	data unsafe.Pointer
	_    [24 - unsafe.Sizeof(uintptr(0))]byte
}

// ethtoolBuffer is the size of the buffer in bytes, enough for the names of
// 130,000 statistics. Only pages in use take memory.
const ethtoolBuffer = 4 << 20

func openEthtool() (Ethtool, error) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err == unix.EAFNOSUPPORT { // the family does not matter
		fd, err = unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_GENERIC)
	}
	if err != nil {
		return nil, os.NewSyscallError("ethtool socket", err)
	}
	memory, err := unix.Mmap(-1, 0, ethtoolBuffer+os.Getpagesize(), unix.PROT_NONE, unix.MAP_PRIVATE|unix.MAP_ANONYMOUS)
	if err != nil {
		closeFD(fd)
		return nil, os.NewSyscallError("ethtool mmap", err)
	}
	e := &liveEthtool{fd: fd, memory: memory, buffer: memory[:ethtoolBuffer]}
	if err := unix.Mprotect(e.buffer, unix.PROT_READ|unix.PROT_WRITE); err != nil {
		e.Close()
		return nil, os.NewSyscallError("ethtool mprotect", err)
	}
	return e, nil
}

func (e *liveEthtool) Close() {
	closeFD(e.fd)
	_ = unix.Munmap(e.memory)
}

func (e *liveEthtool) Ioctl(device string, data []byte) error {
	if len(device) >= unix.IFNAMSIZ {
		return unix.ENODEV
	}
	if len(data) > len(e.buffer) {
		return unix.EFAULT
	}
	copy(e.buffer, data)
	e.req = ifreq{data: unsafe.Pointer(&e.buffer[0])}
	copy(e.req.name[:], device)
	if err := ioctl(e.fd, unix.SIOCETHTOOL, (*byte)(unsafe.Pointer(&e.req))); err != nil {
		return err
	}
	copy(data, e.buffer)
	return nil
}
