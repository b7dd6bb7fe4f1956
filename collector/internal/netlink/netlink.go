// Package netlink requests dumps from the kernel and parses the attributes of
// their messages, for all protocols of netlink. It knows no protocol itself. It
// parses messages in place and keeps none of them. See netlink(7) and
// https://docs.kernel.org/userspace-api/netlink/intro.html.
package netlink

import (
	"errors"
	"fmt"
	"time"

	"github.com/hostexporter/host_exporter/collector/internal/host"
)

// ErrUnavailable says that the host has no netlink, as a recorded one.
var ErrUnavailable = errors.New("netlink is not available")

// A Client requests dumps of one protocol. It is safe for concurrent use.
type Client struct {
	netlink  func(host.NetlinkRequest, func([]byte) error) error
	protocol int
	name     string
}

// New returns a Client of a protocol, such as unix.NETLINK_ROUTE, with the name
// that it has in errors. It uses the Netlink method of a host, which may be nil.
func New(netlink func(host.NetlinkRequest, func([]byte) error) error, protocol int, name string) *Client {
	return &Client{netlink, protocol, name}
}

// maxAttempts limits the attempts at a dump that changes interrupt.
const maxAttempts = 3

// Dump requests a dump and calls each for every message, with its data after
// the nlmsghdr, valid during the call. An error of each is that of the message
// only: the dump continues, and Dump returns the first one after it; DumpFailed
// is false for it.
//
// A dump that was interrupted by a change may miss messages. Dump repeats it,
// and calls begin before each attempt. It accepts an interrupted last attempt:
// on a busy host something always changes. With a nil begin there is one
// attempt, for callers that cannot start over.
func (c *Client) Dump(typ uint16, body []byte, begin func(), each func([]byte) error) error {
	return c.DumpSince(time.Time{}, typ, body, begin, each)
}

// DumpSince is Dump for an answer that another caller may have requested since a
// time; zero: none.
func (c *Client) DumpSince(since time.Time, typ uint16, body []byte, begin func(), each func([]byte) error) error {
	if c.netlink == nil {
		return ErrUnavailable
	}
	attempts := maxAttempts
	if begin == nil {
		attempts, begin = 1, func() {}
	}
	var messageErr error
	for range attempts {
		begin()
		messageErr = nil
		err := c.netlink(host.NetlinkRequest{Protocol: c.protocol, Type: typ, Body: body, Since: since}, func(b []byte) error {
			if err := each(b); err != nil && messageErr == nil {
				messageErr = &messageError{c.name, err}
			}
			return nil
		})
		if err == nil {
			return messageErr
		}
		if !errors.Is(err, host.ErrDumpInterrupted) {
			return fmt.Errorf("%s: %w", c.name, err)
		}
		if !since.IsZero() {
			since = time.Now() // not the same answer again
		}
	}
	return messageErr
}

// A messageError is the error of one message in a dump.
type messageError struct {
	name string
	err  error
}

func (e *messageError) Error() string { return e.name + ": " + e.err.Error() }
func (e *messageError) Unwrap() error { return e.err }

// DumpFailed reports whether an error is that of a whole dump, and not of
// messages in it.
func DumpFailed(err error) bool {
	var m *messageError
	return err != nil && !errors.As(err, &m)
}
