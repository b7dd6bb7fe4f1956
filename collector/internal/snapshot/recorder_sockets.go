package snapshot

import (
	"bytes"
	"context"
	"errors"
	"io"
	"maps"
	"math/bits"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/hostexporter/host_exporter/collector/internal/host"
)

// A tee is a connection whose bytes are noted.
type tee struct {
	net.Conn
	sent, received func([]byte)
	ended          func() // by the other end; nil: it does not matter
}

// Write implements net.Conn.
func (t *tee) Write(b []byte) (int, error) {
	t.sent(b) // before the answer to it can arrive
	return t.Conn.Write(b)
}

// Read implements net.Conn.
func (t *tee) Read(b []byte) (int, error) {
	n, err := t.Conn.Read(b)
	t.received(b[:n])
	if t.ended != nil && (err == io.EOF || errors.Is(err, syscall.ECONNRESET)) {
		t.ended()
	}
	return n, err
}

// SyscallConn implements syscall.Conn: clients ask who is at the other end.
func (t *tee) SyscallConn() (syscall.RawConn, error) {
	if c, ok := t.Conn.(syscall.Conn); ok {
		return c.SyscallConn()
	}
	return nil, errors.ErrUnsupported
}

// dial connects to a service. What it answers is taken for that of multipathd, the only
// one that is asked: a length of the size of a word, and a text that ends with a NUL.
func (c *calls) dial(ctx context.Context, network, address string) (net.Conn, error) {
	if strings.HasPrefix(address, "/") {
		address = c.live.Root.Path(address)
	}
	conn, err := c.live.Dial(ctx, network, address)
	if err != nil {
		return nil, err
	}
	var stream []byte
	received := func(b []byte) {
		const head = bits.UintSize / 8
		stream = append(stream, b...)
		if len(stream) < head || uint64(len(stream)-head) < length(stream[:head]) {
			return
		}
		text := string(bytes.TrimSuffix(stream[head:], []byte{0}))
		c.mu.Lock()
		defer c.mu.Unlock()
		old := c.answers[multipathdSection][""]
		if old == nil || len(old.text) < len(text) { // that to the question about all maps is the longest
			c.answers[multipathdSection] = map[string]*answer{"": {text: text, done: true}}
		}
	}
	return &tee{Conn: conn, sent: func([]byte) {}, received: received}, nil
}

const multipathdSection = "multipathd"

// dialBus connects to a bus, and records the replies.
func (c *calls) dialBus(ctx context.Context, private bool) (net.Conn, error) {
	section := busSection
	if private {
		section = privateBusSection
	}
	conn, err := c.live.DialBus(ctx, private)
	c.mu.Lock()
	defer c.mu.Unlock()
	record := c.buses[section]
	if record == nil {
		record = &busRecord{lines: map[string]string{}}
		c.buses[section] = record
	}
	if err != nil {
		record.err = errnoIn(err)
		if record.err == unix.EIO && ctx.Err() != nil {
			record.err = unix.ETIMEDOUT
		}
		return nil, err
	}
	record.err = nil
	s := &busStream{record: record, calls: map[string]string{}}
	return &tee{conn, s.sent, s.received, s.ended}, nil
}

// A busRecord has the replies of the services of a bus.
type busRecord struct {
	mu    sync.Mutex
	err   error             // of the connection
	lines map[string]string // values by path and method; of a call without a reply, hang
}

const (
	noReply = "hang"
	ended   = "close"
)

// entry returns the lines for recordedBus.
func (r *busRecord) entry() Entry {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.err != nil {
		return Entry{Kind: Fault, Target: ErrnoName(r.err)}
	}
	var b strings.Builder
	for _, key := range slices.SortedFunc(maps.Keys(r.lines), host.CompareNatural) {
		b.WriteString(key + " " + r.lines[key] + "\n")
	}
	return Entry{Kind: File, Data: []byte(b.String())}
}

// A busStream is the traffic of one connection.
type busStream struct {
	record *busRecord

	mu       sync.Mutex
	out, in  []byte // not yet a whole message
	outBegun bool   // the authentication is over
	inBegun  bool
	calls    map[string]string // by serial number, the key of the line
}

// sent takes what the client sends.
func (s *busStream) sent(b []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.out = append(s.out, b...)
	if !s.outBegun {
		const end = "BEGIN\r\n"
		i := bytes.Index(s.out, []byte(end))
		if i < 0 {
			return
		}
		s.out, s.outBegun = s.out[i+len(end):], true
	}
	s.out = eachBusMessage(s.out, func(m *busMessage) {
		if m.kind != busCall || m.iface == "org.freedesktop.DBus" || m.member == "Subscribe" || m.member == "Ping" {
			return
		}
		name, isProperty := m.asks()
		key := m.path + " " + name
		if isProperty {
			s.calls[m.serial] = propertyMark + key
		} else {
			s.calls[m.serial] = key
		}
		s.record.mu.Lock()
		defer s.record.mu.Unlock()
		if _, ok := s.record.lines[key]; !ok {
			s.record.lines[key] = noReply
		}
	})
}

// propertyMark begins the key of a call whose reply is a variant.
const propertyMark = "v"

// received takes what the services send.
func (s *busStream) received(b []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.in = append(s.in, b...)
	for !s.inBegun {
		i := bytes.Index(s.in, []byte("\r\n"))
		if i < 0 {
			return
		}
		s.inBegun = bytes.HasPrefix(s.in, []byte("OK "))
		s.in = s.in[i+2:]
	}
	s.in = eachBusMessage(s.in, func(m *busMessage) {
		key, ok := s.calls[m.replySerial]
		if !ok {
			return
		}
		delete(s.calls, m.replySerial)
		key, isProperty := strings.CutPrefix(key, propertyMark)
		value := ""
		switch {
		case m.kind == busError:
			text := ""
			if len(m.words) > 0 {
				text, _ = strconv.Unquote(m.words[0])
			}
			value = "!" + strings.Join(strings.Fields(m.errorName+" "+text), " ")
		case m.kind != busReturn:
			return
		case isProperty && m.sign == "v":
			value = busValue(m.words)
		default:
			value = busValue(append([]string{m.sign}, m.words...))
		}
		s.record.mu.Lock()
		defer s.record.mu.Unlock()
		s.record.lines[key] = value
	})
}

// ended notes that the other end closed the connection, on the call that it did not reply
// to.
func (s *busStream) ended() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.record.mu.Lock()
	defer s.record.mu.Unlock()
	for _, key := range s.calls {
		key = strings.TrimPrefix(key, propertyMark)
		if s.record.lines[key] == noReply {
			s.record.lines[key] = ended
		}
	}
}

// busValue returns words in lines of some length.
func busValue(words []string) string {
	var b strings.Builder
	line := 0
	for i, w := range words {
		switch {
		case i == 0:
		case line > 200:
			b.WriteString("\n\t")
			line = 0
		default:
			b.WriteString(" ")
		}
		b.WriteString(w)
		line += len(w)
	}
	return b.String()
}

// eachBusMessage calls fn for the messages in b, and returns the rest. It drops all of a
// stream that is malformed.
func eachBusMessage(b []byte, fn func(*busMessage)) []byte {
	for len(b) >= busHead {
		size, err := busMessageSize(b[:busHead])
		if err != nil {
			return nil
		}
		if len(b) < size {
			return b
		}
		if m, err := parseBusMessage(b[:size]); err == nil {
			fn(m)
		}
		b = b[size:]
	}
	return b
}
