package command

import (
	"bytes"
	"io"
	"testing"
	"time"
)

// TestProgress has ticks, and then output.
func TestProgress(t *testing.T) {
	var out bytes.Buffer
	ticks, started := make(chan time.Time), time.Now()
	p := startProgress(&out, "Collecting", started, ticks)
	ticks <- started.Add(time.Second)
	ticks <- started.Add(2 * time.Second)
	w := writerAfter{&out, p}
	for _, line := range []string{"a\n", "b\n"} {
		if _, err := io.WriteString(w, line); err != nil {
			t.Fatal(err)
		}
	}
	p.end()
	want := clearLine + "Collecting for 1s " + clearLine + "Collecting for 2s " + clearLine + "a\nb\n"
	if out.String() != want {
		t.Errorf("have %q, want %q", &out, want)
	}
}

// TestNoProgress ends before a tick: nothing is written.
func TestNoProgress(t *testing.T) {
	var out bytes.Buffer
	startProgress(&out, "Collecting", time.Now(), nil).end()
	if out.Len() > 0 {
		t.Errorf("have %q", &out)
	}
}
