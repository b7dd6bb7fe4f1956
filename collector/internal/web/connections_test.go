package web

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-kit/log"
	"github.com/mdlayher/vsock"
)

// listen returns a bound and a listener within it, on the loopback network.
func listen(t *testing.T, descriptors uint64) (*Connections, net.Listener) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	c := NewConnections(descriptors)
	return c, c.Listener(l, nil)
}

// connect connects from 127.0.1.N and returns both ends.
func connect(t *testing.T, l net.Listener, n byte) (client, server net.Conn) {
	t.Helper()
	dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 1, n)}}
	client, err := dialer.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close() })
	if server, err = l.Accept(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Close() })
	return client, server
}

// isClosed reports whether the server has closed a connection. It waits a
// little if it has not.
func isClosed(t *testing.T, client net.Conn) bool {
	t.Helper()
	if err := client.SetReadDeadline(time.Now().Add(20 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	_, err := client.Read(make([]byte, 1))
	return !errors.Is(err, os.ErrDeadlineExceeded)
}

// TestConnectionLimit exceeds the limit of all connections: the peer with the
// most connections loses the one that has waited longest.
func TestConnectionLimit(t *testing.T) {
	c, l := listen(t, 4*20) // 20 connections, 16 of one peer
	one, _ := connect(t, l, 1)
	var many []net.Conn
	for range 16 {
		client, _ := connect(t, l, 2)
		many = append(many, client)
	}
	for n := range byte(3) {
		connect(t, l, 10+n)
	}
	if isClosed(t, one) || isClosed(t, many[0]) {
		t.Fatal("closed below the limit")
	}
	connect(t, l, 20)
	if isClosed(t, one) || !isClosed(t, many[0]) || isClosed(t, many[1]) {
		t.Error("want the oldest connection of the largest peer closed")
	}
	connect(t, l, 2)
	if isClosed(t, one) || !isClosed(t, many[1]) {
		t.Error("want one of the same peer closed")
	}
	if n := c.closedCount.Load(); n != 2 || len(c.open) != 20 {
		t.Errorf("%d closed and %d open, want 2 and 20", n, len(c.open))
	}
}

// TestPeerLimit exceeds the limit of one peer, which other peers do not notice.
func TestPeerLimit(t *testing.T) {
	c, l := listen(t, 1024)
	other, _ := connect(t, l, 1)
	first, _ := connect(t, l, 2)
	second, _ := connect(t, l, 2)
	for range 63 {
		connect(t, l, 2)
	}
	if isClosed(t, other) || !isClosed(t, first) || isClosed(t, second) {
		t.Error("want the first connection of the peer closed")
	}
	if len(c.open) != 65 {
		t.Errorf("%d open, want 65", len(c.open))
	}
}

// TestProtectedConnections has a request on every connection: the new one is
// closed.
func TestProtectedConnections(t *testing.T) {
	c, l := listen(t, 4)
	first, server := connect(t, l, 1)
	n := server.(*conn)
	n.protect(1)
	refused, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer refused.Close()
	accepted := make(chan net.Conn, 1)
	go func() {
		conn, err := l.Accept()
		if err == nil {
			accepted <- conn
		}
	}()
	if err := refused.SetReadDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	if _, err := refused.Read(make([]byte, 1)); errors.Is(err, os.ErrDeadlineExceeded) {
		t.Error("the second connection is open")
	}
	if isClosed(t, first) {
		t.Error("the protected connection is closed")
	}
	n.protect(-1)
	third, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer third.Close()
	(<-accepted).Close()
	if !isClosed(t, first) {
		t.Error("the connection is not closed when it waits")
	}
	if len(c.open) != 0 || len(c.peers) != 0 || c.silent != 0 {
		t.Errorf("%v %v %d are left", c.open, c.peers, c.silent)
	}
}

// TestClosingListener closes a listener with connections in its queue: all are
// accepted before it ends.
func TestClosingListener(t *testing.T) {
	c, l := listen(t, 1024)
	for range 10 {
		conn, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	for i := range 10 {
		if _, err := l.Accept(); err != nil {
			t.Fatalf("connection %d: %v", i, err)
		}
	}
	if _, err := l.Accept(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("have error %v, want closed", err)
	}
	if conn, err := net.Dial("tcp", l.Addr().String()); err == nil {
		conn.Close()
		t.Error("still listening")
	}
	c.CloseSilent(time.Millisecond)
	if len(c.open) != 0 {
		t.Errorf("%d silent connections are open", len(c.open))
	}
}

func TestPeers(t *testing.T) {
	for _, tc := range []struct {
		address net.Addr
		want    string
	}{
		{&net.TCPAddr{IP: net.ParseIP("192.0.2.1"), Port: 1}, "192.0.2.1"},
		{&net.TCPAddr{IP: net.ParseIP("::ffff:192.0.2.1"), Port: 2}, "192.0.2.1"},
		{&net.TCPAddr{IP: net.ParseIP("2001:db8:1:2:3:4:5:6"), Port: 1}, "2001:db8:1:2::/64"},
		{&net.TCPAddr{IP: net.ParseIP("2001:db8:1:2::1"), Port: 1}, "2001:db8:1:2::/64"},
		{&net.TCPAddr{IP: net.ParseIP("fe80::1"), Zone: "eth0", Port: 1}, "fe80::/64"},
		{&vsock.Addr{ContextID: 3, Port: 9}, "vsock 3"},
		{&net.UnixAddr{Net: "unix"}, "unix"},
	} {
		if have := peer(tc.address); have != tc.want {
			t.Errorf("%v: %q, want %q", tc.address, have, tc.want)
		}
	}
}

// TestPipelinedErrors sends many requests that are answered with large errors,
// and reads none: the connection counts as waiting, and is closed when another
// one needs its place.
func TestPipelinedErrors(t *testing.T) {
	c, l := listen(t, 4)
	server := NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fail(w, http.StatusBadRequest, r.URL.RawQuery)
	}), c, log.NewNopLogger())
	go func() { _ = server.Serve(l) }()
	defer server.Close()
	conn, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	request := fmt.Sprintf("GET /?%s HTTP/1.1\r\nHost: x\r\n\r\n", strings.Repeat("x", 60000))
	for err == nil { // until the server no longer reads
		if err := conn.SetWriteDeadline(time.Now().Add(100 * time.Millisecond)); err != nil {
			t.Fatal(err)
		}
		_, err = io.WriteString(conn, request)
	}
	resp, err := http.Get("http://" + l.Addr().String() + "/?second")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if b, err := io.ReadAll(resp.Body); err != nil || string(b) != "second\n" {
		t.Errorf("%q, %v", b, err)
	}
}

func TestServerLog(t *testing.T) {
	var out bytes.Buffer
	l := serverLog{log.NewLogfmtLogger(&out)}
	for _, text := range []string{"http: TLS handshake error from 1.2.3.4:5: EOF\n", "http: Accept error: too many open files; retrying in 5ms\n", "http: panic serving 1.2.3.4:5: bug\ngoroutine 1:\nmain.go:1\n"} {
		fmt.Fprint(l, text)
	}
	want := `level=debug msg="HTTP error" err="http: TLS handshake error from 1.2.3.4:5: EOF"
level=warn msg="Cannot accept connections" err="http: Accept error: too many open files; retrying in 5ms"
level=error msg="Panic while answering a request" err="http: panic serving 1.2.3.4:5: bug" stack="goroutine 1:\nmain.go:1"
`
	if out.String() != want {
		t.Errorf("have\n%s\nwant\n%s", &out, want)
	}
}

// TestProtectedTLS has a request over HTTP/2 in progress on the only connection
// that the bound allows: a second connection is refused, and the request is
// answered.
func TestProtectedTLS(t *testing.T) {
	c, l := listen(t, 4)
	entered, proceed := make(chan struct{}), make(chan struct{})
	server := httptest.NewUnstartedServer(nil)
	server.Config = NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer protect(r)()
		close(entered)
		<-proceed
		fmt.Fprintln(w, r.Proto)
	}), c, log.NewNopLogger())
	server.Listener.Close()
	server.Listener, server.EnableHTTP2 = l, true
	server.StartTLS()
	defer server.Close()
	body := make(chan string, 1)
	go func() {
		resp, err := server.Client().Get(server.URL)
		if err != nil {
			body <- err.Error()
			return
		}
		defer resp.Body.Close()
		b, err := io.ReadAll(resp.Body)
		body <- fmt.Sprint(string(b), err)
	}()
	<-entered
	refused, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer refused.Close()
	if err := refused.SetReadDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	if _, err := refused.Read(make([]byte, 1)); errors.Is(err, os.ErrDeadlineExceeded) {
		t.Error("the second connection is open")
	}
	close(proceed)
	if have := <-body; have != "HTTP/2.0\n<nil>" {
		t.Errorf("the first request: %s", have)
	}
}

// TestWriters has responses that exceed the maximum number or the maximum size:
// the oldest are closed, and one that is too large on its own is not.
func TestWriters(t *testing.T) {
	ws := writers{max: 3, maxBytes: 100}
	add := func(size int) *writer {
		body := make([]byte, size)
		return ws.add(httptest.NewRecorder(), &body)
	}
	waiting := func() (sizes []int64) {
		for e := ws.list.Front(); e != nil; e = e.Next() {
			sizes = append(sizes, e.Value.(*writer).size())
		}
		return sizes
	}
	first := add(40)
	for _, step := range []struct {
		size int
		want []int64
	}{{50, []int64{40, 50}}, {20, []int64{50, 20}}, {10, []int64{50, 20, 10}}, {1, []int64{20, 10, 1}}, {500, []int64{500}}, {7, []int64{7}}} {
		add(step.size)
		if have := waiting(); !slices.Equal(have, step.want) {
			t.Errorf("after %d: %v, want %v", step.size, have, step.want)
		}
	}
	ws.finish(first, http.StatusOK) // closed before
	ws.finish(ws.list.Front().Value.(*writer), http.StatusOK)
	if ws.bytes != 0 || ws.list.Len() != 0 {
		t.Errorf("%d bytes of %d responses are left", ws.bytes, ws.list.Len())
	}
}
