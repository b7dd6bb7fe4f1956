package snapshot

import (
	"context"
	"encoding/binary"
	"io"
	"math/bits"
	"net"
	"strings"

	"golang.org/x/sys/unix"
)

// multipathdSocket is the end of the path of multipathd's socket.
const multipathdSocket = "/run/multipathd.socket"

// dial connects to a multipathd that answers every question with the content of
// syscall/multipathd. No other service is there.
func (r *answers) dial(_ context.Context, network, address string) (net.Conn, error) {
	answer, err := r.sections.Section("multipathd")
	if network != "unix" || !strings.HasSuffix(address, multipathdSocket) || absent(err) {
		return nil, &net.OpError{Op: "dial", Net: network, Err: unix.ECONNREFUSED}
	}
	if err != nil {
		return nil, &net.OpError{Op: "dial", Net: network, Err: err}
	}
	ours, theirs := net.Pipe()
	go func() {
		defer func() { _ = theirs.Close() }()
		head := make([]byte, bits.UintSize/8)
		if _, err := io.ReadFull(theirs, head); err != nil {
			return
		}
		if _, err := io.CopyN(io.Discard, theirs, int64(length(head))); err != nil {
			return
		}
		setLength(head, uint64(len(answer)+1))
		_, _ = theirs.Write(append(append(head, answer...), 0))
	}()
	return ours, nil
}

// length reads a size_t.
func length(b []byte) uint64 {
	if len(b) == 4 {
		return uint64(binary.NativeEndian.Uint32(b))
	}
	return binary.NativeEndian.Uint64(b)
}

func setLength(b []byte, v uint64) {
	if len(b) == 4 {
		binary.NativeEndian.PutUint32(b, uint32(v))
	} else {
		binary.NativeEndian.PutUint64(b, v)
	}
}
