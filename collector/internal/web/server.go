package web

import (
	"bytes"
	"log"
	"net/http"
	"strings"
	"time"

	gokit "github.com/go-kit/log"
	"github.com/go-kit/log/level"
)

// maxStreams is the maximum number of requests at once in one connection of
// HTTP/2, more than a proxy needs for --web.max-requests.
const maxStreams = 64

// NewServer returns a server for one listener of a Connections. Its messages go
// to logger.
func NewServer(handler http.Handler, connections *Connections, logger gokit.Logger) *http.Server {
	return &http.Server{
		Handler:           connections.handler(handler),
		ConnContext:       connContext,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
		WriteTimeout:      2 * time.Minute, // of a whole scrape; a rendered response has less
		IdleTimeout:       5 * time.Minute, // longer than any sensible scrape interval
		MaxHeaderBytes:    64 << 10,
		HTTP2: &http.HTTP2Config{
			MaxConcurrentStreams: maxStreams,
			SendPingTimeout:      time.Minute,
			PingTimeout:          writeTimeout,
			WriteByteTimeout:     writeTimeout,
		},
		ErrorLog: log.New(serverLog{logger}, "", 0),
	}
}

// A serverLog logs the messages of an http.Server. Clients cause most of them,
// so that they must not fill the log: these are at level debug.
type serverLog struct{ gokit.Logger }

// Write implements io.Writer.
func (l serverLog) Write(b []byte) (int, error) {
	text := string(bytes.TrimSpace(b))
	switch {
	case strings.HasPrefix(text, "http: panic serving"), strings.HasPrefix(text, "http2: panic serving"):
		first, stack, _ := strings.Cut(text, "\n")
		_ = level.Error(l.Logger).Log("msg", "Panic while answering a request", "err", first, "stack", stack)
	case strings.HasPrefix(text, "http: Accept error"):
		_ = level.Warn(l.Logger).Log("msg", "Cannot accept connections", "err", text)
	default:
		_ = level.Debug(l.Logger).Log("msg", "HTTP error", "err", text)
	}
	return len(b), nil
}
