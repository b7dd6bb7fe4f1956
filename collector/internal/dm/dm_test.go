package dm_test

import (
	"path/filepath"
	"testing"

	"github.com/prometheus/procfs/blockdevice"

	"github.com/hostexporter/host_exporter/collector/internal/dm"
	"github.com/hostexporter/host_exporter/collector/internal/test/golden"
)

// TestMapsMatchProcfs compares maps with procfs on recorded hosts without
// errors.
func TestMapsMatchProcfs(t *testing.T) {
	for _, name := range []string{"dmmultipath", "dmmultipath.fcoe-linkdown", "dmmultipath.iscsi-path-failed", "dmmultipath.no-device-mapper"} {
		root := t.TempDir()
		h := golden.Load(t, "../../../testdata/storage/"+name+".host", root)
		ours, err := dm.Maps(h.Sys.Reader(), func(err error) { t.Errorf("%s: %v", name, err) })
		if err != nil {
			t.Fatal(err)
		}
		fs, err := blockdevice.NewFS(filepath.Join(root, "proc"), filepath.Join(root, "sys"))
		if err != nil {
			t.Fatal(err)
		}
		theirs, err := fs.DMMultipathDevices()
		if err != nil || len(ours) != len(theirs) {
			t.Errorf("%s: %d maps, procfs has %d, %v", name, len(ours), len(theirs), err)
			continue
		}
		for i, m := range ours {
			p := theirs[i]
			if m.Name != p.Name || m.SysfsName != p.SysfsName || m.UUID != p.UUID ||
				m.Suspended != p.Suspended || m.Sectors*512 != p.SizeBytes || len(m.Paths) != len(p.Paths) {
				t.Errorf("%s: have %+v, procfs %+v", name, m, p)
			}
			states := map[string]string{}
			for _, path := range p.Paths {
				states[path.Device] = path.State
			}
			for _, path := range m.Paths {
				if states[path.Device] != path.State {
					t.Errorf("%s: %s is %q, in procfs %q", name, path.Device, path.State, states[path.Device])
				}
			}
		}
	}
}

func TestUsable(t *testing.T) {
	for state, want := range map[string]bool{
		"running": true, "live": true, "": false, "offline": false, "transport-offline": false,
		"blocked": false, "connecting": false, "deleting (no IO)": false, "quiesce": false,
	} {
		if have := (dm.Path{State: state}).Usable(); have != want {
			t.Errorf("%q: %v, want %v", state, have, want)
		}
	}
}
