package snapshot_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/snapshot"
	"github.com/hostexporter/host_exporter/collector/internal/test/golden"
)

// faultyFolder are the cases with a folder that cannot be listed. On disk it is a file that
// fails, and what records it sees a file.
var faultyFolder = map[string]bool{"zfs.states": true, "tapestats.forbidden": true, "infiniband.malformed": true}

// TestRecordAndReplay takes snapshots of the recorded hosts of all collectors, and replays
// them: the text is that of the golden file each time.
func TestRecordAndReplay(t *testing.T) {
	cases(t, func(t *testing.T, file string, spec collect.Spec) {
		original, err := snapshot.Load(file)
		if err != nil {
			t.Fatal(err)
		}
		content, err := os.ReadFile(strings.TrimSuffix(file, ".host") + ".prom")
		if err != nil {
			t.Fatal(err)
		}
		want := withoutCalls(string(content))
		r := snapshot.NewRecorder(golden.Load(t, file, golden.TempDir(t)))
		recorded := withoutCalls(read(t, r.Host(), original, spec))
		if recorded != want && !faultyFolder[strings.TrimSuffix(filepath.Base(file), ".host")] {
			t.Errorf("while it is recorded:\n%s", diff(want, recorded))
		}
		a, err := snapshot.Parse(r.Archive().Format())
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range original.Settings { // the options are the caller's
			if strings.HasPrefix(s.Key, "option ") || s.Key == "timeout" {
				a.Settings = append(a.Settings, s)
			}
		}
		h, err := snapshot.Replay(a)
		if err != nil {
			t.Fatal(err)
		}
		if replayed := withoutCalls(read(t, h, a, spec)); replayed != recorded {
			t.Errorf("replayed:\n%s", diff(recorded, replayed))
		}
	})
}
