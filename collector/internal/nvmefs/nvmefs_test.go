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

// load lays a recorded host out for this package and for procfs.
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

// TestControllersLikeProcfs holds the reader against procfs on hosts that are
// in order. procfs wants each attribute, so that a recording is completed.
func TestControllersLikeProcfs(t *testing.T) {
	for _, name := range []string{"nvme", "nvme.ana-inaccessible", "nvme.old-kernel", "nvme.empty"} {
		r, sys, fs := load(t, name)
		names, err := Controllers(r)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range names {
			serial := filepath.Join(sys, classDir, c, "serial")
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
			skip := func(err error) { t.Errorf("%s: %v", name, err) }
			c, ok := ReadController(r, controller, skip)
			p := theirs[controller]
			have := fmt.Sprintln(ok, c.Name, c.State, c.Model, c.Serial, c.Firmware, c.ID)
			want := fmt.Sprintln(true, p.Name, p.State, p.Model, p.Serial, p.FirmwareRevision, p.ControllerID)
			for _, n := range Namespaces(r, controller, skip) {
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

// TestSubsystemsLikeProcfs does the same for subsystems. procfs wants an
// address, too.
func TestSubsystemsLikeProcfs(t *testing.T) {
	for _, name := range []string{"nvmesubsystem", "nvmesubsystem.ok", "nvmesubsystem.losing"} {
		r, sys, fs := load(t, name)
		ours, err := Subsystems(r, func(err error) { t.Errorf("%s: %v", name, err) })
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range ours {
			for _, c := range s.Controllers {
				if err := os.WriteFile(filepath.Join(sys, subsystemDir, s.Name, c.Controller, "address"), nil, 0o644); err != nil {
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

func TestNames(t *testing.T) {
	for _, c := range []struct {
		name, instance         string
		controller, head, path bool
	}{
		{name: "nvme0", controller: true},
		{name: "nvme12", controller: true},
		{name: "nvme0n1", instance: "1", head: true},
		{name: "nvme10n20", instance: "20", head: true},
		{name: "nvme3c4n15", instance: "15", path: true},
		{name: "nvme"}, {name: "nvmex"}, {name: "nvme0x"}, {name: "nvme0n"}, {name: "nvme0n1p1"}, {name: "nvme0c1"},
		{name: "nvme0cn1"}, {name: "nvmen1"}, {name: "ng0n1"}, {name: "nvme-fabrics"}, {name: "nvme-subsys0"}, {name: ""},
	} {
		instance, ok := namespaceInstance(c.name)
		if isController(c.name) != c.controller || ok != (c.head || c.path) || ok && instance != c.instance || isHead(c.name) != c.head {
			t.Errorf("%q: controller %v, namespace %q %v, head %v", c.name, isController(c.name), instance, ok, isHead(c.name))
		}
	}
}
