package host

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// A Target is a piece of a map of device-mapper.
type Target struct {
	Start, Length uint64 // in sectors of 512 bytes
	Type          string // such as multipath
	Text          string // its state or its table, in words of its type
}

// dmControl is the device that takes the ioctls.
const dmControl = "/dev/mapper/control"

// Layout of struct dm_ioctl and struct dm_target_spec, and what is in them, as
// in linux/dm-ioctl.h. It is the same for processes of 32 and of 64 bits.
const (
	dmIoctlSize  = 312 // version at 0, 4 and 8, name at 48, uuid at 176
	dmTargetSize = 40  // start, length, type at 24

	dmDataSize    = 12 // of the whole buffer
	dmDataStart   = 16
	dmTargetCount = 20
	dmFlags       = 28
	dmName        = 48
	dmNameSize    = 128
	dmTargetNext  = 20 // counted from the first target
	dmTargetType  = 24

	dmKind        = 0xfd
	dmTableStatus = 12

	dmWantTable  = 1 << 4  // and not the state
	dmBufferFull = 1 << 8  // there is more
	dmNoFlush    = 1 << 11 // do not wait for what is under way
)

// The buffer for an answer, and how far it may grow: a path takes about thirty
// bytes.
const (
	dmFirstBuffer   = 4 << 10
	dmLargestBuffer = 4 << 20
)

// liveDeviceMapper returns a function that asks for the targets of a map. That
// takes CAP_SYS_ADMIN. It changes nothing, and waits for nothing but a lock that
// whoever suspends or resumes a map may hold for long.
func liveDeviceMapper() func(name string, table bool) ([]Target, error) {
	buffers := sync.Pool{New: func() any { return new([dmFirstBuffer]byte) }}
	return func(name string, table bool) ([]Target, error) {
		fd, err := openControl()
		if err != nil {
			return nil, &os.PathError{Op: "open", Path: dmControl, Err: err}
		}
		defer closeFD(fd)
		buffer := buffers.Get().(*[dmFirstBuffer]byte)
		defer buffers.Put(buffer)
		targets, err := dmTargets(name, table, buffer[:], func(b []byte) error {
			return ioctl(fd, dmRequest(), &b[0])
		})
		if err != nil {
			return nil, &os.PathError{Op: "ask for " + name + " at", Path: dmControl, Err: err}
		}
		return targets, nil
	}
}

func openControl() (int, error) {
	for {
		fd, err := unix.Open(dmControl, unix.O_RDONLY|unix.O_CLOEXEC, 0)
		if err != unix.EINTR {
			return fd, err
		}
	}
}

func dmRequest() uintptr {
	return ioctlRequest(ioctlRead|ioctlWrite, dmKind, dmTableStatus, dmIoctlSize)
}

// dmTargets asks with a buffer, and then with larger and larger ones until the
// answer fits.
func dmTargets(name string, table bool, b []byte, ask func([]byte) error) ([]Target, error) {
	if name == "" || len(name) >= dmNameSize {
		return nil, syscall.ENAMETOOLONG
	}
	flags := uint32(dmNoFlush)
	if table {
		flags |= dmWantTable
	}
	for ; len(b) <= dmLargestBuffer; b = make([]byte, 4*len(b)) {
		clear(b)
		binary.NativeEndian.PutUint32(b, 4) // of the interface; older ones are understood
		binary.NativeEndian.PutUint32(b[dmDataSize:], uint32(len(b)))
		binary.NativeEndian.PutUint32(b[dmDataStart:], dmIoctlSize)
		binary.NativeEndian.PutUint32(b[dmFlags:], flags)
		copy(b[dmName:], name)
		if err := ask(b); err != nil {
			return nil, err
		}
		if binary.NativeEndian.Uint32(b[dmFlags:])&dmBufferFull == 0 {
			return parseTargets(b)
		}
	}
	return nil, fmt.Errorf("the answer is longer than %d bytes", dmLargestBuffer)
}

// parseTargets takes an answer apart: after its head, a struct for each target
// with a text behind it.
func parseTargets(b []byte) ([]Target, error) {
	count := binary.NativeEndian.Uint32(b[dmTargetCount:])
	start := binary.NativeEndian.Uint32(b[dmDataStart:])
	if uint64(start) > uint64(len(b)) {
		return nil, fmt.Errorf("want data within %d bytes, have them start at %d", len(b), start)
	}
	data := b[start:]
	if uint64(count)*dmTargetSize > uint64(len(data)) {
		return nil, fmt.Errorf("want %d targets, have %d bytes", count, len(data))
	}
	targets := make([]Target, 0, count)
	at := uint32(0)
	for range count {
		if uint64(at)+dmTargetSize > uint64(len(data)) {
			return nil, fmt.Errorf("want a target within %d bytes, have it start at %d", len(data), at)
		}
		spec := data[at:]
		text, _, ended := bytes.Cut(spec[dmTargetSize:], []byte{0})
		if !ended {
			return nil, fmt.Errorf("want a text with an end, have %q", text[:min(len(text), 80)])
		}
		targets = append(targets, Target{
			Start:  binary.NativeEndian.Uint64(spec),
			Length: binary.NativeEndian.Uint64(spec[8:]),
			Type:   unix.ByteSliceToString(spec[dmTargetType:dmTargetSize]),
			Text:   string(text),
		})
		at = binary.NativeEndian.Uint32(spec[dmTargetNext:])
	}
	return targets, nil
}
