// Package multipathd asks the daemon of multipath-tools what it knows of its
// maps. It only lists, which the daemon lets everybody do.
//
// A question and an answer are each a length, of the daemon's size_t, and a
// text that ends with a NUL, which the length counts.
package multipathd

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/bits"
	"net"
)

// Sockets are where the daemon listens: newer ones at a path, which takes the
// root of the host's files before it, all of them in the namespace without
// files.
const (
	SocketFile     = "/run/multipathd.socket"
	AbstractSocket = "@/org/kernel/linux/storage/multipathd"
)

// PIDFile is there while the daemon runs. Where the daemon is started by its
// socket, connecting without it would start the daemon.
const PIDFile = "/run/multipathd.pid"

// maxAnswer bounds what is taken for an answer: the daemon's own client takes
// no more.
const maxAnswer = 32 << 20

// sizeOfLength is what a length takes. Processes of 32 bits can only talk to
// daemons of 32 bits.
const sizeOfLength = bits.UintSize / 8

// A Client asks the daemon. Each question is a connection of its own.
type Client struct {
	Dial    func(ctx context.Context, network, address string) (net.Conn, error)
	Sockets []string // to be tried in this order
}

// Maps returns what the daemon knows of its maps. It takes its lock for that.
func (c *Client) Maps(ctx context.Context) ([]Map, error) {
	b, socket, err := c.ask(ctx, "list maps json")
	if err != nil {
		return nil, err
	}
	maps, err := parse(b)
	if err != nil {
		return nil, &OddAnswer{socket, err}
	}
	return maps, nil
}

// An OddAnswer is the error of an answer that came in full and is not what was
// asked for: the daemon is there.
type OddAnswer struct {
	Socket string
	Err    error
}

func (e *OddAnswer) Error() string { return e.Socket + ": " + e.Err.Error() }
func (e *OddAnswer) Unwrap() error { return e.Err }

// Running returns an error unless the daemon answers to a question that takes
// none of its locks.
func (c *Client) Running(ctx context.Context) error {
	_, _, err := c.ask(ctx, "show daemon")
	return err
}

// ask returns the answer to a question and which socket it came from. A
// deadline of ctx is for all of it; there should be one, because the daemon
// keeps its lock while it checks its paths, in an outage for long.
func (c *Client) ask(ctx context.Context, question string) (answer []byte, socket string, err error) {
	conn, socket, err := c.connect(ctx)
	if err != nil {
		return nil, socket, err
	}
	defer func() { _ = conn.Close() }()
	if deadline, ok := ctx.Deadline(); ok {
		err = conn.SetDeadline(deadline)
	}
	if err == nil {
		_, err = conn.Write(packet(question))
	}
	if err == nil {
		answer, err = readPacket(conn)
	}
	if err != nil {
		return nil, socket, fmt.Errorf("%s: %s: %w", socket, question, err)
	}
	return answer, socket, nil
}

func (c *Client) connect(ctx context.Context) (net.Conn, string, error) {
	var failed error
	for _, socket := range c.Sockets {
		conn, err := c.Dial(ctx, "unix", socket)
		if err == nil {
			return conn, socket, nil
		}
		var op *net.OpError // which has the address in its text once more
		if errors.As(err, &op) {
			err = op.Err
		}
		if err = fmt.Errorf("%s: %w", socket, err); failed != nil {
			err = fmt.Errorf("%w; %w", failed, err)
		}
		failed = err
	}
	return nil, "", failed
}

// packet returns a text as it goes over the socket.
func packet(text string) []byte {
	b := make([]byte, sizeOfLength, sizeOfLength+len(text)+1)
	putLength(b, uint64(len(text)+1))
	return append(append(b, text...), 0)
}

func putLength(b []byte, v uint64) {
	if len(b) == 4 {
		binary.NativeEndian.PutUint32(b, uint32(v))
	} else {
		binary.NativeEndian.PutUint64(b, v)
	}
}

func length(b []byte) uint64 {
	if len(b) == 4 {
		return uint64(binary.NativeEndian.Uint32(b))
	}
	return binary.NativeEndian.Uint64(b)
}

// readPacket reads a text. The buffer grows with what comes, and not with what
// is promised.
func readPacket(r io.Reader) ([]byte, error) {
	var head [sizeOfLength]byte
	if n, err := io.ReadFull(r, head[:]); err != nil {
		return nil, fmt.Errorf("want a length of %d bytes, have %d: %w", sizeOfLength, n, err)
	}
	want := length(head[:])
	if want == 0 || want > maxAnswer {
		return nil, fmt.Errorf("want an answer of 1 to %d bytes, have a length of %d", maxAnswer, want)
	}
	b, err := io.ReadAll(io.LimitReader(r, int64(want)))
	if err != nil {
		return nil, fmt.Errorf("want %d bytes, have %d: %w", want, len(b), err)
	}
	if uint64(len(b)) < want {
		return nil, fmt.Errorf("want %d bytes, have %d: %w", want, len(b), io.ErrUnexpectedEOF)
	}
	if b[len(b)-1] != 0 {
		return nil, fmt.Errorf("want a NUL at the end of the answer, have %q", b[max(len(b)-20, 0):])
	}
	return b[:len(b)-1], nil
}
