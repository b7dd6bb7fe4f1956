package nvmefs

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/prometheus/procfs/sysfs"

	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/test/golden"
)

const testdata = "../../../testdata/storage/"

// load unpacks a recorded host for this package and for procfs.
func load(t *testing.T, name string) (*host.Reader, string, sysfs.FS) {
	t.Helper()
	root := t.TempDir()
	h := golden.Load(t, testdata+name+".host", root)
	sys := filepath.Join(root, "sys")
	fs, err := sysfs.NewFS(sys)
	if err != nil {
		t.Fatal(err)
	}
	return h.Sys.Reader(), sys, fs
}

// TestControllersMatchProcfs compares controllers and namespaces with procfs on
// recorded hosts without errors. procfs requires a serial number, which the test
// adds if the recording has none.
func TestControllersMatchProcfs(t *testing.T) {
	for _, name := range []string{"nvme", "nvme.ana-inaccessible", "nvme.old-kernel", "nvme.no-devices"} {
		r, sys, fs := load(t, name)
		names, err := Controllers(r)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range names {
			serial := filepath.Join(sys, ClassDir, c, "serial")
			if _, err := os.Stat(serial); err != nil {
				if err := os.WriteFile(serial, nil, 0o644); err != nil {
					t.Fatal(err)
				}
			}
		}
		theirs, err := fs.NVMeClass()
		if err != nil || len(theirs) != len(names) {
			t.Errorf("%s: %v, procfs has %d, %v", name, names, len(theirs), err)
			continue
		}
		for _, controller := range names {
			report := func(err error) { t.Errorf("%s: %v", name, err) }
			c, ok := ReadController(r, controller, report)
			p := theirs[controller]
			have := fmt.Sprintln(ok, c.Name, c.State, c.Model, c.Serial, c.Firmware, c.ID)
			want := fmt.Sprintln(true, p.Name, p.State, p.Model, p.Serial, p.FirmwareRevision, p.ControllerID)
			for _, n := range Namespaces(r, controller, report) {
				state := n.ANAState
				if state == "" {
					state = "unknown"
				}
				have += fmt.Sprintln(n.Name, n.ID, state, n.Sectors, n.BlockSize)
			}
			for _, n := range p.Namespaces {
				want += fmt.Sprintln(n.Name, n.ID, n.ANAState, n.SizeBlocks, n.LogicalBlockSize)
			}
			if have != want {
				t.Errorf("%s: have\n%sprocfs\n%s", name, have, want)
			}
		}
	}
}

// TestSubsystemsMatchProcfs compares subsystems with procfs, which requires an
// address that the test adds.
func TestSubsystemsMatchProcfs(t *testing.T) {
	for _, name := range []string{"nvmesubsystem", "nvmesubsystem.recorded", "nvmesubsystem.path-loss"} {
		r, sys, fs := load(t, name)
		ours, err := Subsystems(r, func(err error) { t.Errorf("%s: %v", name, err) })
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range ours {
			for _, c := range s.Controllers {
				if err := os.WriteFile(filepath.Join(sys, SubsystemDir, s.Name, c.Controller, "address"), nil, 0o644); err != nil {
					t.Fatal(err)
				}
			}
		}
		theirs, err := fs.NVMeSubsystemClass()
		if err != nil || len(theirs) != len(ours) {
			t.Errorf("%s: %d subsystems, procfs has %d, %v", name, len(ours), len(theirs), err)
			continue
		}
		for i, s := range ours {
			p := theirs[i]
			have := fmt.Sprintln(s.Name, s.NQN, s.Model, s.Serial, s.IOPolicy)
			want := fmt.Sprintln(p.Name, p.NQN, p.Model, p.Serial, p.IOPolicy)
			slices.SortFunc(p.Controllers, func(a, b sysfs.NVMeSubsystemController) int { return host.CompareNatural(a.Name, b.Name) })
			slices.SortFunc(p.Namespaces, host.CompareNatural)
			for _, c := range s.Controllers {
				have += fmt.Sprintln(c.Controller, c.State, c.Transport)
			}
			for _, c := range p.Controllers {
				want += fmt.Sprintln(c.Name, c.State, c.Transport)
			}
			have += fmt.Sprintln(s.Namespaces)
			want += fmt.Sprintln(p.Namespaces)
			if have != want {
				t.Errorf("%s: have\n%sprocfs\n%s", name, have, want)
			}
		}
	}
}
