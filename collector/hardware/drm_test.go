package hardware

import (
	"fmt"
	"path/filepath"
	"testing"

	"github.com/prometheus/procfs/sysfs"

	"github.com/hostexporter/host_exporter/collector/internal/test/golden"
)

// manyCards returns a host with cards of amdgpu, whose numbers are distinct.
func manyCards(t testing.TB, cards int) *golden.Workbench {
	b := golden.NewWorkbench(t, drm.Build, nil)
	for card := range cards {
		dir := fmt.Sprintf("devices/pci0000:00/0000:%02x:00.0", card)
		b.SysLink(fmt.Sprintf("class/drm/card%d", card), fmt.Sprintf("../../%s/drm/card%d", dir, card))
		b.SysLink(fmt.Sprintf("%s/drm/card%d/device", dir, card), "../../../"+filepath.Base(dir))
		b.Sys(dir+"/uevent", "DRIVER=amdgpu\n")
		for i, file := range []string{
			"gpu_busy_percent", "mem_info_gtt_total", "mem_info_gtt_used", "mem_info_vis_vram_total", "mem_info_vis_vram_used", "mem_info_vram_total", "mem_info_vram_used",
		} {
			b.Sys(dir+"/"+file, fmt.Sprintln(100*card+i))
		}
		b.Sys(dir+"/power/runtime_status", "active\n")
		b.Sys(dir+"/mem_info_vram_vendor", "samsung\n")
		b.Sys(dir+"/power_dpm_force_performance_level", "auto\n")
		b.Sys(dir+"/unique_id", fmt.Sprintf("%016x\n", card))
	}
	return b
}

func TestDrmMatchesProcfs(t *testing.T) {
	b := manyCards(t, 3)
	have, errs := b.Update()
	if errs != nil {
		t.Fatal(errs)
	}
	fs, err := sysfs.NewFS(filepath.Join(b.Root, "sys"))
	if err != nil {
		t.Fatal(err)
	}
	stats, err := fs.ClassDRMCardAMDGPUStats()
	if err != nil || len(stats) != 3 {
		t.Fatal(stats, err)
	}
	want := map[string]float64{}
	for _, s := range stats {
		info := fmt.Sprintf("node_drm_card_info{card=%q,memory_vendor=%q,power_performance_level=%q,unique_id=%q,vendor=\"amd\"}",
			s.Name, s.MemoryVRAMVendor, s.PowerDPMForcePerformanceLevel, s.UniqueID)
		want[info] = 1
		for name, v := range map[string]uint64{
			"gpu_busy_percent":           s.GPUBusyPercent,
			"memory_gtt_size_bytes":      s.MemoryGTTSize,
			"memory_gtt_used_bytes":      s.MemoryGTTUsed,
			"memory_vis_vram_size_bytes": s.MemoryVisibleVRAMSize,
			"memory_vis_vram_used_bytes": s.MemoryVisibleVRAMUsed,
			"memory_vram_size_bytes":     s.MemoryVRAMSize,
			"memory_vram_used_bytes":     s.MemoryVRAMUsed,
		} {
			want[fmt.Sprintf("node_drm_%s{card=%q}", name, s.Name)] = float64(v)
		}
	}
	golden.SameSamples(t, have, want)
}

func TestDrmAllocates(t *testing.T) { manyCards(t, 16).Allocs(0) }

func BenchmarkDrm(b *testing.B) { manyCards(b, 16).Steady() }
