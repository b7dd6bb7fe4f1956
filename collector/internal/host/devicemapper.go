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

// A Target is one segment of a device-mapper map.
type Target struct {
	Start, Length uint64 // in sectors of 512 bytes
	Type          string // such as multipath
	Text          string // the status or the table, in the format of the type
}

// dmControl is the device for the ioctls of device-mapper.
const dmControl = "/dev/mapper/control"

// Layout and constants of struct dm_ioctl and struct dm_target_spec in
// linux/dm-ioctl.h. They are the same for processes of 32 and of 64 bits.
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

	dmWantTable  = 1 << 4  // return the table instead of the status
	dmBufferFull = 1 << 8  // the buffer is too small
	dmNoFlush    = 1 << 11 // do not wait for I/O in progress
)

// The initial and the maximum size of the buffer for an answer: a path takes
// about 30 bytes.
const (
	dmFirstBuffer   = 4 << 10
	dmLargestBuffer = 4 << 20
)

// liveDeviceMapper returns Host.DeviceMapper. The function needs CAP_SYS_ADMIN
// and changes nothing. It waits only for a lock, which suspending or resuming a
// map can hold for long.
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
			return nil, &os.PathError{Op: "status of " + name + " from", Path: dmControl, Err: err}
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

// dmTargets makes the ioctl call with the buffer b, and with larger ones until
// the answer fits.
func dmTargets(name string, table bool, b []byte, call func([]byte) error) ([]Target, error) {
	if name == "" || len(name) >= dmNameSize {
		return nil, syscall.ENAMETOOLONG
	}
	flags := uint32(dmNoFlush)
	if table {
		flags |= dmWantTable
	}
	for ; len(b) <= dmLargestBuffer; b = make([]byte, 4*len(b)) {
		clear(b)
		binary.NativeEndian.PutUint32(b, 4) // major version of the interface
		binary.NativeEndian.PutUint32(b[dmDataSize:], uint32(len(b)))
		binary.NativeEndian.PutUint32(b[dmDataStart:], dmIoctlSize)
		binary.NativeEndian.PutUint32(b[dmFlags:], flags)
		copy(b[dmName:], name)
		if err := call(b); err != nil {
			return nil, err
		}
		if binary.NativeEndian.Uint32(b[dmFlags:])&dmBufferFull == 0 {
			return parseTargets(b)
		}
	}
	return nil, fmt.Errorf("want an answer of at most %d bytes, have a longer one", dmLargestBuffer)
}

// parseTargets parses an answer: a header, and for each target a struct that is
// followed by a text.
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
		text, _, ok := bytes.Cut(spec[dmTargetSize:], []byte{0})
		if !ok {
			return nil, fmt.Errorf("want a text with a NUL at the end, have %d bytes", len(text)) // which may be a key of dm-crypt
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
