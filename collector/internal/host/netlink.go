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
	netlinkTimeout = 4 * time.Second
	// maxNetlinkSockets is the maximum number of sockets that are kept open.
	maxNetlinkSockets = 2
)

// liveNetlink returns Host.Netlink. Nothing is in Go's poller. Buffers and
// sockets are reused, and the last answer that may be shared is kept. See
// netlink(7).
func liveNetlink() func(NetlinkRequest, func([]byte) error) error {
	buffers := sync.Pool{New: func() any { b := make([]byte, netlinkBuffer); return &b }}
	sockets := &netlinkSockets{}
	request := func(req NetlinkRequest, each func(data []byte) error) error {
		buf := buffers.Get().(*[]byte)
		defer buffers.Put(buf)
		return sockets.dump(req, buf, each)
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

// netlinkSockets are the sockets that have no dump in progress.
type netlinkSockets struct {
	mu   sync.Mutex
	idle []netlinkSocket
}

type netlinkSocket struct {
	fd, protocol int
	sequence     uint32 // of the last request
}

// dump requests one dump. A socket whose dump did not end is closed: what it
// still receives belongs to no other request.
func (s *netlinkSockets) dump(req NetlinkRequest, buf *[]byte, each func(data []byte) error) error {
	socket, err := s.take(req.Protocol)
	if err != nil {
		return err
	}
	ended := false
	defer func() {
		if ended {
			s.put(socket)
		} else {
			closeFD(socket.fd)
		}
	}()
	err = socket.dump(req, buf, each)
	ended = err == nil || err == ErrDumpInterrupted
	return err
}

func (s *netlinkSockets) take(protocol int) (netlinkSocket, error) {
	s.mu.Lock()
	for i, socket := range s.idle {
		if socket.protocol == protocol {
			s.idle = append(s.idle[:i], s.idle[i+1:]...)
			s.mu.Unlock()
			return socket, nil
		}
	}
	s.mu.Unlock()
	return openNetlink(protocol)
}

func (s *netlinkSockets) put(socket netlinkSocket) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.idle) == maxNetlinkSockets {
		closeFD(s.idle[0].fd)
		s.idle = append(s.idle[:0], s.idle[1:]...)
	}
	s.idle = append(s.idle, socket)
}

func openNetlink(protocol int) (netlinkSocket, error) {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, protocol)
	if err != nil {
		return netlinkSocket{}, os.NewSyscallError("netlink socket", err)
	}
	timeout := unix.NsecToTimeval(int64(netlinkTimeout))
	if err := unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &timeout); err != nil {
		closeFD(fd)
		return netlinkSocket{}, os.NewSyscallError("netlink setsockopt", err)
	}
	return netlinkSocket{fd: fd, protocol: protocol}, nil
}

// dump requests one dump, and reads the answer to its end.
func (s *netlinkSocket) dump(req NetlinkRequest, buf *[]byte, each func(data []byte) error) error {
	s.sequence++
	// A netlink socket that is not connected sends to the kernel.
	if _, err := unix.Write(s.fd, appendRequest((*buf)[:0], req, s.sequence)); err != nil {
		return os.NewSyscallError("netlink send", err)
	}
	interrupted := false
	for {
		n, errno := receive(s.fd, *buf)
		if errno != 0 {
			return os.NewSyscallError("netlink receive", errno)
		}
		if n > len(*buf) {
			*buf = make([]byte, n) // for the next dump
			return fmt.Errorf("netlink: want a datagram of at most %d bytes, have %d", netlinkBuffer, n)
		}
		done, err := eachMessage((*buf)[:n], s.sequence, &interrupted, each)
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

func appendRequest(b []byte, req NetlinkRequest, sequence uint32) []byte {
	order := binary.NativeEndian
	b = order.AppendUint32(b, uint32(unix.SizeofNlMsghdr+len(req.Body)))
	b = order.AppendUint16(b, req.Type)
	b = order.AppendUint16(b, unix.NLM_F_REQUEST|unix.NLM_F_DUMP)
	b = order.AppendUint32(b, sequence)
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
func eachMessage(b []byte, wanted uint32, interrupted *bool, each func(data []byte) error) (done bool, err error) {
	for len(b) >= unix.SizeofNlMsghdr {
		size := int(binary.NativeEndian.Uint32(b))
		if size < unix.SizeofNlMsghdr || size > len(b) {
			return true, fmt.Errorf("netlink: want a message within %d bytes, have one of %d", len(b), size)
		}
		typ, flags := binary.NativeEndian.Uint16(b[4:]), binary.NativeEndian.Uint16(b[6:])
		sequence, data := binary.NativeEndian.Uint32(b[8:]), b[unix.SizeofNlMsghdr:size]
		b = b[min((size+3)&^3, len(b)):]
		if sequence != wanted {
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
