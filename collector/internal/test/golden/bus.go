package golden

import (
	"bytes"
	"context"
	"encoding/binary"
	"net"
	"path/filepath"
	"strings"
	"sync"

	godbus "github.com/godbus/dbus/v5"

	"github.com/hostexporter/host_exporter/collector/internal/snapshot"
)

// A Bus is a D-Bus system bus and the services behind it, for many objects. It replies
// with bytes that it prepared at the first call of a kind, so that it allocates nothing
// later. It is safe for concurrent use.
type Bus struct {
	services func(path, name string) string
	listener net.Listener

	mu      sync.Mutex
	replies map[string]*busReply // by the call, without its serial number
	calls   map[string]int       // by method or property
	conn    net.Conn             // the last one
	err     error                // the first one
}

type busReply struct {
	message []byte
	name    string
}

// NewBus returns a bus on a socket in an empty directory. Services returns the reply to
// a call of a method, or the value of a property, in the words of busctl.
func NewBus(dir string, services func(path, name string) string) (*Bus, error) {
	listener, err := net.Listen("unix", filepath.Join(dir, "bus"))
	if err != nil {
		return nil, err
	}
	b := &Bus{services: services, listener: listener, replies: map[string]*busReply{}, calls: map[string]int{}}
	go b.accept()
	return b, nil
}

// Close ends the bus, but not its connections. It returns the first error of a call.
func (b *Bus) Close() error {
	_ = b.listener.Close()
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.err
}

// Dial is for host.Host.DialBus.
func (b *Bus) Dial(ctx context.Context, _ bool) (net.Conn, error) {
	return new(net.Dialer).DialContext(ctx, "unix", b.listener.Addr().String())
}

// Count returns how many calls of each method or property there were since the last
// count, and their sum.
func (b *Bus) Count() (calls map[string]int, sum int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	calls = b.calls
	b.calls = map[string]int{}
	for _, n := range calls {
		sum += n
	}
	return calls, sum
}

// Signal sends a signal on the last connection.
func (b *Bus) Signal(path, iface, member, value string) error {
	message, err := snapshot.EncodeMessage(4, 1, []string{"1", "o", path, "2", "s", iface, "3", "s", member}, value)
	if err != nil {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	_, err = b.conn.Write(message)
	return err
}

func (b *Bus) accept() {
	for {
		conn, err := b.listener.Accept()
		if err != nil {
			return
		}
		b.mu.Lock()
		b.conn = conn
		b.mu.Unlock()
		go func() {
			defer func() { _ = conn.Close() }()
			b.serve(conn)
		}()
	}
}

// report keeps the first error.
func (b *Bus) report(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.err == nil {
		b.err = err
	}
}

func (b *Bus) serve(conn net.Conn) {
	if err := ServeAuthentication(conn); err != nil {
		b.report(err)
		return
	}
	in, out, n := make([]byte, 1<<20), []byte(nil), 0
	for {
		k, err := conn.Read(in[n:])
		if err != nil {
			return
		}
		n += k
		rest := in[:n]
		out = out[:0]
		for size := callSize(rest); size > 0; size = callSize(rest) {
			if out, err = b.appendReply(out, rest[:size]); err != nil {
				b.report(err)
				return
			}
			rest = rest[size:]
		}
		n = copy(in, rest)
		if _, err := conn.Write(out); err != nil {
			return
		}
	}
}

// callSize returns the size of the first call in b, or 0 if it is not complete.
func callSize(b []byte) int {
	if len(b) < 16 {
		return 0
	}
	size := 16 + int(binary.LittleEndian.Uint32(b[12:])+7)&^7 + int(binary.LittleEndian.Uint32(b[4:]))
	if size > len(b) {
		return 0
	}
	return size
}

func (b *Bus) appendReply(out, call []byte) ([]byte, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	r := b.replies[string(call[12:])]
	if r == nil {
		var err error
		if r, err = b.prepare(call); err != nil {
			return out, err
		}
		b.replies[string(call[12:])] = r
	}
	b.calls[r.name]++
	copy(r.message[20:24], call[8:12])
	return append(out, r.message...), nil
}

func (b *Bus) prepare(call []byte) (*busReply, error) {
	m, err := godbus.DecodeMessage(bytes.NewReader(call))
	if err != nil {
		return nil, err
	}
	name := m.Headers[godbus.FieldInterface].Value().(string) + "." + m.Headers[godbus.FieldMember].Value().(string)
	value := ""
	switch path := string(m.Headers[godbus.FieldPath].Value().(godbus.ObjectPath)); {
	case name == "org.freedesktop.DBus.Properties.Get":
		name = m.Body[0].(string) + "." + m.Body[1].(string)
		value = "v " + b.services(path, name)
	case !strings.HasPrefix(name, "org.freedesktop.DBus.") && !strings.HasSuffix(name, ".Subscribe"):
		value = b.services(path, name)
	}
	message, err := snapshot.EncodeMessage(2, 1, []string{"5", "u", "0"}, value)
	return &busReply{message, name}, err
}
