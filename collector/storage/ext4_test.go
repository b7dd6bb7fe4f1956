package storage

import (
	"fmt"
	"path/filepath"
	"testing"

	procfs "github.com/prometheus/procfs/ext4"

	"github.com/hostexporter/host_exporter/collector/internal/test/golden"
)

// manyExt4 returns a host with file systems whose numbers are distinct.
func manyExt4(t testing.TB, fileSystems int) *golden.Workbench {
	b := golden.NewWorkbench(t, ext4.Build, nil)
	for fs := range fileSystems {
		for i, file := range []string{"errors_count", "warning_count", "msg_count", "first_error_time", "last_error_time", "lifetime_write_kbytes"} {
			b.Sys(fmt.Sprintf("fs/ext4/dm-%d/%s", fs, file), fmt.Sprintln(100*fs+i+1))
		}
	}
	return b
}

func TestExt4MatchesProcfs(t *testing.T) {
	b := manyExt4(t, 3)
	have, errs := b.Update()
	if errs != nil {
		t.Fatal(errs)
	}
	fs, err := procfs.NewFS(b.Root, filepath.Join(b.Root, "sys"))
	if err != nil {
		t.Fatal(err)
	}
	stats, err := fs.ProcStat()
	if err != nil || len(stats) != 3 {
		t.Fatal(stats, err)
	}
	for _, s := range stats {
		for name, want := range map[string]uint64{"errors": s.Errors, "warnings": s.Warnings, "messages": s.Messages} {
			series := fmt.Sprintf("node_ext4_%s_total{device=%q}", name, s.Name)
			if have[series] != float64(want) {
				t.Errorf("%s is %v, want %d", series, have[series], want)
			}
		}
	}
}

func TestExt4Allocates(t *testing.T) { manyExt4(t, 20).Allocs(0) }

func BenchmarkExt4(b *testing.B) { manyExt4(b, 20).Steady() }
