package dbus

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"sync"
	"time"

	"github.com/hostexporter/host_exporter/collector/internal/flight"
)

// A conn is a connection. One goroutine reads it until it ends: it takes the
// replies that are waited for, and drops all others, such as those that come too
// late. Serial numbers are never used twice on a connection, so that a late reply
// cannot be taken for another one.
type conn struct {
	socket   net.Conn
	onSignal func(*Signal)
	idle     *time.Timer
	timer    *time.Timer   // of the exchange
	complete chan struct{} // receives when the last reply of an exchange is there
	ended    chan struct{} // closed when the connection has ended

	// Of the goroutine that reads.
	in         []byte
	start, end int // of what was received and not yet taken out of in

	mu      sync.Mutex
	err     error // why the connection ended
	first   uint32
	replies []reply
	missing int    // replies of the exchange
	taken   []byte // the content of replies
}

// A reply is the part of a message that a caller needs.
type reply struct {
	there             bool
	err               error
	signature, sender []byte
	body              Decoder
}

// newConn authenticates on a socket and begins to read it.
func newConn(socket net.Conn, deadline time.Time, onSignal func(*Signal)) (*conn, error) {
	c := &conn{
		socket:   socket,
		onSignal: onSignal,
		timer:    time.NewTimer(time.Hour),
		complete: make(chan struct{}, 1),
		ended:    make(chan struct{}),
		in:       make([]byte, 4<<10),
	}
	if err := socket.SetDeadline(deadline); err != nil {
		return nil, err
	}
	if err := c.authenticate(); err != nil {
		return nil, fmt.Errorf("authentication: %w", err)
	}
	if err := socket.SetReadDeadline(time.Time{}); err != nil {
		return nil, err
	}
	c.idle = time.AfterFunc(idleTimeout, func() { c.close(errors.New("closed after a time without use")) })
	go c.receive()
	return c, nil
}

// authenticate has the peer take the user from the credentials of the socket: the
// client names none, so that a user namespace makes no difference.
func (c *conn) authenticate() error {
	send := "\x00AUTH EXTERNAL\r\n"
	for {
		if _, err := io.WriteString(c.socket, send); err != nil {
			return err
		}
		line, err := c.line()
		switch word, _, _ := bytes.Cut(line, []byte(" ")); {
		case err != nil:
			return err
		case string(word) == "DATA" && send != "DATA\r\n":
			send = "DATA\r\n"
		case string(word) == "OK":
			_, err := io.WriteString(c.socket, "BEGIN\r\n")
			return err
		default:
			return fmt.Errorf("want OK, have %q", line)
		}
	}
}

// maxLine bounds a line of the authentication.
const maxLine = 1 << 10

// line reads a line of the authentication. Nothing follows it before it is
// answered.
func (c *conn) line() ([]byte, error) {
	for n := 0; n < maxLine; {
		k, err := c.socket.Read(c.in[n:maxLine])
		if err != nil {
			return nil, err
		}
		n += k
		if line, ok := bytes.CutSuffix(c.in[:n], []byte("\r\n")); ok {
			return line, nil
		}
	}
	return nil, fmt.Errorf("want a line of at most %d bytes, have %q", maxLine, c.in[:80])
}

// keep reports whether the connection is alive, and keeps it from being closed
// for lack of use.
func (c *conn) keep() bool {
	if !c.idle.Reset(idleTimeout) {
		return false
	}
	select {
	case <-c.ended:
		return false
	default:
		return true
	}
}

func (c *conn) close(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
		return
	}
	c.err = err
	c.idle.Stop()
	_ = c.socket.Close()
	close(c.ended)
}

// receive reads messages until the connection ends.
func (c *conn) receive() {
	defer func() {
		if p := recover(); p != nil {
			c.close(flight.NewPanicError(p))
		}
	}()
	var m message
	var s Signal
	for {
		b, err := c.next()
		if err == nil {
			err = m.parse(b)
		}
		if err != nil {
			c.close(err)
			return
		}
		switch m.kind {
		case typeReturn, typeError:
			c.take(&m)
		case typeSignal:
			if c.onSignal != nil {
				s = Signal{m.path, m.iface, m.member, m.body}
				c.onSignal(&s)
			}
		}
	}
}

// next returns the next message, which is valid until the next call. The buffer
// grows with what arrives, not with what is announced.
func (c *conn) next() ([]byte, error) {
	want := headSize
	for {
		have := c.in[c.start:c.end]
		if len(have) >= headSize {
			n, err := size(have)
			if err != nil {
				return nil, err
			}
			want = n
		}
		if len(have) >= want {
			c.start += want
			return have[:want], nil
		}
		if c.start > 0 {
			c.start, c.end = 0, copy(c.in, have)
		}
		if c.end == len(c.in) {
			c.in = slices.Grow(c.in, len(c.in))
			c.in = c.in[:cap(c.in)]
		}
		n, err := c.socket.Read(c.in[c.end:])
		if err != nil {
			return nil, err
		}
		c.end += n
	}
}

// take copies a reply that is waited for.
func (c *conn) take(m *message) {
	c.mu.Lock()
	defer c.mu.Unlock()
	i := m.replySerial - c.first
	if c.missing == 0 || i >= uint32(len(c.replies)) || c.replies[i].there {
		return
	}
	r := reply{there: true, sender: c.copy(m.sender), signature: c.copy(m.signature)}
	if m.kind == typeError {
		e := &Error{Name: string(m.errorName)}
		if len(m.signature) > 0 && m.signature[0] == 's' {
			e.Text = string(m.body.Text())
		}
		r.err = e
	} else {
		r.body = m.body
		r.body.b = c.copy(m.body.b)
	}
	c.replies[i] = r
	if c.missing--; c.missing == 0 {
		c.complete <- struct{}{}
	}
}

// copy copies a part of a message to where it stays until the next exchange.
func (c *conn) copy(b []byte) []byte {
	n := len(c.taken)
	c.taken = append(c.taken, b...)
	return c.taken[n:len(c.taken):len(c.taken)]
}

// exchange sends calls, whose serial numbers begin with first, and waits for n
// replies.
func (c *conn) exchange(calls []byte, first uint32, n int, deadline time.Time) error {
	c.mu.Lock()
	c.first, c.missing = first, n
	c.taken = c.taken[:0]
	c.replies = slices.Grow(c.replies[:0], n)[:n]
	clear(c.replies)
	c.mu.Unlock()
	if err := c.send(calls, deadline); err == nil {
		c.wait(n, deadline)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	missing := c.missing
	c.missing = 0
	switch {
	case missing == 0:
		select { // the last reply may have come when the wait was over
		case <-c.complete:
		default:
		}
		return nil
	case c.err != nil:
		return fmt.Errorf("connection lost: %w", c.err)
	case missing == n:
		return ErrNoReply
	}
	return nil
}

// send writes calls. A part of a message that was written makes the connection
// useless.
func (c *conn) send(calls []byte, deadline time.Time) error {
	err := c.socket.SetWriteDeadline(deadline)
	if err == nil {
		_, err = c.socket.Write(calls)
	}
	if err != nil {
		c.close(err)
	}
	return err
}

// patience is how long to wait for the next reply once there is one: a service
// replies to one call after another, and may forget one.
const patience = 500 * time.Millisecond

// wait waits for n replies: for the first one until the deadline.
func (c *conn) wait(n int, deadline time.Time) {
	before := n
	for {
		remaining := time.Until(deadline)
		c.timer.Reset(min(remaining, patience))
		select {
		case <-c.complete:
			return
		case <-c.ended:
			return
		case <-c.timer.C:
		}
		c.mu.Lock()
		missing := c.missing
		c.mu.Unlock()
		if remaining <= patience || missing < n && missing == before {
			return
		}
		before = missing
	}
}

// reply returns a reply of the last exchange.
func (c *conn) reply(i int) (*reply, error) {
	r := &c.replies[i]
	if !r.there {
		return r, ErrNoReply
	}
	return r, r.err
}
