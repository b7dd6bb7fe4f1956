// Package multipathd queries the daemon of multipath-tools for the state of its
// maps. It only lists, which the daemon allows every user.
//
// A query and an answer are each a length, of the daemon's size_t, and a text
// that ends with a NUL, which the length counts.
package multipathd

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/bits"
	"net"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// The sockets of the daemon: newer ones listen at a path below the root of the
// host's files, all of them in the abstract namespace.
const (
	SocketFile     = "/run/multipathd.socket"
	AbstractSocket = "@/org/kernel/linux/storage/multipathd"
)

// PIDFile is there while the daemon runs. Where the daemon is started by its
// socket, connecting without it would start the daemon.
const PIDFile = "/run/multipathd.pid"

// maxAnswer is the maximum length of an answer, as in the daemon's own client.
const maxAnswer = 32 << 20

// sizeOfLength is the size of a length in bytes. A process of 32 bits can only
// talk to a daemon of 32 bits.
const sizeOfLength = bits.UintSize / 8

// A Client queries the daemon. Each query is a connection of its own.
type Client struct {
	Dial    func(ctx context.Context, network, address string) (net.Conn, error)
	Sockets []string // tried in this order

	owner uint32 // user of the daemon: root, except in tests
}

// Maps returns the state of the maps, for which the daemon takes its lock.
func (c *Client) Maps(ctx context.Context) ([]Map, error) {
	b, socket, err := c.query(ctx, "list maps json")
	if err != nil {
		return nil, err
	}
	maps, err := parse(b)
	if err != nil {
		return nil, &MalformedAnswer{socket, err}
	}
	return maps, nil
}

// A MalformedAnswer is the error of an answer that is complete, but not what was
// queried: the daemon is there.
type MalformedAnswer struct {
	Socket string
	Err    error
}

func (e *MalformedAnswer) Error() string { return e.Socket + ": " + e.Err.Error() }
func (e *MalformedAnswer) Unwrap() error { return e.Err }

// Running returns an error unless the daemon answers a query that takes none of
// its locks.
func (c *Client) Running(ctx context.Context) error {
	_, _, err := c.query(ctx, "show daemon")
	return err
}

// query returns the answer to a query, and the socket that it came from. A
// deadline of ctx is for all of it; there should be one, because the daemon holds
// its lock while it checks its paths, in an outage for long.
func (c *Client) query(ctx context.Context, text string) (answer []byte, socket string, err error) {
	conn, socket, err := c.connect(ctx)
	if err != nil {
		return nil, socket, err
	}
	defer func() { _ = conn.Close() }()
	if deadline, ok := ctx.Deadline(); ok {
		err = conn.SetDeadline(deadline)
	}
	if err == nil {
		_, err = conn.Write(packet(text))
	}
	if err == nil {
		answer, err = readPacket(conn)
	}
	if err != nil {
		return nil, socket, fmt.Errorf("%s: %s: %w", socket, text, err)
	}
	return answer, socket, nil
}

func (c *Client) connect(ctx context.Context) (net.Conn, string, error) {
	var failed error
	for _, socket := range c.Sockets {
		conn, err := c.Dial(ctx, "unix", socket)
		if err == nil && strings.HasPrefix(socket, "@") {
			if err = c.checkOwner(conn); err != nil {
				_ = conn.Close()
			}
		}
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

// checkOwner returns an error unless a process of root listens at the other end:
// everybody may take a name in the abstract namespace.
func (c *Client) checkOwner(conn net.Conn) error {
	sc, ok := conn.(syscall.Conn)
	if !ok {
		return errors.New("want a socket, to know who listens")
	}
	raw, err := sc.SyscallConn()
	if err != nil {
		return err
	}
	var peer *unix.Ucred
	var peerErr error
	if err := raw.Control(func(fd uintptr) {
		peer, peerErr = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED)
	}); err != nil {
		return err
	}
	switch {
	case peerErr != nil:
		return fmt.Errorf("getsockopt: %w", peerErr)
	case peer.Uid != c.owner:
		return fmt.Errorf("want a listener of user %d, have one of user %d", c.owner, peer.Uid)
	}
	return nil
}

// packet returns a text in the format of the socket.
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

// readPacket reads a text. The buffer grows with what arrives, not with what the
// length says.
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
