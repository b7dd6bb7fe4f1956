package host

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"sync"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A NetlinkRequest is the request for one dump.
type NetlinkRequest struct {
	Protocol int    // such as unix.NETLINK_ROUTE
	Type     uint16 // such as unix.RTM_GETLINK; the family of generic netlink
	Body     []byte // the request after its nlmsghdr
	// Since allows an answer to the same request that was requested after this
	// time; zero: none.
	Since time.Time
}

// ErrDumpInterrupted means that a dump is complete, but that the listed objects
// changed meanwhile: one may be missing or listed twice.
var ErrDumpInterrupted = errors.New("netlink: the dump was interrupted by a change")

const (
	// netlinkBuffer is the maximum size of a datagram of a dump.
	netlinkBuffer = 32 << 10
	// netlinkTimeout bounds the wait for a datagram. The kernel answers before
	// send returns, so that only a sandbox that drops answers makes it pass.
	netlinkTimeout  = 4 * time.Second
	netlinkSequence = 1
)

// liveNetlink returns Host.Netlink. The function opens a socket for one dump:
// no state becomes stale, and nothing is in Go's poller. Only buffers are
// reused, and the last answer that may be shared is kept. See netlink(7).
func liveNetlink() func(NetlinkRequest, func([]byte) error) error {
	buffers := sync.Pool{New: func() any { b := make([]byte, netlinkBuffer); return &b }}
	request := func(req NetlinkRequest, each func(data []byte) error) error {
		buf := buffers.Get().(*[]byte)
		defer buffers.Put(buf)
		return dump(req, buf, each)
	}
	shared := &sharedDump{request: request}
	return func(req NetlinkRequest, each func(data []byte) error) error {
		if req.Since.IsZero() {
			return request(req, each)
		}
		return shared.dump(req, each)
	}
}

// A sharedDump is the last answer to a request that allowed to share it.
type sharedDump struct {
	request func(NetlinkRequest, func([]byte) error) error
	answer  lastAnswer
	key     NetlinkRequest // of the answer; guarded by its lock
}

// dump calls each for the messages of an answer that may be that to an earlier
// request. They are kept with their lengths before them.
func (s *sharedDump) dump(req NetlinkRequest, each func(data []byte) error) error {
	isCurrent := func() bool {
		return s.key.Protocol == req.Protocol && s.key.Type == req.Type && bytes.Equal(s.key.Body, req.Body)
	}
	a := s.answer.take(req.Since, isCurrent, func(messages []byte) ([]byte, error) {
		s.key = req
		err := s.request(req, func(data []byte) error {
			messages = append(binary.NativeEndian.AppendUint32(messages, uint32(len(data))), data...)
			return nil
		})
		return messages, err
	})
	defer a.put()
	for rest := a.data; len(rest) > 0; {
		size := binary.NativeEndian.Uint32(rest)
		if err := each(rest[4 : 4+size]); err != nil {
			return err
		}
		rest = rest[4+size:]
	}
	return a.err
}

func dump(req NetlinkRequest, buf *[]byte, each func(data []byte) error) error {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, req.Protocol)
	if err != nil {
		return os.NewSyscallError("netlink socket", err)
	}
	defer closeFD(fd)
	timeout := unix.NsecToTimeval(int64(netlinkTimeout))
	if err := unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &timeout); err != nil {
		return os.NewSyscallError("netlink setsockopt", err)
	}
	// A netlink socket that is not connected sends to the kernel.
	if _, err := unix.Write(fd, appendRequest((*buf)[:0], req)); err != nil {
		return os.NewSyscallError("netlink send", err)
	}
	interrupted := false
	for {
		n, errno := receive(fd, *buf)
		if errno != 0 {
			return os.NewSyscallError("netlink receive", errno)
		}
		if n > len(*buf) {
			*buf = make([]byte, n) // for the next dump
			return fmt.Errorf("netlink: want a datagram of at most %d bytes, have %d", netlinkBuffer, n)
		}
		done, err := eachMessage((*buf)[:n], &interrupted, each)
		if err != nil {
			return err
		}
		if done && interrupted {
			return ErrDumpInterrupted
		}
		if done {
			return nil
		}
	}
}

func appendRequest(b []byte, req NetlinkRequest) []byte {
	order := binary.NativeEndian
	b = order.AppendUint32(b, uint32(unix.SizeofNlMsghdr+len(req.Body)))
	b = order.AppendUint16(b, req.Type)
	b = order.AppendUint16(b, unix.NLM_F_REQUEST|unix.NLM_F_DUMP)
	b = order.AppendUint32(b, netlinkSequence)
	b = order.AppendUint32(b, 0) // the port of the sender, which the kernel sets
	return append(b, req.Body...)
}

// receive reads one datagram, and returns its length even if that is more than
// the length of the buffer (MSG_TRUNC).
func receive(fd int, b []byte) (int, syscall.Errno) {
	for {
		n, _, errno := syscall.Syscall6(unix.SYS_RECVFROM, uintptr(fd), uintptr(unsafe.Pointer(&b[0])), uintptr(len(b)), unix.MSG_TRUNC, 0, 0)
		if errno != syscall.EINTR {
			return int(n), errno
		}
	}
}

// eachMessage calls each for the messages of one datagram, and reports whether
// the dump is complete.
func eachMessage(b []byte, interrupted *bool, each func(data []byte) error) (done bool, err error) {
	for len(b) >= unix.SizeofNlMsghdr {
		size := int(binary.NativeEndian.Uint32(b))
		if size < unix.SizeofNlMsghdr || size > len(b) {
			return true, fmt.Errorf("netlink: want a message within %d bytes, have one of %d", len(b), size)
		}
		typ, flags := binary.NativeEndian.Uint16(b[4:]), binary.NativeEndian.Uint16(b[6:])
		sequence, data := binary.NativeEndian.Uint32(b[8:]), b[unix.SizeofNlMsghdr:size]
		b = b[min((size+3)&^3, len(b)):]
		if sequence != netlinkSequence {
			continue // not an answer to the request
		}
		if flags&unix.NLM_F_DUMP_INTR != 0 {
			*interrupted = true
		}
		switch typ {
		case unix.NLMSG_DONE, unix.NLMSG_ERROR:
			return true, dumpError(data)
		case unix.NLMSG_OVERRUN:
			return true, os.NewSyscallError("netlink dump", syscall.ENOBUFS)
		case unix.NLMSG_NOOP:
		default:
			if err := each(data); err != nil {
				return true, err
			}
		}
	}
	return false, nil
}

// dumpError returns the error in the last message of a dump: both NLMSG_ERROR
// and NLMSG_DONE have a negative errno.
func dumpError(data []byte) error {
	if len(data) < 4 {
		return nil
	}
	if code := int32(binary.NativeEndian.Uint32(data)); code < 0 {
		return os.NewSyscallError("netlink dump", syscall.Errno(-code))
	}
	return nil
}
