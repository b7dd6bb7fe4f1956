package storage

import (
	"fmt"
	"testing"

	"github.com/hostexporter/host_exporter/collector/internal/test/golden"
)

func manyScsiDisks(t testing.TB, disks int) *golden.Workbench {
	b := golden.NewWorkbench(t, scsi.Build, nil)
	for i := range disks {
		dir := fmt.Sprintf("block/sd%c%c/device/", 'a'+i/26, 'a'+i%26)
		b.Sys(dir+"iocounterbits", "32\n")
		for j, file := range []string{"iorequest_cnt", "iodone_cnt", "ioerr_cnt"} {
			b.Sys(dir+file, fmt.Sprintf("%#x\n", 1000*i+j))
		}
	}
	return b
}

func TestScsiAllocates(t *testing.T) { manyScsiDisks(t, 30).Allocs(0) }

func BenchmarkScsi(b *testing.B) { manyScsiDisks(b, 600).Steady() }

func TestIsScsiDisk(t *testing.T) {
	for name, want := range map[string]bool{"sda": true, "sdzzz": true, "sd": false, "sda1": false, "sr0": false, "sdA": false, "": false, "xsda": false} {
		if isScsiDisk(name) != want {
			t.Errorf("isScsiDisk(%q) is %v", name, !want)
		}
	}
}
