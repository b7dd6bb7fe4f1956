package snapshot_test

import (
	"fmt"
	"testing"

	"github.com/hostexporter/host_exporter/collector/internal/snapshot"
)

// BenchmarkRedact redacts 250 LUNs with eight paths each, all with serial numbers, which
// are words to look for in all files.
func BenchmarkRedact(b *testing.B) {
	disks := func() *snapshot.Archive {
		a := &snapshot.Archive{Description: "Many disks.\n"}
		for i := range 2000 {
			for name, content := range map[string]string{
				"serial": fmt.Sprintf("SER%06dXY\n", i/8), "wwid": fmt.Sprintf("naa.600508b1001cdeadbeef%08x\n", i/8),
				"state": "running\n", "iorequest_cnt": "0x1234\n",
			} {
				a.Entries = append(a.Entries, snapshot.Entry{Moment: 1, Path: fmt.Sprintf("sys/block/sd%d/device/%s", i, name), Data: []byte(content), Mode: 0o644})
			}
		}
		return a
	}
	for b.Loop() {
		snapshot.RedactWith(disks(), []byte("a key"))
	}
}
