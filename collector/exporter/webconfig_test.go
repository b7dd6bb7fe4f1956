package exporter

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestWebConfigQuotesNothing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "web.yml")
	for text, want := range map[string]string{
		"":                            "",
		"basic_auth_users: hunter2\n": path + ": line 1: unknown key, or a value of the wrong kind",
		"tls_server_config:\n  hunter2: hunter2\nhunter3: 1\n": path + ": line 2, line 3: unknown key, or a value of the wrong kind",
	} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		have := ""
		err := validateWebConfig(path)
		if err != nil {
			have = err.Error()
		}
		if have != want {
			t.Errorf("%q: %s, want %s", text, have, want)
		}
	}

	var logs bytes.Buffer
	_, logger := NewLogger(&logs, "info", "logfmt")
	logger.Error("Unable to parse configuration", "err", errors.New("yaml: unmarshal errors:\n  line 7: cannot unmarshal !!str `hunter2` into int"), "n", 5)
	if have := logs.String(); strings.Contains(have, "hunter") || !strings.Contains(have, `err="line 7: unknown key, or a value of the wrong kind" n=5`) {
		t.Error(have)
	}
}
