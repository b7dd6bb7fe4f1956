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

// writers are the responses that are being written. If there are too many, or
// they take too much memory together, the oldest is closed, so that clients that
// stop reading affect only each other. A response that is too large on its own
// is written nevertheless.
type writers struct {
	max      int
	maxBytes int64

	mu    sync.Mutex
	list  list.List // of *writer, oldest first
	bytes int64     // of all in list
}

// A writer is one response.
type writer struct {
	w       http.ResponseWriter
	control *http.ResponseController
	buffer  *[]byte
	element *list.Element
}

// write writes a response.
func (ws *writers) write(w http.ResponseWriter, code int, body []byte) {
	ws.finish(ws.add(w, &body), code)
}

// add makes room for a response. The caller must call finish.
func (ws *writers) add(w http.ResponseWriter, body *[]byte) *writer {
	added := &writer{w: w, control: http.NewResponseController(w), buffer: body}
	ws.mu.Lock()
	defer ws.mu.Unlock()
	for ws.list.Len() > 0 && (ws.list.Len() >= ws.max || ws.bytes+added.size() > ws.maxBytes) {
		oldest := ws.list.Front().Value.(*writer)
		_ = oldest.control.SetWriteDeadline(time.Now())
		ws.remove(oldest)
	}
	added.element = ws.list.PushBack(added)
	ws.bytes += added.size()
	// Only the ResponseWriters of net/http's server have deadlines.
	_ = added.control.SetWriteDeadline(time.Now().Add(writeTimeout))
	return added
}

// finish writes a response that add has returned.
func (ws *writers) finish(wr *writer, code int) {
	wr.w.WriteHeader(code)
	_, _ = wr.w.Write(*wr.buffer) // the client does not read, or disconnected
	ws.mu.Lock()
	defer ws.mu.Unlock()
	ws.remove(wr)
}

func (ws *writers) remove(wr *writer) {
	if wr.element != nil {
		ws.list.Remove(wr.element)
		ws.bytes -= wr.size()
		wr.element = nil
	}
}

// size returns the memory that a response takes.
func (wr *writer) size() int64 { return int64(cap(*wr.buffer)) }
