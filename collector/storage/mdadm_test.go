package storage

import (
	"os"
	"strings"
	"testing"

	"github.com/prometheus/procfs"
)

// TestMdstatLikeProcfs holds the parser against procfs, on all arrays of the
// main case but one that procfs cannot read.
func TestMdstatLikeProcfs(t *testing.T) {
	b, err := os.ReadFile("../../testdata/storage/mdadm.host")
	if err != nil {
		t.Fatal(err)
	}
	_, text, _ := strings.Cut(string(b), "-- proc/mdstat --\n")
	text, _, _ = strings.Cut(text, "-- ")
	before, remote, _ := strings.Cut(text, "md43 ")
	_, after, _ := strings.Cut(remote, "\n\n")
	text = before + after

	root := t.TempDir()
	if err := os.WriteFile(root+"/mdstat", []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	fs, err := procfs.NewFS(root)
	if err != nil {
		t.Fatal(err)
	}
	theirs, err := fs.MDStat()
	if err != nil {
		t.Fatal(err)
	}
	ours, errs := parseMdstat([]byte(text))
	if len(errs) > 0 || len(ours) != len(theirs) || len(ours) < 15 {
		t.Fatalf("%d arrays, procfs has %d; %v", len(ours), len(theirs), errs)
	}
	words := map[string]string{"resyncing": "resync", "checking": "check", "reshaping": "reshape"}
	for i, a := range ours {
		m := theirs[i]
		state := m.ActivityState
		if w := words[state]; w != "" {
			state = w
		}
		if a.name != m.Name || a.state != state ||
			int64(a.disks.active) != m.DisksActive || int64(a.disks.total) != m.DisksTotal ||
			int64(a.failed) != m.DisksFailed || int64(a.spare) != m.DisksSpare ||
			int64(a.blocks.n) != m.BlocksTotal || int64(a.synced.n) != m.BlocksSynced {
			t.Errorf("%+v\nprocfs: %+v", a, m)
		}
	}
}

func FuzzMdstat(f *testing.F) {
	f.Add([]byte("Personalities : [raid1]\nmd0 : active raid1 sda[0](F) sdb[1]\n      100 blocks [2/1] [U_]\n      [>] recovery = 1.0% (1/100) finish=1min\n"))
	f.Add([]byte("md0 : inactive\n 1 blocks\n\tresync=DELAYED\n\nunused devices: <none>\n"))
	f.Add([]byte("md0 : active\n 1 blocks [/] [\n check = (\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		arrays, _ := parseMdstat(b)
		seen := map[string]bool{}
		for _, a := range arrays {
			if a.name == "" || a.state == "" || seen[a.name] {
				t.Errorf("%q: %+v", b, a)
			}
			seen[a.name] = true
		}
	})
}
