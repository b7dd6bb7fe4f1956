package dbus

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	godbus "github.com/godbus/dbus/v5"
)

// A peer is the other end of connections. It does with each call what a function
// says.
type peer struct {
	t     *testing.T
	auth  func(conn net.Conn) error
	call  func(p *peer, conn net.Conn, m *godbus.Message)
	dials int
}

func (p *peer) dial(context.Context) (net.Conn, error) {
	p.dials++
	ours, theirs := net.Pipe()
	p.t.Cleanup(func() { _ = theirs.Close() })
	go func() {
		r := bufio.NewReader(theirs)
		if p.auth != nil {
			if p.auth(theirs) != nil {
				return
			}
		} else if err := authenticate(r, theirs); err != nil {
			return
		}
		for {
			m, err := godbus.DecodeMessage(r)
			if err != nil {
				return
			}
			if m.Headers[godbus.FieldMember].Value() == "Hello" {
				p.reply(theirs, m, ":1.2")
				continue
			}
			p.call(p, theirs, m)
		}
	}()
	return ours, nil
}

func authenticate(r *bufio.Reader, w io.Writer) error {
	for _, step := range []struct{ want, reply string }{{"\x00AUTH EXTERNAL\r\n", "DATA\r\n"}, {"DATA\r\n", "OK 1234\r\n"}, {"BEGIN\r\n", ""}} {
		line, err := r.ReadString('\n')
		if err != nil {
			return err
		}
		if line != step.want {
			return fmt.Errorf("have %q, want %q", line, step.want)
		}
		if _, err := io.WriteString(w, step.reply); err != nil {
			return err
		}
	}
	return nil
}

func (p *peer) reply(conn net.Conn, call *godbus.Message, body ...any) {
	p.replyTo(conn, call.Serial(), body...)
}

func (p *peer) replyTo(conn net.Conn, serial uint32, body ...any) {
	_, _ = conn.Write(encode(p.t, binary.LittleEndian, godbus.TypeMethodReply, map[godbus.HeaderField]any{
		godbus.FieldReplySerial: serial, godbus.FieldSender: ":1.1",
	}, body...))
}

func newClient(t *testing.T, call func(p *peer, conn net.Conn, m *godbus.Message)) (*Client, *peer) {
	p := &peer{t: t, call: call}
	c := &Client{Dial: p.dial, Service: "a.b"}
	t.Cleanup(c.Close)
	return c, p
}

func begin(t *testing.T, c *Client, limit time.Duration) (isNew bool, err error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	isNew, err = c.Begin(ctx)
	if ctx.Err() != nil {
		t.Errorf("Begin took longer than %v", limit)
	}
	return isNew, err
}

func mustBegin(t *testing.T, c *Client) (isNew bool) {
	t.Helper()
	isNew, err := begin(t, c, 5*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	return isNew
}

// text returns a property, or an error behind an exclamation mark.
func text(c *Client, i int) string {
	d, err := c.Property(i, "s")
	if err != nil {
		return "!" + err.Error()
	}
	return string(d.Text())
}

// TestReplies has replies come in another order, twice, and to calls that were
// not made.
func TestReplies(t *testing.T) {
	var calls []*godbus.Message
	c, p := newClient(t, func(p *peer, conn net.Conn, m *godbus.Message) {
		if calls = append(calls, m); len(calls)%3 != 0 {
			return
		}
		p.replyTo(conn, 0, godbus.MakeVariant("of no call"))
		p.replyTo(conn, m.Serial()+1, godbus.MakeVariant("of the next call"))
		for i := range 3 {
			call := calls[len(calls)-1-i]
			name := call.Body[1].(string)
			p.reply(conn, call, godbus.MakeVariant(name))
			p.reply(conn, call, godbus.MakeVariant("again"))
		}
	})
	for round := range 3 {
		if isNew := mustBegin(t, c); isNew != (round == 0) {
			t.Errorf("round %d: the connection is new: %v", round, isNew)
		}
		for range 2 {
			for i := range 3 {
				c.Get("/x", "a.b", fmt.Sprint(round, i))
			}
			if err := c.Do(); err != nil {
				t.Fatal(err)
			}
			for i := range 3 {
				if have := text(c, i); have != fmt.Sprint(round, i) {
					t.Errorf("reply %d of round %d: %s", i, round, have)
				}
				if s := c.Sender(i); string(s) != ":1.1" {
					t.Errorf("sender %q", s)
				}
			}
		}
	}
	if p.dials != 1 {
		t.Errorf("%d connections", p.dials)
	}
}

// TestLateReplies has replies come after their round, into the next one.
func TestLateReplies(t *testing.T) {
	var late *godbus.Message
	c, p := newClient(t, func(p *peer, conn net.Conn, m *godbus.Message) {
		switch m.Body[1] {
		case "late":
			late = m
		case "next":
			p.reply(conn, late, godbus.MakeVariant("late"))
			p.reply(conn, m, godbus.MakeVariant("next"))
		default:
			p.reply(conn, m, godbus.MakeVariant("other"))
		}
	})
	if _, err := begin(t, c, 100*time.Millisecond); err != nil {
		t.Fatal(err)
	}
	c.Get("/x", "a.b", "late")
	if err := c.Do(); !errors.Is(err, ErrNoReply) {
		t.Error(err)
	}
	if have := text(c, 0); have != "!no reply in time" {
		t.Error(have)
	}
	mustBegin(t, c)
	c.Get("/x", "a.b", "next")
	if err := c.Do(); err != nil || text(c, 0) != "next" {
		t.Error(err, text(c, 0))
	}
	// Of some replies, the client abandons the missing one soon.
	start := time.Now()
	c.Get("/x", "a.b", "one")
	c.Get("/x", "a.b", "late")
	c.Get("/x", "a.b", "three")
	if err := c.Do(); err != nil || text(c, 0) != "other" || text(c, 1) != "!no reply in time" || text(c, 2) != "other" {
		t.Error(err, text(c, 0), text(c, 1), text(c, 2))
	}
	if d := time.Since(start); d > 3*time.Second {
		t.Errorf("a missing reply was abandoned after %v", d)
	}
	start = time.Now()
	c.Get("/x", "a.b", "late")
	if err := c.DoWithin(10 * time.Millisecond); !errors.Is(err, ErrNoReply) || time.Since(start) > time.Second {
		t.Error(err, time.Since(start))
	}
	if p.dials != 1 {
		t.Errorf("%d connections", p.dials)
	}
}

// TestConnectionsEnd has connections end in all ways: each costs one round, and
// the next one connects anew.
func TestConnectionsEnd(t *testing.T) {
	message := encode(t, binary.LittleEndian, godbus.TypeMethodReply, map[godbus.HeaderField]any{godbus.FieldReplySerial: uint32(2)}, "x")
	for _, end := range []struct {
		want string
		send []byte
	}{
		{"EOF", nil},
		{"EOF", message[:10]},
		{"EOF", message[:len(message)-1]},
		{"want a message that begins with l or B", []byte("garbage, and more garbage")},
		{"want a header field of type s, o, g or u", append(message[:16:16], make([]byte, len(message)-16)...)},
		{"want a message of at most 33554432 bytes", append([]byte("l\x02\x00\x01\xff\xff\xff\x7f"), make([]byte, 8)...)},
	} {
		want, send := "connection lost: "+end.want, end.send
		c, p := newClient(t, func(_ *peer, conn net.Conn, _ *godbus.Message) {
			_, _ = conn.Write(send)
			_ = conn.Close()
		})
		for round := range 2 {
			if !mustBegin(t, c) {
				t.Errorf("%s: the connection is not new", want)
			}
			c.Get("/x", "a.b", "c")
			if err := c.Do(); err == nil || !strings.HasPrefix(err.Error(), want) {
				t.Errorf("have %v, want %s", err, want)
			}
			if have := text(c, 0); have != "!no reply in time" {
				t.Error(have)
			}
			c.Get("/x", "a.b", "c")
			if err := c.Do(); err == nil {
				t.Error("no error of a lost connection")
			}
			if p.dials != round+1 {
				t.Errorf("%d connections in round %d", p.dials, round)
			}
		}
	}
}

// TestPeersThatDoNotRead has a peer stop to read: a call cannot be sent whole, so
// that the connection is of no use.
func TestPeersThatDoNotRead(t *testing.T) {
	c, _ := newClient(t, func(*peer, net.Conn, *godbus.Message) { select {} })
	if _, err := begin(t, c, 200*time.Millisecond); err != nil {
		t.Fatal(err)
	}
	c.Get("/x", "a.b", "first")
	c.Get("/x", "a.b", strings.Repeat("x", 1<<20))
	start := time.Now()
	if err := c.Do(); err == nil || !strings.Contains(err.Error(), "connection lost: ") || !strings.Contains(err.Error(), "timeout") {
		t.Error(err)
	}
	if d := time.Since(start); d > time.Second {
		t.Errorf("it took %v", d)
	}
	if !mustBegin(t, c) {
		t.Error("the connection is kept")
	}
}

func TestAuthentication(t *testing.T) {
	for want, answer := range map[string]string{
		`authentication: want OK, have "REJECTED EXTERNAL"`:  "REJECTED EXTERNAL\r\n",
		`authentication: want OK, have ""`:                   "\r\n",
		"authentication: want a line of at most 1024 bytes":  strings.Repeat("x", 2000),
		"authentication: EOF":                                "half a li",
		`authentication: want OK, have "DATA 00"`:            "DATA\r\nDATA 00\r\n",
		"Hello: connection lost: want a message that begins": "OK 1\r\nand no D-Bus at all",
	} {
		p := &peer{t: t, auth: func(conn net.Conn) error {
			go func() { _, _ = io.Copy(io.Discard, conn) }()
			for _, part := range strings.SplitAfter(answer, "\r\n") {
				time.Sleep(20 * time.Millisecond)
				if _, err := io.WriteString(conn, part); err != nil {
					break
				}
			}
			_ = conn.Close()
			return io.EOF
		}}
		c := &Client{Dial: p.dial, Service: "a.b"}
		if _, err := begin(t, c, 5*time.Second); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("have %v, want %s", err, want)
		}
	}
	silent := &peer{t: t, auth: func(conn net.Conn) error { _, err := io.Copy(io.Discard, conn); return err }}
	c := &Client{Dial: silent.dial, Service: "a.b"}
	if _, err := begin(t, c, 100*time.Millisecond); err == nil || !strings.Contains(err.Error(), "authentication: ") {
		t.Error(err)
	}
}

// TestSignals has signals arrive at any time, among them such as make the
// handler panic.
func TestSignals(t *testing.T) {
	signal := func(member string) []byte {
		return encode(t, binary.BigEndian, godbus.TypeSignal, map[godbus.HeaderField]any{
			godbus.FieldPath: godbus.ObjectPath("/a"), godbus.FieldInterface: "b.c", godbus.FieldMember: member,
		}, "arg", strings.Repeat("x", 5000))
	}
	c, _ := newClient(t, func(p *peer, conn net.Conn, m *godbus.Message) {
		if m.Body[1] == "panic" {
			_, _ = conn.Write(signal("Panic"))
			return
		}
		for range 100 {
			_, _ = conn.Write(signal("D"))
		}
		p.reply(conn, m, godbus.MakeVariant("x"))
	})
	seen := make(chan string, 1000)
	c.OnSignal = func(s *Signal) {
		if string(s.Member) == "Panic" {
			panic("a bug")
		}
		seen <- fmt.Sprintf("%s %s.%s %s", s.Path, s.Interface, s.Member, s.Body.Text())
	}
	mustBegin(t, c)
	c.Get("/x", "a.b", "c")
	if err := c.Do(); err != nil || text(c, 0) != "x" {
		t.Error(err, text(c, 0))
	}
	if len(seen) != 100 { // those before a reply have been handled before it
		t.Errorf("%d signals", len(seen))
	}
	for range 100 {
		if s := <-seen; s != "/a b.c.D arg" {
			t.Error(s)
		}
	}
	c.Get("/x", "a.b", "panic")
	if err := c.Do(); err == nil || err.Error() != "connection lost: panic: a bug" {
		t.Error(err)
	}
	mustBegin(t, c)
}

// TestIdleConnection ends one that is not used.
func TestIdleConnection(t *testing.T) {
	c, p := newClient(t, func(p *peer, conn net.Conn, m *godbus.Message) { p.reply(conn, m, godbus.MakeVariant("x")) })
	mustBegin(t, c)
	c.conn.idle.Reset(time.Millisecond)
	select {
	case <-c.conn.ended:
	case <-time.After(5 * time.Second):
		t.Error("it does not end")
	}
	if !mustBegin(t, c) || p.dials != 2 {
		t.Error("there is no new connection")
	}
}

// TestDirect calls a service without a bus.
func TestDirect(t *testing.T) {
	c, _ := newClient(t, func(p *peer, conn net.Conn, m *godbus.Message) {
		if v, ok := m.Headers[godbus.FieldDestination]; ok {
			t.Errorf("a destination: %v", v)
		}
		p.reply(conn, m, fmt.Sprint(m.Headers[godbus.FieldMember].Value()))
	})
	c.Direct = true
	mustBegin(t, c)
	c.Watch("type='signal'")
	c.Call("/x", "a.b", "List")
	if err := c.Do(); err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{"Ping", "List"} {
		if d, err := c.Reply(i, "s"); err != nil || string(d.Text()) != want {
			t.Error(err, want)
		}
	}
	if _, err := c.Reply(0, "as"); err == nil || err.Error() != `want values of type "as", have "s"` {
		t.Error(err)
	}
	if _, err := c.Property(0, "s"); err == nil || err.Error() != `want values of type "v", have "s"` {
		t.Error(err)
	}
}

func TestErrors(t *testing.T) {
	for name, want := range map[string][2]bool{
		"org.freedesktop.DBus.Error.ServiceUnknown": {true, false}, "org.freedesktop.DBus.Error.NameHasNoOwner": {true, false},
		"org.freedesktop.DBus.Error.UnknownProperty": {false, true}, "org.freedesktop.DBus.Error.UnknownObject": {false, true},
		"org.freedesktop.DBus.Error.AccessDenied": {false, false}, "": {false, false},
	} {
		err := fmt.Errorf("wrapped: %w", &Error{Name: name, Text: "why"})
		if have := [2]bool{IsNoService(err), IsUnknown(err)}; have != want {
			t.Errorf("%s: %v", name, have)
		}
	}
	if IsNoService(nil) || IsUnknown(ErrNoReply) {
		t.Error("other errors are taken for it")
	}
	if s := (&Error{Name: "a.b"}).Error(); s != "a.b" {
		t.Error(s)
	}
	c := &Client{}
	if _, err := c.Begin(t.Context()); err == nil || !strings.Contains(err.Error(), "D-Bus: file does not exist") {
		t.Error(err)
	}
}
