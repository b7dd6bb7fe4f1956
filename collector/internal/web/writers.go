package web

import (
	"container/list"
	"net/http"
	"sync"
	"time"
)

// A client gets this long to take a response that is ready.
const writeTimeout = 15 * time.Second

// maxWriters bounds the responses that wait for their clients to read. Most
// fit into the socket's buffer and never wait.
const maxWriters = 64

// writers are the responses being written. When there are too many, the one
// that has been at it longest is cut off: clients that stop reading can then
// take memory and places from each other only.
type writers struct {
	mu   sync.Mutex
	list list.List // of *http.ResponseController, oldest first
}

func (ws *writers) write(w http.ResponseWriter, code int, body []byte) {
	rc := http.NewResponseController(w)
	// Not every ResponseWriter has deadlines; those of net/http's server do.
	_ = rc.SetWriteDeadline(time.Now().Add(writeTimeout))
	defer ws.leave(ws.enter(rc))
	w.WriteHeader(code)
	_, _ = w.Write(body) // the client's trouble, not ours
}

func (ws *writers) enter(rc *http.ResponseController) *list.Element {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	if ws.list.Len() >= maxWriters {
		oldest := ws.list.Front()
		_ = oldest.Value.(*http.ResponseController).SetWriteDeadline(time.Now())
		ws.list.Remove(oldest)
	}
	return ws.list.PushBack(rc)
}

func (ws *writers) leave(e *list.Element) {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	ws.list.Remove(e) // no harm when it was cut off
}
