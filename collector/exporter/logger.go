package exporter

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"slices"
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
		logger = jsonLogger{w}
	}
	logger = log.With(orderedLogger{logger}, "ts", log.DefaultTimestampUTC)
	if caller {
		logger = log.With(logger, "caller", log.Caller(5))
	}
	return level.NewFilter(logger, level.Allow(level.ParseDefault(lvl, level.InfoValue())))
}

// An orderedLogger begins each line with the time, the caller, the level and the
// message. Libraries and loggers with context have them in other orders.
type orderedLogger struct{ next log.Logger }

func (l orderedLogger) Log(keyvals ...any) error {
	ordered := make([]any, 0, len(keyvals)+1)
	first := []any{"ts", "caller", level.Key(), "msg"}
	for _, key := range first {
		if i := slices.Index(keyvals, key); i >= 0 && i%2 == 0 && i+1 < len(keyvals) {
			ordered = append(ordered, key, keyvals[i+1])
		}
	}
	for i := 0; i < len(keyvals); i += 2 {
		if !slices.Contains(first, keyvals[i]) {
			ordered = append(ordered, keyvals[i:min(i+2, len(keyvals))]...)
		}
	}
	return l.next.Log(ordered...)
}

// A jsonLogger writes lines of JSON. That of go-kit sorts the keys.
type jsonLogger struct{ out io.Writer }

func (l jsonLogger) Log(keyvals ...any) error {
	line := []byte{'{'}
	for i := 0; i+1 < len(keyvals); i += 2 {
		if i > 0 {
			line = append(line, ',')
		}
		line = appendJSON(line, fmt.Sprint(keyvals[i]))
		line = append(line, ':')
		line = appendJSON(line, keyvals[i+1])
	}
	_, err := l.out.Write(append(line, "}\n"...))
	return err
}

// appendJSON appends a value of a log line.
func appendJSON(line []byte, v any) []byte {
	switch v.(type) {
	case error, fmt.Stringer:
		v = fmt.Sprint(v) // which survives a nil pointer
	}
	text, err := json.Marshal(v)
	if err != nil {
		text, _ = json.Marshal(fmt.Sprint(v))
	}
	return append(line, text...)
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
