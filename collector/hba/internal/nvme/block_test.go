package nvme

import (
	"maps"
	"os"
	"path/filepath"
	"testing"

	"github.com/hostexporter/host_exporter/collector/hba/internal/attr"
	"github.com/hostexporter/host_exporter/collector/hba/internal/san"
	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
	"github.com/hostexporter/host_exporter/collector/internal/test/testfile"
)

// A tree is a folder as sysfs, with a collector of it.
type tree struct {
	testing.TB
	root string
	attr.Reader
	controllers *Controllers
}

func newTree(t *testing.T) *tree {
	root, set := t.TempDir(), metric.NewSet()
	links := Links{
		Route: func(_ attr.Reader, initiator, target string) (fcHost, fabric, rport string) {
			return "host" + initiator[15:], "fabric", "rport-" + target[15:]
		},
		Rport: func(_ attr.Reader, name string) san.Way {
			return san.Way{State: map[string]san.WayState{"rport-8": san.Blocked, "rport-9": san.Marginal}[name]}
		},
		Adapter: func(fcHost string) string { return "card of " + fcHost },
	}
	return &tree{t, root, attr.Reader{Sys: host.NewTree(root).Attributes().Reader(), Out: metric.NewSink(set)}, New(set, Options{}, links)}
}

func (t *tree) put(dir string, files map[string]string) {
	t.Helper()
	for name, content := range files {
		path := filepath.Join(t.root, dir, name)
		testfile.Write(t, path, content+"\n")
	}
}

func (t *tree) link(name, target string) {
	t.Helper()
	path := filepath.Join(t.root, name)
	testfile.Link(t, path, target)
}

// controller has a controller in a place, with a namespace below it.
func (t *tree) controller(name, place, namespace string, files map[string]string) {
	t.Helper()
	dir := "devices/" + place + "/" + name
	t.link("class/nvme/"+name, "../../"+dir)
	t.put(dir, files)
	t.put(dir+"/"+namespace, map[string]string{"size": "2048"})
	t.link("block/"+namespace, "../"+dir+"/"+namespace)
}

func (t *tree) update() {
	t.Helper()
	t.Out.Reset(metric.Text)
	var block host.Listing
	t.List(&block, "block")
	t.controllers.Update(t.Reader, block.Entries)
}

func (t *tree) path(name string) san.Path {
	t.Helper()
	p, ok := t.controllers.Path(t.Reader, host.DirEntry{Name: name})
	if !ok {
		t.Errorf("%s is no namespace", name)
	}
	return p
}

const fabrics = "virtual/nvme-fabrics/ctl"

func fcController(initiator, target, state string) map[string]string {
	return map[string]string{
		"transport": "fc", "cntrltype": "io", "subsysnqn": "nqn.1", "state": state,
		"address": "traddr=nn-0x1:pn-0x500000000000000" + target + ",host_traddr=nn-0x2:pn-0x100000000000000" + initiator,
	}
}

// TestPathsBelowControllers has namespaces that are paths of a map by themselves.
func TestPathsBelowControllers(t *testing.T) {
	for _, c := range []struct {
		state, target, ana string
		want               san.Health
	}{
		{"live", "1", "", san.PathOptimized}, {"live", "1", "optimized", san.PathOptimized}, {"live", "1", "non-optimized", san.PathNonOptimized},
		{"live", "1", "inaccessible", san.PathStandby}, {"live", "1", "change", san.PathStandby}, {"live", "1", "persistent-loss", san.PathOffline},
		{"connecting", "1", "inaccessible", san.PathOffline}, {"deleting (no IO)", "1", "optimized", san.PathOffline}, {"marginal", "1", "optimized", san.PathMarginal},
		{"live", "8", "optimized", san.PathBlocked}, {"live", "9", "non-optimized", san.PathMarginal}, {"resetting", "8", "optimized", san.PathOffline},
	} {
		s := newTree(t)
		s.controller("nvme3", fabrics, "nvme3n1", fcController("4", c.target, c.state))
		if c.ana != "" {
			s.put("block/nvme3n1", map[string]string{"ana_state": c.ana})
		}
		want := san.Path{
			StateKnown: true, Health: c.want, SCSIHost: "host4", FCHost: "host4", Rport: "rport-" + c.target, TargetPort: "500000000000000" + c.target,
			Components: [san.NumComponents]string{
				san.InitiatorPort: "1000000000000004", san.TargetPort: "500000000000000" + c.target, san.Fabric: "fabric", san.Adapter: "card of host4",
			},
		}
		for range 2 {
			s.update()
			if p := s.path("nvme3n1"); p != want || s.ErrorCount() > 0 {
				t.Errorf("%+v: %+v, want %+v; %d errors", c, p, want, s.ErrorCount())
			}
		}
	}
}

// TestPathsOfExcludedControllers has a controller on PCI Express, which is excluded
// and a path all the same.
func TestPathsOfExcludedControllers(t *testing.T) {
	s := newTree(t)
	files := map[string]string{"transport": "pcie", "cntrltype": "io", "subsysnqn": "nqn.2", "state": "live", "address": "0000:41:00.0"}
	s.controller("nvme0", "pci0000:40/0000:40:01.1/0000:41:00.0/nvme", "nvme0n1", files)
	s.put("block/nvme0n1", map[string]string{"wwid": "eui.1"})
	s.update()
	want := san.Path{StateKnown: true, Health: san.PathOptimized, Components: [san.NumComponents]string{san.Adapter: "0000:41:00"}}
	if p := s.path("nvme0n1"); p != want {
		t.Errorf("%+v, want %+v", p, want)
	}
	s.put("class/nvme/nvme0", map[string]string{"state": "dead"})
	s.update()
	if p := s.path("nvme0n1"); p.Health != san.PathOffline {
		t.Errorf("%+v", p)
	}
	s.controllers.EachDisk(func(name, _ string) { t.Errorf("%s is excluded", name) })
	if wwid, ok := s.controllers.WWID(s.Reader, "nvme0n1"); wwid != "eui.1" || !ok {
		t.Errorf("%q, %v", wwid, ok)
	}
	s.controllers.options.pcie = true
	s.update()
	s.controllers.EachDisk(func(name, wwid string) {
		if name != "nvme0n1" || wwid != "eui.1" {
			t.Errorf("%s %s", name, wwid)
		}
	})
}

// TestPathsOverSubsystems has a namespace with paths of its own, which is as good
// as the best of them.
func TestPathsOverSubsystems(t *testing.T) {
	s := newTree(t)
	const subsystem = "devices/virtual/nvme-subsystem/nvme-subsys0"
	s.link("class/nvme-subsystem/nvme-subsys0", "../../"+subsystem)
	s.put(subsystem+"/nvme0n1", map[string]string{"size": "2048", "wwid": "uuid.1"})
	s.link("block/nvme0n1", "../"+subsystem+"/nvme0n1")
	for name, ana := range map[string]string{"nvme0": "inaccessible", "nvme1": "non-optimized"} {
		s.link("class/nvme/"+name, "../../devices/"+fabrics+"/"+name)
		s.link(subsystem+"/"+name, "../../nvme-fabrics/ctl/"+name)
		s.put("devices/"+fabrics+"/"+name, fcController("4", "1", "live"))
		s.put("devices/"+fabrics+"/"+name+"/nvme0c"+name[4:]+"n1", map[string]string{"nsid": "1", "ana_state": ana, "size": "2048"})
	}
	s.update()
	if p := s.path("nvme0n1"); !p.StateKnown || p.Health != san.PathNonOptimized {
		t.Errorf("%+v", p)
	}
	disks := map[string]string{}
	s.controllers.EachDisk(func(name, wwid string) { disks[name] = wwid })
	if !maps.Equal(disks, map[string]string{"nvme0n1": "uuid.1"}) {
		t.Errorf("disks %v", disks)
	}
	generation := s.controllers.Generation()
	s.update()
	if g := s.controllers.Generation(); g != generation {
		t.Error("another generation of the same disks")
	}
	if err := os.Remove(filepath.Join(s.root, "block/nvme0n1")); err != nil {
		t.Fatal(err)
	}
	s.update()
	if g := s.controllers.Generation(); g == generation || len(s.controllers.namespaces) > 0 {
		t.Errorf("the disks are the same without one: %v", s.controllers.namespaces)
	}
}

// TestNativeSizesTakeTurns grows a path to a namespace with the multipathing of
// NVMe itself.
func TestNativeSizesTakeTurns(t *testing.T) {
	s := newTree(t)
	const subsystem, paths = "devices/virtual/nvme-subsystem/nvme-subsys0", "devices/" + fabrics + "/nvme0/nvme0c0n1"
	s.link("class/nvme-subsystem/nvme-subsys0", "../../"+subsystem)
	s.put(subsystem+"/nvme0n1", map[string]string{"size": "2048"})
	s.link("class/nvme/nvme0", "../../devices/"+fabrics+"/nvme0")
	s.link(subsystem+"/nvme0", "../../nvme-fabrics/ctl/nvme0")
	s.put("devices/"+fabrics+"/nvme0", fcController("4", "1", "live"))
	s.put(paths, map[string]string{"nsid": "1", "size": "2048"})
	s.update()
	mismatched := func() int { return len(s.controllers.paths.heads["nvme0n1"].sizes.mismatches) }
	if !s.controllers.paths.heads["nvme0n1"].sizes.compared || mismatched() != 0 {
		t.Errorf("%+v", s.controllers.paths.heads["nvme0n1"].sizes)
	}
	s.put(paths, map[string]string{"size": "4096"})
	n := 0
	for ; n < 2*rereadEvery && mismatched() == 0; n++ {
		s.update()
	}
	if n > rereadEvery || mismatched() != 1 {
		t.Errorf("%d paths differ after %d readings", mismatched(), n)
	}
	s.put(subsystem+"/nvme0n1", map[string]string{"size": "4096"})
	if s.update(); mismatched() != 0 {
		t.Error("the path differs still")
	}
	s.put(paths, map[string]string{"size": "large"})
	for n := 0; n < rereadEvery && s.ErrorCount() == 0; n++ {
		s.update()
	}
	for range 3 {
		if s.update(); s.ErrorCount() != 1 {
			t.Errorf("%d errors", s.ErrorCount())
		}
	}
}
