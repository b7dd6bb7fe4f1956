package exporter

import (
	"context"
	"io"
	"log/slog"
	"time"

	"github.com/go-kit/log"
	"github.com/go-kit/log/level"
	slgk "github.com/tjhop/slog-gokit"
)

// NewLogger returns the exporter's logger, and the same for libraries that
// want an slog.Logger. Levels are debug, info, warn and error; the format is
// logfmt or json.
func NewLogger(out io.Writer, lvl, format string) (log.Logger, *slog.Logger) {
	handler := slgk.NewGoKitHandler(newLogger(out, lvl, format, false), slogLevel(lvl))
	return newLogger(out, lvl, format, true), slog.New(libraryHandler{handler})
}

// newLogger returns a logger; with caller, a line says where it was written.
func newLogger(out io.Writer, lvl, format string, caller bool) log.Logger {
	w := log.NewSyncWriter(out)
	logger := log.NewLogfmtLogger(w)
	if format == "json" {
		logger = log.NewJSONLogger(w)
	}
	logger = log.With(logger, "ts", log.DefaultTimestampUTC)
	if caller {
		logger = log.With(logger, "caller", log.Caller(5))
	}
	return level.NewFilter(logger, level.Allow(level.ParseDefault(lvl, level.InfoValue())))
}

// libraryHandler brings what a library logs to the go-kit logger, which has a
// time of its own.
type libraryHandler struct{ slog.Handler }

func (h libraryHandler) Handle(ctx context.Context, r slog.Record) error {
	r.Time = time.Time{}
	return h.Handler.Handle(ctx, r)
}

func slogLevel(lvl string) *slog.LevelVar {
	var v slog.LevelVar
	_ = v.UnmarshalText([]byte(lvl)) // other words leave it at info
	return &v
}
