package checks

import (
	"context"
	"runtime"
	"strings"
	"testing"
	"time"
)

// TestHostileOutput has outputs whose parsing would take minutes or hundreds of
// megabytes. It costs this process neither.
func TestHostileOutput(t *testing.T) {
	if testing.Short() {
		t.Skip("takes as long as parsing may")
	}
	c, defs := newProcessChecks(t, `
slow:
  shell: "head -c 250000 /dev/zero | tr '\\0' a; echo"
  format: regexp
  metrics: [{name: x, whole: true, pattern: '(?P<value>a)(?:.*b)?'}]
  max-series: 100000
large:
  shell: echo '{"n":400000000}'
  format: json
  jq-timeout: 10s
  metrics: [{name: x, each: '.', value: '"x" * .n | length'}]
`)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	started := time.Now()
	for _, name := range []string{"slow", "large"} {
		out := c.RunOnce(context.Background(), defs[name])
		if out.Reason != "parse" || out.Err == nil || !strings.Contains(out.Err.Error(), "parsing the output") || out.Families != nil {
			t.Errorf("%s: %s %v", name, out.Reason, out.Err)
		}
		if len(out.Err.Error()) > 600 {
			t.Errorf("%s: an error of %d bytes", name, len(out.Err.Error()))
		}
	}
	if took := time.Since(started); took > 30*time.Second {
		t.Errorf("it took %v", took)
	}
	runtime.ReadMemStats(&after)
	if n := after.TotalAlloc - before.TotalAlloc; n > 4<<20 {
		t.Errorf("this process allocated %d bytes", n)
	}
}
