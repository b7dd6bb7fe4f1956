package web

import (
	"container/list"
	"net/http"
	"sync"
	"time"
)

// writeTimeout is the maximum time for writing a rendered response.
const writeTimeout = 15 * time.Second

// maxWriters is the maximum number of responses that wait for their clients to
// read. Most fit in the socket's buffer and do not wait.
const maxWriters = 64

// writers are the responses that are being written. If there are too many, the
// oldest is closed, so that clients that stop reading affect only each other.
type writers struct {
	mu   sync.Mutex
	list list.List // of *http.ResponseController, oldest first
}

func (ws *writers) write(w http.ResponseWriter, code int, body []byte) {
	rc := http.NewResponseController(w)
	// Only the ResponseWriters of net/http's server have deadlines.
	_ = rc.SetWriteDeadline(time.Now().Add(writeTimeout))
	defer ws.remove(ws.add(rc))
	w.WriteHeader(code)
	_, _ = w.Write(body) // the client does not read, or disconnected
}

func (ws *writers) add(rc *http.ResponseController) *list.Element {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	if ws.list.Len() >= maxWriters {
		oldest := ws.list.Front()
		_ = oldest.Value.(*http.ResponseController).SetWriteDeadline(time.Now())
		ws.list.Remove(oldest)
	}
	return ws.list.PushBack(rc)
}

func (ws *writers) remove(e *list.Element) {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	ws.list.Remove(e) // does nothing if add removed it
}
