package exporter

import (
	"bytes"
	"encoding/json"
	"errors"
	"regexp"
	"strings"
	"testing"

	"github.com/go-kit/log"
	"github.com/go-kit/log/level"
)

// TestLogKeys logs by both loggers, with and without context: every line has the time,
// the caller, the level and the message first.
func TestLogKeys(t *testing.T) {
	var none *NeedsRestartError
	for format, pattern := range map[string]string{
		"logfmt": `^ts=\S+ caller=logger_test.go:\d+ level=(info|warn) msg="?A`,
		"json":   `^\{"ts":"[^"]+","caller":"logger_test.go:\d+","level":"(info|warn)","msg":"A`,
	} {
		var out bytes.Buffer
		own, library := NewLogger(&out, "info", format)
		_ = level.Info(own).Log("msg", "A b", "n", 3)
		_ = level.Warn(log.With(own, "collector", "hba")).Log("err", errors.New("a \"quoted\" text\nof two lines"), "msg", "A")
		_ = level.Info(own).Log("msg", "A", "odd", none, "function", strings.Cut)
		library.Info("A c", "address", ":9100", "http2", false)
		lines := strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
		if len(lines) != 4 {
			t.Errorf("%s: %d lines", format, len(lines))
		}
		for _, line := range lines {
			if !regexp.MustCompile(pattern).MatchString(line) {
				t.Errorf("%s: have %s", format, line)
			}
			if format == "json" && !json.Valid([]byte(line)) {
				t.Errorf("not valid: %s", line)
			}
		}
	}
}
