package hba

import (
	"fmt"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/prometheus/procfs/sysfs"

	"github.com/hostexporter/host_exporter/collector/internal/metric"
	"github.com/hostexporter/host_exporter/collector/internal/test/golden"
)

// infinibandHost creates devices with one port each and every counter that a
// ConnectX-5 has, no two values alike.
func infinibandHost(b *golden.Workbench, devices int) {
	m := metric.NewSet()
	for d := range devices {
		dir := fmt.Sprintf("class/infiniband/mlx5_%d/", d)
		file := func(name string, v any) { b.Sys(dir+name, fmt.Sprintln(v)) }
		file("board_id", "MT_0000000010")
		file("fw_ver", "16.35.2000")
		file("hca_type", "MT4119")
		file("ports/1/link_layer", "InfiniBand")
		file("ports/1/state", "4: ACTIVE")
		file("ports/1/phys_state", "5: LinkUp")
		file("ports/1/rate", "100 Gb/sec (4X EDR)")
		for i, f := range infinibandCounters(m) {
			file("ports/1/counters/"+f.name, 1000*d+i)
		}
		for i, f := range infinibandHardwareCounters(m) {
			file("ports/1/hw_counters/"+f.name, 1000*d+500+i)
		}
	}
}

// TestInfinibandLikeProcfs compares every counter with procfs, by the name of its
// file.
func TestInfinibandLikeProcfs(t *testing.T) {
	b := golden.NewWorkbench(t, infiniband.Build, nil)
	infinibandHost(b, 2)
	m := metric.NewSet()
	for i, f := range infinibandLegacyCounters(m) {
		b.Sys("class/infiniband/mlx5_1/ports/1/counters_ext/"+f.name, fmt.Sprintln(7000+i))
	}
	have, errs := b.Update()
	if errs != nil {
		t.Fatal(errs)
	}
	fs, err := sysfs.NewFS(filepath.Join(b.Root, "sys"))
	if err != nil {
		t.Fatal(err)
	}
	class, err := fs.InfiniBandClass()
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]float64{}
	for name, device := range class {
		want[fmt.Sprintf("node_infiniband_info{board_id=%q,device=%q,firmware_version=%q,hca_type=%q}", device.BoardID, name, device.FirmwareVersion, device.HCAType)] = 1
		for number, port := range device.Ports {
			labels := fmt.Sprintf("{device=%q,port=\"%d\"}", name, number)
			want["node_infiniband_state_id"+labels] = float64(port.StateID)
			want["node_infiniband_physical_state_id"+labels] = float64(port.PhysStateID)
			want["node_infiniband_rate_bytes_per_second"+labels] = float64(port.Rate)
			for _, files := range []struct {
				prefix string
				files  []infinibandFile
				values any
			}{
				{"", infinibandCounters(m), port.Counters},
				{"Legacy", infinibandLegacyCounters(m), port.Counters},
				{"", infinibandHardwareCounters(m), port.HwCounters},
			} {
				for _, f := range files.files {
					field := files.prefix + strings.ReplaceAll(f.name, "_", "")
					v := reflect.ValueOf(files.values).FieldByNameFunc(func(s string) bool { return strings.EqualFold(s, field) })
					if !v.IsValid() {
						t.Errorf("procfs does not know %s", f.name)
					} else if !v.IsNil() {
						want[f.family.Name()+labels] = float64(v.Elem().Uint())
						if f.name == "lifespan" { // procfs has it in milliseconds
							want[f.family.Name()+labels] *= secondsPerMilli
						}
					}
				}
			}
		}
	}
	golden.SameSamples(t, have, want)
	if len(have) < 110 {
		t.Errorf("only %d samples", len(have))
	}
}

func TestInfinibandTexts(t *testing.T) {
	for text, want := range map[string]float64{"4: ACTIVE": 4, "5: LinkUp": 5, "0: NOP": 0, "8: <unknown>": 8, "4:": 4, "4": -1, ":": -1, "": -1, "x: UP": -1, "-1: UP": -1} {
		if v, err := parseInfinibandState([]byte(text)); (err != nil) != (want < 0) || err == nil && v != want {
			t.Errorf("state %q is %v, %v, want %v", text, v, err, want)
		}
	}
	for text, want := range map[string]float64{
		"2.5 Gb/sec (1X SDR)": 312500000, "10 Gb/sec (4X SDR)": 1250000000, "100 Gb/sec": 12.5e9, "0 Gb/sec (4X)": 0, "800 Gb/sec (4X XDR)": 1e11,
		"": -1, "100": -1, "-1 Gb/sec (4X)": -1, "100 Mb/sec": -1, "fast Gb/sec": -1, "Gb/sec": -1,
	} {
		if v, err := parseInfinibandRate([]byte(text)); (err != nil) != (want < 0) || err == nil && v != want {
			t.Errorf("rate %q is %v, %v, want %v", text, v, err, want)
		}
	}
}

// BenchmarkInfiniband128Ports reads 128 ports with all their counters.
func BenchmarkInfiniband128Ports(b *testing.B) {
	n := golden.NewWorkbench(b, infiniband.Build, nil)
	infinibandHost(n, 128)
	n.Steady()
}

// TestInfinibandAllocations limits what a scrape allocates: the names of devices
// and ports and a few labels, nothing for each of the counters.
func TestInfinibandAllocations(t *testing.T) {
	n := golden.NewWorkbench(t, infiniband.Build, nil)
	infinibandHost(n, 8)
	n.Allocs(8*8 + 16)
}
