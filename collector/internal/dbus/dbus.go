// Package dbus calls methods of one D-Bus service over one connection that it
// keeps. It sends many calls at once, parses replies in place, and allocates
// nothing per call, because a scrape asks a service manager about thousands of
// units. It knows what an exporter needs of the protocol: calls whose arguments
// are strings, replies, and signals. See
// https://dbus.freedesktop.org/doc/dbus-specification.html.
package dbus

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"slices"
	"time"
)

// A Client calls the methods of one service. Set its fields before the first
// call. It is not for concurrent use.
//
// Calls are made in rounds: Begin once, then any number of times Call for each
// call, Do, and Reply for each call.
type Client struct {
	Dial    func(context.Context) (net.Conn, error) // nil: the host has no bus
	Service string                                  // name on the bus, such as org.freedesktop.systemd1
	Direct  bool                                    // the service itself is at the other end, not a bus

	// OnSignal is called with each signal that arrives, by another goroutine, until
	// the connection ends. It must not block.
	OnSignal func(*Signal)

	conn     *conn
	deadline time.Time
	out      []byte // calls of the next Do
	calls    int
	sent     bool // by the last Do, so that the next Call begins anew
	serial   uint32
}

// A Signal is a signal that a service sent. It is valid during the call of
// OnSignal.
type Signal struct {
	Path, Interface, Member []byte
	Body                    Decoder // of the signature that the interface defines
}

// The bus itself is a service too.
const (
	bus     = "org.freedesktop.DBus"
	busPath = "/org/freedesktop/DBus"
)

const (
	// defaultBudget is the time of a round without a deadline.
	defaultBudget = 5 * time.Second

	// idleTimeout ends a connection that is not used: that of a collector that
	// a reload replaced, or of an exporter that is no longer scraped.
	idleTimeout = 10 * time.Minute
)

// Begin begins a round of calls, which ends a tenth before the deadline of ctx:
// what was read by then can still be exported. It connects if there is no
// connection, or if the last one ended, and reports whether it did. There is at
// most one attempt in a round.
func (c *Client) Begin(ctx context.Context) (isNew bool, err error) {
	now := time.Now()
	deadline, ok := ctx.Deadline()
	if !ok {
		deadline = now.Add(defaultBudget)
	}
	c.deadline = deadline.Add(-deadline.Sub(now) / 10)
	c.calls, c.sent = 0, true
	if c.conn != nil && c.conn.keep() {
		return false, nil
	}
	c.Close()
	if c.Dial == nil {
		return false, fmt.Errorf("D-Bus: %w", fs.ErrNotExist)
	}
	ctx, cancel := context.WithDeadline(ctx, c.deadline)
	defer cancel()
	socket, err := c.Dial(ctx)
	if err != nil {
		return false, err
	}
	conn, err := newConn(socket, c.deadline, c.OnSignal)
	if err != nil {
		_ = socket.Close()
		return false, fmt.Errorf("%s: %w", socket.RemoteAddr(), err)
	}
	c.conn = conn
	if c.Direct {
		return true, nil
	}
	c.call(bus, busPath, bus, "Hello")
	if err := c.Do(); err != nil {
		c.Close()
		if !errors.Is(err, ErrNoReply) {
			err = fmt.Errorf("%w, as dbus-daemon does to users that it does not know: docs/service.md has a remedy", err)
		}
		return false, fmt.Errorf("%s: Hello: %w", socket.RemoteAddr(), err)
	}
	if err := c.ReplyError(0); err != nil {
		c.Close()
		return false, fmt.Errorf("%s: Hello: %w", socket.RemoteAddr(), err)
	}
	return true, nil
}

// Close ends the connection, if there is one. The next Begin makes a new one.
func (c *Client) Close() {
	if c.conn != nil {
		c.conn.close(net.ErrClosed)
		c.conn = nil
	}
}

// Call adds the call of a method of the service to those of the next Do, and
// returns its number for Reply. All arguments are strings.
func (c *Client) Call(path, iface, method string, args ...string) int {
	return c.call(c.Service, path, iface, method, args...)
}

// Get adds a call that reads a property.
func (c *Client) Get(path, iface, property string) int {
	return c.Call(path, "org.freedesktop.DBus.Properties", "Get", iface, property)
}

// Watch adds a call that has the bus send the signals that match a rule. Without
// a bus all signals arrive anyhow: the call only has the service reply.
func (c *Client) Watch(rule string) int {
	if c.Direct {
		return c.Call("/", "org.freedesktop.DBus.Peer", "Ping")
	}
	return c.call(bus, busPath, bus, "AddMatch", rule)
}

func (c *Client) call(destination, path, iface, method string, args ...string) int {
	if c.sent {
		c.out, c.calls, c.sent = c.out[:0], 0, false
	}
	if c.serial++; c.serial == 0 {
		c.serial = 1 // 0 is not a serial number
	}
	if c.Direct {
		destination = ""
	}
	c.out = appendCall(c.out, c.serial, destination, path, iface, method, args...)
	c.calls++
	return c.calls - 1
}

// Do sends the calls that were added since the last Do and waits for the replies.
// It returns ErrNoReply if none came until the end of the round, and another error
// if the connection ended. Of some replies, the client abandons the others soon.
func (c *Client) Do() error { return c.do(c.deadline) }

// DoWithin is Do with a limit of time.
func (c *Client) DoWithin(limit time.Duration) error {
	deadline := time.Now().Add(limit)
	if c.deadline.Before(deadline) {
		deadline = c.deadline
	}
	return c.do(deadline)
}

func (c *Client) do(deadline time.Time) error {
	if c.sent {
		return nil
	}
	c.sent = true
	return c.conn.exchange(c.out, c.serial-uint32(c.calls)+1, c.calls, deadline)
}

// Reply returns the values of the reply to a call, whose types must have a
// signature. It is valid until the next Do. A reply that is an error is
// returned as *Error, a missing one as ErrNoReply.
func (c *Client) Reply(i int, signature string) (Decoder, error) {
	r, err := c.conn.reply(i)
	if err != nil {
		return Decoder{}, err
	}
	if string(r.signature) != signature {
		return Decoder{}, fmt.Errorf("want values of type %q, have %q", signature, r.signature)
	}
	return r.body, nil
}

// Property returns the value of a property, the reply to Get.
func (c *Client) Property(i int, signature string) (Decoder, error) {
	d, err := c.Reply(i, "v")
	if err != nil {
		return d, err
	}
	if have := d.Signature(); string(have) != signature {
		return d, fmt.Errorf("want a value of type %q, have %q", signature, have)
	}
	return d, nil
}

// Sender returns who sent the reply to a call: the unique name of a connection,
// which is another one after a restart of the service. It is empty without a
// bus.
func (c *Client) Sender(i int) []byte {
	r, _ := c.conn.reply(i)
	return r.sender
}

// ReplyError returns the error that is the reply to a call, or ErrNoReply if there
// is none.
func (c *Client) ReplyError(i int) error {
	_, err := c.conn.reply(i)
	return err
}

// An Error is a reply that is an error.
type Error struct{ Name, Text string }

func (e *Error) Error() string {
	if e.Text == "" {
		return e.Name
	}
	return e.Name + ": " + e.Text
}

// ErrNoReply is the error of a call without a reply in time.
var ErrNoReply = errors.New("no reply in time")

// IsNoService reports whether an error says that no connection of the bus has the
// name of the service.
func IsNoService(err error) bool {
	return hasName(err, bus+".Error.ServiceUnknown", bus+".Error.NameHasNoOwner")
}

// IsUnknown reports whether an error says that the service does not have the
// object, the interface or the property.
func IsUnknown(err error) bool {
	return hasName(err, bus+".Error.UnknownObject", bus+".Error.UnknownInterface", bus+".Error.UnknownProperty")
}

func hasName(err error, names ...string) bool {
	if err == nil {
		return false
	}
	var e *Error // allocated
	return errors.As(err, &e) && slices.Contains(names, e.Name)
}
