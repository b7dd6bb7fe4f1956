package command

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"
)

// TestParse has parsers that misbehave: only their supervisor ends.
func TestParse(t *testing.T) {
	for _, tc := range []struct{ spec, contains string }{
		{`"spin"`, "/bin/sh: parsing the output took more than 300ms"},
		{`"allocate"`, "in at most 67108864 bytes of memory: exit status "},
		{`"large"`, "exit status 1: host_exporter-supervisor: want a message of at most 16777216 bytes"},
		{`"crash"`, "exit status 2: panic: a fault of the parser"},
	} {
		timeout := 20 * time.Second
		if strings.Contains(tc.contains, "300ms") {
			timeout = 300 * time.Millisecond
		}
		c := shell("echo fine")
		c.Memory = 64 << 20
		c.Parse = func(Result) []byte { return []byte(tc.spec) }
		res := NewRunner(Options{ParseTimeout: timeout}).Run(t.Context(), c)
		want(t, res, Parse)
		if !strings.Contains(fmt.Sprint(res.Err), tc.contains) || res.Parsed != nil || res.ExitCode != 0 {
			t.Errorf("%s: %v, %.20q", tc.spec, res.Err, res.Parsed)
		}
		if res.Duration > 10*time.Second {
			t.Errorf("%s: it took %v", tc.spec, res.Duration)
		}
		nothingLeft(t)
	}
}

// TestParseChoice parses only what Parse wants.
func TestParseChoice(t *testing.T) {
	c := shell("echo fine; exit 3")
	c.Parse = func(r Result) []byte {
		if r.Reason != Exit || r.ExitCode != 3 {
			t.Errorf("%+v", r)
		}
		return nil
	}
	res := runAlone(t, t.Context(), c)
	want(t, res, Exit)
	if res.Parsed != nil {
		t.Errorf("%q", res.Parsed)
	}
	c.Parse = nil
	if res := runAlone(t, t.Context(), c); res.Parsed != nil {
		t.Errorf("%q", res.Parsed)
	}
}

// TestCancelledParsing cancels the context while the output is parsed.
func TestCancelledParsing(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	c := shell("echo fine")
	c.Parse = func(Result) []byte {
		time.AfterFunc(50*time.Millisecond, cancel)
		return []byte(`"spin"`)
	}
	want(t, runAlone(t, ctx, c), Cancelled)
}
