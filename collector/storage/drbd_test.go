package storage

import (
	"fmt"
	"strings"
	"testing"

	"github.com/hostexporter/host_exporter/collector/internal/test/golden"
)

// FuzzDrbd checks that no lines cause a panic, a duplicate sample, or the loss of
// the samples of a well-formed device before them.
func FuzzDrbd(f *testing.F) {
	f.Add(golden.Content(f, testdata+"/drbd.host", "proc/drbd"))
	f.Add(" 1: cs:Connected cs:x ro:a/b\n01: ns:1 ns:2\n2:\n")
	f.Add("\tresync: used:0/61\n:\n0: ns:1")
	f.Fuzz(func(t *testing.T, lines string) {
		b := golden.NewWorkbench(t, drbd.Build, nil)
		b.Proc("drbd", "version: 8\n 0: cs:Connected ro:Primary/Primary ds:UpToDate/UpToDate\n ns:3 oos:4\n"+lines)
		have, _ := b.Update()
		if have[`node_drbd_network_sent_bytes_total{device="drbd0"}`] != 3072 || have[`node_drbd_connected{device="drbd0"}`] != 1 {
			t.Errorf("samples of the well-formed device are missing: %v", have)
		}
	})
}

func manyDrbdDevices(t testing.TB) *golden.Workbench {
	var file strings.Builder
	file.WriteString("version: 8.4.11 (api:1/proto:86-101)\n")
	for minor := range 256 {
		fmt.Fprintf(&file, "%2d: cs:Connected ro:Primary/Secondary ds:UpToDate/UpToDate C r-----\n", minor)
		fmt.Fprintf(&file, "    ns:%d nr:2 dw:3 dr:4 al:5 bm:6 lo:7 pe:8 ua:9 ap:10 ep:1 wo:f oos:0\n", 1000+minor)
	}
	b := golden.NewWorkbench(t, drbd.Build, nil)
	b.Proc("drbd", file.String())
	return b
}

func TestDrbdAllocates(t *testing.T) { manyDrbdDevices(t).Allocs(0) }

func BenchmarkDrbd(b *testing.B) { manyDrbdDevices(b).Steady() }
