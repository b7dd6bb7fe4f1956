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

// NewLogger returns the exporter's logger, and an slog.Logger with the same
// output for libraries. Levels are debug, info, warn and error; the format is
// logfmt or json. A call of the loggers returns when out has the line: to keep a
// stalled log from blocking the exporter, out is a LogWriter.
func NewLogger(out io.Writer, lvl, format string) (log.Logger, *slog.Logger) {
	handler := slgk.NewGoKitHandler(newLogger(out, lvl, format, false), slogLevel(lvl))
	return newLogger(out, lvl, format, true), slog.New(libraryHandler{handler})
}

// newLogger returns a logger. If caller is true, each line has its source file
// and line.
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

// A libraryHandler passes the records of libraries to the go-kit logger,
// without their time: the go-kit logger adds its own. It leaves out what errors
// quote of a file.
type libraryHandler struct{ slog.Handler }

func (h libraryHandler) Handle(ctx context.Context, r slog.Record) error {
	clean := slog.NewRecord(time.Time{}, r.Level, r.Message, r.PC)
	r.Attrs(func(a slog.Attr) bool {
		if text := a.Value.String(); withoutYAML(text) != text {
			a.Value = slog.StringValue(withoutYAML(text))
		}
		clean.AddAttrs(a)
		return true
	})
	return h.Handler.Handle(ctx, clean)
}

func slogLevel(lvl string) *slog.LevelVar {
	var v slog.LevelVar
	_ = v.UnmarshalText([]byte(lvl)) // an invalid level leaves it at info
	return &v
}
