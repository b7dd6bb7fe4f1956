package exporter

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/hostexporter/host_exporter/collector/checks"
	"github.com/hostexporter/host_exporter/collector/internal/frame"
)

// A messageKind is what a message between the runner and serve says.
type messageKind string

const (
	// From the runner.
	helloMessage    messageKind = "hello"    // the first one: what serve needs to know
	updateMessage   messageKind = "update"   // of a check: the body is for checks.Mirror
	completeMessage messageKind = "complete" // all checks have been sent once
	loadMessage     messageKind = "load"     // load the configuration, or record why the runner could not
	resultMessage   messageKind = "result"   // of the reload that serve requested
	endMessage      messageKind = "end"      // finish the requests in progress and exit

	// From serve. None of them names anything to run.
	readyMessage    messageKind = "ready"    // it answers requests
	loadedMessage   messageKind = "loaded"   // the answer to load
	reloadMessage   messageKind = "reload"   // reload, please
	stoppingMessage messageKind = "stopping" // it accepts no more connections
	statusMessage   messageKind = "status"   // a new status line
	watchdogMessage messageKind = "watchdog" // it is alive
	dropsMessage    messageKind = "drops"    // series that it dropped of a check
)

// Maximum sizes of messages in bytes.
const (
	maxToServe  = checks.MaxUpdate + 64<<10
	maxToRunner = 64 << 10
	maxText     = 16 << 10 // of an error or a status
)

// linkTimeout is how long a write may take: the other process always reads, unless it
// hangs.
const linkTimeout = 10 * time.Second

// A message is one message in either direction: a line of JSON, and a body.
type message struct {
	Kind messageKind

	Listeners int           `json:",omitempty"` // of hello: their number
	Watchdog  time.Duration `json:",omitempty"` // of hello: timeout of the service manager's watchdog
	Replaces  bool          `json:",omitempty"` // of hello: another serve has run before

	ID           uint64 `json:",omitempty"` // of load and its answer
	Err          string `json:",omitempty"` // of load, loaded and result; empty for success
	NeedsRestart bool   `json:",omitempty"` // of loaded: only a new serve can load the configuration
	Status       string `json:",omitempty"` // of ready, loaded and status

	Check  string `json:",omitempty"` // of drops
	Reason string `json:",omitempty"`
	N      int    `json:",omitempty"`

	body []byte
}

// A link is one end of the connection between the runner and serve. Sending is safe for
// concurrent use.
type link struct {
	conn     net.Conn
	maxSent  int
	maxRead  int
	sendLock sync.Mutex
}

func newRunnerLink(conn net.Conn) *link {
	return &link{conn: conn, maxSent: maxToServe, maxRead: maxToRunner}
}
func newServeLink(conn net.Conn) *link {
	return &link{conn: conn, maxSent: maxToRunner, maxRead: maxToServe}
}

// send sends a message.
func (l *link) send(m message) error {
	m.Err, m.Status = clip(m.Err), clip(m.Status)
	b, err := json.Marshal(m)
	if err != nil {
		return err
	}
	l.sendLock.Lock()
	defer l.sendLock.Unlock()
	if err := l.conn.SetWriteDeadline(time.Now().Add(linkTimeout)); err != nil {
		return err
	}
	return frame.Write(l.conn, append(append(b, '\n'), m.body...), l.maxSent)
}

// clip returns the first part of a text, if it is long.
func clip(text string) string {
	if len(text) > maxText {
		return text[:maxText] + "..."
	}
	return text
}

// receive returns the next message.
func (l *link) receive() (m message, err error) {
	b, err := frame.Read(l.conn, l.maxRead)
	if err != nil {
		return m, err
	}
	head, body, ok := bytes.Cut(b, []byte("\n"))
	if !ok {
		return m, fmt.Errorf("want a message with a line, have %.100q", b)
	}
	if err := json.Unmarshal(head, &m); err != nil {
		return m, err
	}
	m.body = body
	return m, nil
}
