package multipathd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// twoMaps is an answer as multipath-tools 0.9 writes it, shortened.
const twoMaps = `{
   "major_version": 0,
   "minor_version": 1,
   "maps": [{
      "name" : "mpatha", "uuid" : "3600a098038303053", "sysfs" : "dm-0", "failback" : "immediate",
      "queueing" : "5 chk", "paths" : 2, "write_prot" : "rw", "dm_st" : "active", "features" : "0",
      "hwhandler" : "1 alua", "action" : "", "path_faults" : 3, "vend" : "NETAPP", "prod" : "LUN C-Mode", "rev" : "9141",
      "switch_grp" : 4, "map_loads" : 2, "total_q_time" : 60, "q_timeouts" : 1,
      "path_groups": [{
         "selector" : "service-time 0", "pri" : 50, "dm_st" : "active", "marginal_st" : "normal", "group" : 1,
         "paths": [{
            "dev" : "sda", "dev_t" : "8:0", "dm_st" : "active", "dev_st" : "running", "chk_st" : "ready", "checker" : "tur",
            "pri" : 50, "host_wwnn" : "0x20", "marginal_st" : "normal"
         },{
            "dev" : "sdb", "dev_t" : "8:16", "dm_st" : "failed", "dev_st" : "running", "chk_st" : "i/o timeout", "checker" : "tur",
            "pri" : -1, "marginal_st" : "marginal"
         }]
      }]
   },{ "name" : "old", "sysfs" : "dm-1", "queueing" : "-", "features" : "1 queue_if_no_path", "path_faults" : "7" }]
}
`

// fake serves one end of a connection, after it has read the query.
func fake(serve func(net.Conn)) *Client {
	return &Client{
		Sockets: []string{"/run/multipathd.socket"},
		Dial: func(context.Context, string, string) (net.Conn, error) {
			ours, theirs := net.Pipe()
			go func() {
				defer func() { _ = theirs.Close() }()
				_, _ = readPacket(theirs)
				serve(theirs)
			}()
			return ours, nil
		},
	}
}

func answering(b []byte) *Client { return fake(func(c net.Conn) { _, _ = c.Write(b) }) }

func TestMaps(t *testing.T) {
	maps, err := answering(packet(twoMaps)).Maps(t.Context())
	if err != nil || len(maps) != 2 {
		t.Fatalf("%v, %v", maps, err)
	}
	m := maps[0]
	if m.Name != "mpatha" || m.Sysfs != "dm-0" || len(m.Groups) != 1 || len(m.Groups[0].Paths) != 2 || m.Check() != nil {
		t.Fatalf("%+v, %v", m, m.Check())
	}
	for i, n := range []Number{m.PathFaults, m.SwitchGroup, m.MapLoads, m.QueueingSeconds, m.QueueTimeouts, m.Groups[0].Paths[1].Priority} {
		if want := (Number{[]int64{3, 4, 2, 60, 1, -1}[i], true}); n != want {
			t.Errorf("number %d is %v, want %v", i, n, want)
		}
	}
	for i, p := range m.Groups[0].Paths {
		failed, known := p.Failed()
		marginal, knownToo := p.IsMarginal()
		state, ok := p.CheckerState()
		if !known || !knownToo || !ok || failed != (i == 1) || marginal != (i == 1) || state != []string{"ready", "io_timeout"}[i] {
			t.Errorf("%+v", p)
		}
	}
	old := maps[1]
	if old.PathFaults != (Number{7, true}) || old.SwitchGroup.Known || old.Groups != nil || old.Check() != nil {
		t.Errorf("%+v", old)
	}
	if queues, known := old.Queues(); !queues || !known {
		t.Error("features are not used where queueing is not configured")
	}
}

func TestQueues(t *testing.T) {
	for word, want := range map[string][2]bool{
		"on": {true, true}, "off": {false, true}, "30 sec": {true, true}, "5 chk": {true, true}, "-": {false, false}, "": {false, false}, "maybe": {false, false},
	} {
		queues, known := (&Map{Queueing: word}).Queues()
		if queues != want[0] || known != want[1] {
			t.Errorf("%q: %v, %v", word, queues, known)
		}
	}
}

func TestUnknownWords(t *testing.T) {
	for text, want := range map[string]string{
		strings.Replace(twoMaps, `"i/o timeout"`, `"tired"`, 1):                                          `mpatha: sdb: want a state of a checker, have "tired"`,
		strings.Replace(twoMaps, `"dm_st" : "failed"`, `"dm_st":"x"`, 1):                                 `mpatha: sdb: want a state of a path, have "x"`,
		strings.Replace(twoMaps, `"dm_st" : "active", "marginal_st"`, `"dm_st" : "y", "marginal_st"`, 1): `mpatha: want a state of a group, have "y"`,
		strings.Replace(twoMaps, `"5 chk"`, `"5 cows"`, 1):                                               `mpatha: want whether a map queues, have "5 cows"`,
	} {
		maps, err := parse([]byte(text))
		if err != nil {
			t.Errorf("%s: %v", want, err)
		} else if err := maps[0].Check(); err == nil || err.Error() != want {
			t.Errorf("have %v, want %s", err, want)
		}
	}
}

func TestBrokenAnswers(t *testing.T) {
	long := make([]byte, sizeOfLength)
	putLength(long, maxAnswer+1)
	none := make([]byte, sizeOfLength)
	for name, c := range map[string]struct {
		answer []byte
		want   string
	}{
		"closed early":          {nil, "want a length of 8 bytes, have 0: EOF"},
		"closed in the length":  {long[:3], "want a length of 8 bytes, have 3: unexpected EOF"},
		"huge length":           {long, "want an answer of 1 to 33554432 bytes, have a length of 33554433"},
		"no length":             {none, "have a length of 0"},
		"truncated":             {packet(twoMaps)[:sizeOfLength+492], "bytes, have 492: unexpected EOF"},
		"no NUL":                {append(packet("abcde")[:sizeOfLength+5], '!'), `want a NUL at the end of the answer, have "abcde!"`},
		"a word":                {packet("timeout\n"), `want maps in JSON, have "timeout\n"`},
		"nothing":               {packet(""), `want maps in JSON, have ""`},
		"JSON that ends":        {packet(twoMaps[:300]), "want maps in JSON"},
		"something behind":      {packet(twoMaps + "ok"), `want nothing after the maps, have "ok"`},
		"a list":                {packet("[]"), "want maps in JSON"},
		"other JSON":            {packet(`{"major_version":0}`), `want maps, have "{\"major_version\":0}"`},
		"no maps":               {packet(`{"maps":null}`), "want maps, have"},
		"another version":       {packet(`{"major_version":1,"maps":[]}`), "want maps of version 0, have 1"},
		"a number that is none": {packet(`{"maps":[{"name":"a","path_faults":"many"}]}`), "want a whole number, have many"},
	} {
		maps, err := answering(c.answer).Maps(t.Context())
		want := strings.ReplaceAll(c.want, "of 8 bytes", "of "+string(rune('0'+sizeOfLength))+" bytes")
		if err == nil || maps != nil || !strings.HasPrefix(err.Error(), "/run/multipathd.socket: ") || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: have %v, want %s", name, err, want)
		}
		var malformed *MalformedAnswer
		if whole := strings.Contains(want, "maps") || strings.Contains(want, "number"); errors.As(err, &malformed) != whole {
			t.Errorf("%s: %T", name, err)
		}
	}
}

// TestSilent is about a daemon that takes a question and never answers: that
// costs what it may and not more.
func TestSilent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := fake(func(c net.Conn) { _, _ = io.Copy(io.Discard, c) })
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start := time.Now()
		_, err := c.Maps(ctx)
		if !errors.Is(err, os.ErrDeadlineExceeded) || time.Since(start) != time.Second {
			t.Errorf("%v after %v", err, time.Since(start))
		}
	})
}

func TestRunning(t *testing.T) {
	queries := make(chan string, 1)
	c := &Client{Sockets: []string{"/a", SocketFile}, Dial: func(_ context.Context, network, address string) (net.Conn, error) {
		if address == "/a" {
			return nil, syscall.ENOENT
		}
		ours, theirs := net.Pipe()
		go func() {
			b, _ := readPacket(theirs)
			queries <- network + " " + address + " " + string(b)
			_, _ = theirs.Write(packet("pid 7 running\n"))
			_ = theirs.Close()
		}()
		return ours, nil
	}}
	if err := c.Running(t.Context()); err != nil {
		t.Error(err)
	}
	if have, want := <-queries, "unix /run/multipathd.socket show daemon"; have != want {
		t.Errorf("%s, want %s", have, want)
	}
	c.Sockets = []string{"/a", "/a"}
	if err := c.Running(t.Context()); !errors.Is(err, syscall.ENOENT) || !strings.HasPrefix(err.Error(), "/a: ") {
		t.Error(err)
	}
}

// TestBothEndsOfASocket goes over a real socket, in the namespace that has no
// files.
func TestBothEndsOfASocket(t *testing.T) {
	l, err := net.Listen("unix", "@host_exporter_test_"+t.Name()+"_"+time.Now().Format("150405.000000000"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			if b, _ := readPacket(conn); string(b) == "list maps json" {
				_, _ = conn.Write(packet(twoMaps))
			}
			_ = conn.Close()
		}
	}()
	c := &Client{Dial: new(net.Dialer).DialContext, Sockets: []string{t.TempDir() + "/none", l.Addr().String()}}
	if maps, err := c.Maps(t.Context()); err != nil || len(maps) != 2 {
		t.Errorf("%v, %v", maps, err)
	}
	_ = l.Close()
	if _, err := c.Maps(t.Context()); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Error(err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(twoMaps))
	f.Add([]byte(`{"maps":[{"name":"a","path_groups":[null]}]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		maps, err := parse(b)
		if err != nil && maps != nil {
			t.Errorf("%v and %v", maps, err)
		}
		for i := range maps {
			_ = maps[i].Check()
			_, _ = maps[i].Queues()
		}
	})
}

// TestAbstractSocketOfAnotherUser has a listener in the abstract namespace whose
// user is not that of the daemon.
func TestAbstractSocketOfAnotherUser(t *testing.T) {
	socket := fmt.Sprintf("@host_exporter-test-%d", os.Getpid())
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = readPacket(conn)
			_, _ = conn.Write(packet("pid 1 running"))
			_ = conn.Close()
		}
	}()
	user := uint32(os.Getuid())
	c := &Client{Dial: new(net.Dialer).DialContext, Sockets: []string{socket}, owner: user}
	if err := c.Running(t.Context()); err != nil {
		t.Error(err)
	}
	c.owner = user + 1
	want := fmt.Sprintf("%s: want a listener of user %d, have one of user %d", socket, user+1, user)
	if err := c.Running(t.Context()); err == nil || err.Error() != want {
		t.Errorf("have %v, want %s", err, want)
	}
}
