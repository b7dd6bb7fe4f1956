package web

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/mdlayher/vsock"

	"github.com/hostexporter/host_exporter/collector/internal/host"
)

// maxConnections is the maximum number of open connections, as far as the
// process may have four times as many descriptors.
const maxConnections = 256

// minPerPeer is the maximum number of connections of one peer, as far as a
// quarter of all connections is not more.
const minPerPeer = 16

// Connections bounds the open connections of all listeners of a server, so that
// clients cannot use up the descriptors that collectors need. At the limit it
// closes the connection that has waited longest for a request, of the peer that
// has the most connections: a client that holds many connections loses its own.
// A connection is not closed while it is protected, which is while it has one of
// the places for scrapes, for pages or for responses; if all are, the new
// connection is closed. It is safe for concurrent use.
type Connections struct {
	max, maxPerPeer int
	closedCount     atomic.Uint64 // because of a limit

	mu       sync.Mutex
	open     map[*conn]struct{}
	peers    map[string]int // number of open connections by peer
	silent   int            // number of open connections without a request yet
	noSilent chan struct{}  // closed when silent becomes 0; nil: CloseSilent does not wait
}

// NewConnections returns a bound for a process that may have a number of
// descriptors.
func NewConnections(descriptors uint64) *Connections {
	limit := int(max(1, min(maxConnections, descriptors/4)))
	return &Connections{max: limit, maxPerPeer: min(limit, max(limit/4, minPerPeer)), open: map[*conn]struct{}{}, peers: map[string]int{}}
}

// DescriptorLimit returns how many descriptors the process may have.
func DescriptorLimit() uint64 {
	limit, err := host.MaxOpenFiles()
	if err != nil {
		return 4 * maxConnections
	}
	return limit
}

// Listener returns a listener that accepts the connections of l within the
// bound. It calls ready, unless it is nil, before it accepts the first one: a
// server is set up by then. Close lets the server accept what is in the queue of
// the kernel before it closes l, so that no client that has connected is reset.
func (c *Connections) Listener(l net.Listener, ready func()) net.Listener {
	return &listener{Listener: l, connections: c, ready: ready}
}

// handler returns a handler that notes the time of each request.
func (c *Connections) handler(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if n, ok := r.Context().Value(connKey{}).(*conn); ok {
			n.beginRequest()
		}
		next.ServeHTTP(w, r)
	})
}

// protect protects the connection of a request until the caller calls end. A
// request must not be protected while it waits for its client, unless the number
// of such requests and the time are bounded.
func protect(r *http.Request) (end func()) {
	n, ok := r.Context().Value(connKey{}).(*conn)
	if !ok { // a server of an embedding program
		return func() {}
	}
	n.protect(1)
	return func() { n.protect(-1) }
}

type connKey struct{}

// connContext adds the connection to the context of its requests. It is the
// ConnContext of an http.Server.
func connContext(ctx context.Context, c net.Conn) context.Context {
	if t, ok := c.(*tls.Conn); ok {
		c = t.NetConn()
	}
	return context.WithValue(ctx, connKey{}, c)
}

// add adds a connection. It returns nil if there is no place for it, and closes
// it then.
func (c *Connections) add(raw net.Conn) net.Conn {
	added := &conn{Conn: raw, connections: c, peer: peer(raw.RemoteAddr()), waitsSince: time.Now()}
	victim := c.insert(added)
	if victim != nil {
		c.closedCount.Add(1)
		_ = victim.Conn.Close()
	}
	if victim == added {
		return nil
	}
	return added
}

// insert inserts a connection and removes the one that must be closed for it,
// which may be itself. It returns nil if there is room.
func (c *Connections) insert(added *conn) (victim *conn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.peers[added.peer] >= c.maxPerPeer:
		victim = c.longestWaiting(func(n *conn) bool { return n.peer == added.peer })
	case len(c.open) >= c.max:
		victim = c.longestWaiting(func(*conn) bool { return true })
	default:
		c.insertOpen(added)
		return nil
	}
	if victim == nil {
		return added
	}
	c.remove(victim)
	c.insertOpen(added)
	return victim
}

func (c *Connections) insertOpen(n *conn) {
	c.open[n] = struct{}{}
	c.peers[n.peer]++
	n.silent = true
	c.silent++
}

// longestWaiting returns the connection that has waited longest for a request,
// of the peer with the most connections; nil if every one is protected.
func (c *Connections) longestWaiting(candidate func(*conn) bool) (longest *conn) {
	for n := range c.open {
		if n.protected > 0 || !candidate(n) {
			continue
		}
		if longest == nil || c.peers[n.peer] > c.peers[longest.peer] ||
			c.peers[n.peer] == c.peers[longest.peer] && n.waitsSince.Before(longest.waitsSince) {
			longest = n
		}
	}
	return longest
}

func (c *Connections) remove(n *conn) {
	if _, ok := c.open[n]; !ok {
		return
	}
	delete(c.open, n)
	if c.peers[n.peer]--; c.peers[n.peer] == 0 {
		delete(c.peers, n.peer)
	}
	c.endSilence(n)
}

func (c *Connections) endSilence(n *conn) {
	if !n.silent {
		return
	}
	n.silent = false
	if c.silent--; c.silent == 0 && c.noSilent != nil {
		close(c.noSilent)
		c.noSilent = nil
	}
}

// CloseSilent waits until every connection has had a request, at most for a
// time, and closes those that have had none.
func (c *Connections) CloseSilent(timeout time.Duration) {
	c.mu.Lock()
	if c.silent > 0 {
		done := make(chan struct{})
		c.noSilent = done
		c.mu.Unlock()
		timer := time.NewTimer(timeout)
		defer timer.Stop()
		select {
		case <-done:
		case <-timer.C:
		}
		c.mu.Lock()
	}
	c.noSilent = nil
	var silent []*conn
	for n := range c.open {
		if n.silent {
			silent = append(silent, n)
		}
	}
	c.mu.Unlock()
	for _, n := range silent {
		_ = n.Close()
	}
}

// peer returns what stands for the other side of a connection: an IPv4 address,
// an IPv6 network, as one host may have all of its addresses, or a virtual
// machine. All clients of unix sockets are one peer.
func peer(a net.Addr) string {
	switch a := a.(type) {
	case *net.TCPAddr:
		ip := a.AddrPort().Addr().Unmap()
		if ip.Is6() {
			return netip.PrefixFrom(ip.WithZone(""), 64).Masked().String()
		}
		return ip.String()
	case *vsock.Addr:
		return fmt.Sprint("vsock ", a.ContextID)
	}
	return "unix"
}

// A conn is a connection within the bound.
type conn struct {
	net.Conn
	connections *Connections
	peer        string
	silent      bool      // no request yet
	protected   int       // number of requests that protect it; several with HTTP/2
	waitsSince  time.Time // when it was accepted, or the last request began or ended
}

func (n *conn) beginRequest() {
	now := time.Now()
	n.connections.mu.Lock()
	defer n.connections.mu.Unlock()
	n.connections.endSilence(n)
	n.waitsSince = now
}

func (n *conn) protect(delta int) {
	now := time.Now()
	n.connections.mu.Lock()
	defer n.connections.mu.Unlock()
	n.protected += delta
	n.waitsSince = now
}

// Close implements net.Conn.
func (n *conn) Close() error {
	n.connections.mu.Lock()
	n.connections.remove(n)
	n.connections.mu.Unlock()
	return n.Conn.Close()
}

// CloseWrite ends what is sent. A server does so, and waits, before it closes a
// connection with unread data: otherwise the client's system could drop the
// response.
func (n *conn) CloseWrite() error {
	if w, ok := n.Conn.(interface{ CloseWrite() error }); ok {
		return w.CloseWrite()
	}
	return nil
}

// drainTime is how long a closing listener waits for one more connection in its
// queue, and maxDrainTime for all.
const (
	drainTime    = 10 * time.Millisecond
	maxDrainTime = time.Second
)

// A listener is a net.Listener of a Connections.
type listener struct {
	net.Listener
	connections *Connections
	ready       func()
	accepts     sync.Once
	closing     atomic.Pointer[time.Time] // when Close was called
}

type deadliner interface{ SetDeadline(time.Time) error }

// Accept implements net.Listener.
func (l *listener) Accept() (net.Conn, error) {
	l.accepts.Do(func() {
		if l.ready != nil {
			l.ready()
		}
	})
	for {
		raw, err := l.Listener.Accept()
		closing := l.closing.Load()
		if err != nil {
			if e, ok := err.(net.Error); ok && e.Timeout() && closing != nil {
				_ = l.Listener.Close()
				return nil, net.ErrClosed
			}
			return nil, err
		}
		if closing != nil && time.Since(*closing) < maxDrainTime {
			_ = l.Listener.(deadliner).SetDeadline(time.Now().Add(drainTime))
		}
		if added := l.connections.add(raw); added != nil {
			return added, nil
		}
	}
}

// Close implements net.Listener. The last Accept closes the listener.
func (l *listener) Close() error {
	d, ok := l.Listener.(deadliner)
	now := time.Now()
	if !ok || !l.closing.CompareAndSwap(nil, &now) || d.SetDeadline(now.Add(drainTime)) != nil {
		return l.Listener.Close()
	}
	return nil
}

// isLocal reports whether a request came over a unix socket.
func isLocal(r *http.Request) bool {
	a, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	return ok && strings.HasPrefix(a.Network(), "unix")
}
