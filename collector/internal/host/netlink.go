package host

import (
	"encoding/binary"
	"fmt"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// A NetlinkRequest asks for one dump.
type NetlinkRequest struct {
	Protocol int    // such as unix.NETLINK_ROUTE
	Type     uint16 // such as unix.RTM_GETLINK
	Body     []byte // the request after its nlmsghdr
}

// liveNetlink opens a socket for one dump and closes it again: no state to go
// stale, and nothing in Go's poller. See netlink(7).
func liveNetlink(req NetlinkRequest, each func(data []byte) error) error {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, req.Protocol)
	if err != nil {
		return os.NewSyscallError("netlink socket", err)
	}
	defer closeFD(fd)
	msg := make([]byte, unix.SizeofNlMsghdr, unix.SizeofNlMsghdr+len(req.Body))
	binary.NativeEndian.PutUint32(msg[0:], uint32(unix.SizeofNlMsghdr+len(req.Body)))
	binary.NativeEndian.PutUint16(msg[4:], req.Type)
	binary.NativeEndian.PutUint16(msg[6:], unix.NLM_F_REQUEST|unix.NLM_F_DUMP)
	binary.NativeEndian.PutUint32(msg[8:], 1)
	if err := unix.Sendto(fd, append(msg, req.Body...), 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		return os.NewSyscallError("netlink send", err)
	}
	buf := make([]byte, 32<<10) // the kernel fills at most this much per read
	for {
		n, errno := read(fd, buf)
		if errno != 0 {
			return os.NewSyscallError("netlink receive", errno)
		}
		done, err := eachMessage(buf[:n], each)
		if done || err != nil {
			return err
		}
	}
}

// eachMessage walks the messages of one datagram and reports whether the dump
// is complete.
func eachMessage(b []byte, each func(data []byte) error) (done bool, err error) {
	for len(b) >= unix.SizeofNlMsghdr {
		size := int(binary.NativeEndian.Uint32(b))
		if size < unix.SizeofNlMsghdr || size > len(b) {
			return true, fmt.Errorf("netlink: message of %d bytes in %d", size, len(b))
		}
		typ, data := binary.NativeEndian.Uint16(b[4:]), b[unix.SizeofNlMsghdr:size]
		switch typ {
		case unix.NLMSG_DONE:
			return true, nil
		case unix.NLMSG_ERROR:
			if len(data) >= 4 {
				if code := int32(binary.NativeEndian.Uint32(data)); code != 0 {
					return true, os.NewSyscallError("netlink dump", syscall.Errno(-code))
				}
			}
			return true, nil
		case unix.NLMSG_NOOP:
		default:
			if err := each(data); err != nil {
				return true, err
			}
		}
		b = b[min((size+3)&^3, len(b)):]
	}
	return false, nil
}
