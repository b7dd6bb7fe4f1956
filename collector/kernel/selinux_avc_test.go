package kernel

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/prometheus/procfs/selinuxfs"

	"github.com/hostexporter/host_exporter/collector/internal/test/golden"
)

// TestSelinuxAVCMatchesProcfs compares all families with procfs.
func TestSelinuxAVCMatchesProcfs(t *testing.T) {
	w := golden.NewWorkbench(t, selinuxAVC.Build, nil)
	golden.Load(t, filepath.Join(testdata, "selinux_avc.host"), w.Root)
	have, errs := w.Update()
	if errs != nil {
		t.Fatal(errs)
	}
	fs, err := selinuxfs.NewFS(filepath.Join(w.Root, "sys/fs/selinux"))
	if err != nil {
		t.Fatal(err)
	}
	cache, err := fs.ParseAVCStats()
	if err != nil {
		t.Fatal(err)
	}
	hash, err := fs.ParseAVCHashStats()
	if err != nil {
		t.Fatal(err)
	}
	golden.SameSamples(t, have, map[string]float64{
		"node_selinux_avc_lookups_total":      float64(cache.Lookups),
		"node_selinux_avc_hits_total":         float64(cache.Hits),
		"node_selinux_avc_misses_total":       float64(cache.Misses),
		"node_selinux_avc_allocations_total":  float64(cache.Allocations),
		"node_selinux_avc_reclaims_total":     float64(cache.Reclaims),
		"node_selinux_avc_frees_total":        float64(cache.Frees),
		"node_selinux_avc_hash_entries":       float64(hash.Entries),
		"node_selinux_avc_hash_buckets":       float64(hash.BucketsAvailable),
		"node_selinux_avc_hash_buckets_used":  float64(hash.BucketsUsed),
		"node_selinux_avc_hash_longest_chain": float64(hash.LongestChain),
	})
}

// TestSelinuxAVCOfManyCPUs reads a file that the kernel returns in several parts,
// the first of which is shorter than a page.
func TestSelinuxAVCOfManyCPUs(t *testing.T) {
	w := golden.NewWorkbench(t, selinuxAVC.Build, nil)
	w.Sys("fs/selinux/avc/cache_stats", "lookups hits misses allocations reclaims frees\n"+
		strings.Repeat("4000000000 3999999990 10 9 8 7\n", 512))
	w.Sys("fs/selinux/avc/hash_stats", "entries: 1\nbuckets used: 1/512\nlongest chain: 1\n")
	samples, errs := w.Update()
	if errs != nil || samples["node_selinux_avc_lookups_total"] != 512*4e9 {
		t.Errorf("%v, %v", samples, errs)
	}
	w.Allocs(1)
}

// TestKernelTaintedMatchesProcfs compares the letters of all bits with procfs.
func TestKernelTaintedMatchesProcfs(t *testing.T) {
	for _, bits := range []uint64{0, 1, 12288, 1<<20 - 1, 0xa5a5a} {
		text := fmt.Sprintln(bits)
		want, err := golden.Procfs(t, "sys/kernel/tainted", text).KernelTainted()
		if err != nil {
			t.Fatal(err)
		}
		w := golden.NewWorkbench(t, kernelTainted.Build, nil)
		w.Proc("sys/kernel/tainted", text)
		have, errs := w.Update()
		if errs != nil || len(have) != len(want.Bits) {
			t.Errorf("%d: %v, %v", bits, have, errs)
		}
		for _, bit := range want.Bits {
			found := false
			for series, v := range have {
				if strings.Contains(series, fmt.Sprintf("flag=%q", bit.Flag)) {
					found = true
					if v == 1 != bit.Set {
						t.Errorf("%d: %s is %v, procfs has %v", bits, series, v, bit.Set)
					}
				}
			}
			if !found {
				t.Errorf("%d: no flag %s", bits, bit.Flag)
			}
		}
	}
}

// TestCgroupsMatchProcfs compares the controllers of recorded hosts with procfs.
func TestCgroupsMatchProcfs(t *testing.T) {
	for _, name := range []string{"cgroups.host", "cgroups.legacy.host"} {
		text := golden.Content(t, filepath.Join(testdata, name), "proc/cgroups")
		controllers, err := golden.Procfs(t, "cgroups", text).CgroupSummarys()
		if err != nil {
			t.Fatal(err)
		}
		w := golden.NewWorkbench(t, cgroups.Build, nil)
		w.Proc("cgroups", text)
		have, errs := w.Update()
		if errs != nil {
			t.Fatal(errs)
		}
		want := map[string]float64{}
		for _, c := range controllers {
			want[fmt.Sprintf("node_cgroups_cgroups{subsys_name=%q}", c.SubsysName)] = float64(c.Cgroups)
			want[fmt.Sprintf("node_cgroups_enabled{subsys_name=%q}", c.SubsysName)] = float64(c.Enabled)
		}
		golden.SameSamples(t, have, want)
	}
}

func FuzzAVCHash(f *testing.F) {
	f.Add("entries: 503\nbuckets used: 330/512\nlongest chain: 6\n")
	f.Add("entries: 503\nbuckets used: /\nlongest chain: 6")
	f.Fuzz(func(t *testing.T, text string) {
		h, err := parseAVCHash([]byte(text))
		if err != nil {
			return
		}
		again := fmt.Sprintf("entries: %d\nbuckets used: %d/%d\nlongest chain: %d\n", h.entries, h.bucketsUsed, h.buckets, h.longestChain)
		if other, err := parseAVCHash([]byte(again)); err != nil || other != h {
			t.Errorf("%q becomes %q", text, again)
		}
	})
}
