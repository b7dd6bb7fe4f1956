package scsi

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hostexporter/host_exporter/collector/hba/internal/attr"
	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
	"github.com/hostexporter/host_exporter/collector/internal/test/testfile"
)

// A tree is a folder that stands for /sys.
type tree struct {
	*testing.T
	root string
}

func newTree(t *testing.T) tree { return tree{t, t.TempDir()} }

func (t tree) write(path, content string) {
	t.Helper()
	path = filepath.Join(t.root, path)
	testfile.Write(t, path, content)
}

// link makes a link, or puts a new one in the place of another: beside it
// first, so that it cannot have the inode of the old one.
func (t tree) link(path, target string) {
	t.Helper()
	path = filepath.Join(t.root, path)
	testfile.Dir(t, filepath.Dir(path))
	if err := os.Symlink(target, path+".new"); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		t.Fatal(err)
	}
}

// device makes a SCSI device.
func (t tree) device(dir, hctl, vendor string) {
	d := dir + "/" + hctl
	t.link("class/scsi_device/"+hctl, "../../"+d+"/scsi_device/"+hctl)
	t.link(d+"/scsi_device/"+hctl+"/device", "../../../"+hctl)
	t.write(d+"/state", "running\n")
	t.write(d+"/vendor", vendor)
	t.write(d+"/ioerr_cnt", "0xffffffff80000010\n")
}

func (t tree) remove(path string) {
	t.Helper()
	if err := os.RemoveAll(filepath.Join(t.root, path)); err != nil {
		t.Fatal(err)
	}
}

// reader returns a reader of the tree.
func (t tree) reader() attr.Reader {
	return attr.Reader{Sys: host.NewTree(t.root).Reader(), Out: metric.NewSink(metric.NewSet())}
}

// read reads everything, and returns the devices by address with the errors.
func (t tree) read(f *finder) (map[string]*device, []error) {
	t.Helper()
	a := t.reader()
	if f.find(a); !f.listed {
		t.Fatal("no devices")
	}
	found := map[string]*device{}
	for _, l := range f.devices {
		f.describe(a, l, 1)
		if l.refresh(a, withRequests) {
			found[l.hctl] = l
		}
	}
	errs, _ := a.Out.Errors()
	return found, errs
}

func TestDevicesComeAndGo(t *testing.T) {
	s := newTree(t)
	f := newFinder()
	const fc, sas = "devices/host3/rport-3:0-2/target3:0:1", "devices/host5/port-5:0/expander-5:0/port-5:0:1/end_device-5:0:1/target5:0:1"
	s.device(fc, "3:0:1:7", "OLD")
	s.device(sas, "5:0:1:0", "DISK")
	s.write("class/scsi_device/nonsense", "")
	s.link("block/sdb", "../"+fc+"/3:0:1:7/block/sdb")

	luns, errs := s.read(&f)
	if len(luns) != 2 || errs != nil {
		t.Fatalf("%v, %v", luns, errs)
	}
	old := luns["3:0:1:7"]
	if old.host != "host3" || old.rport != "rport-3:0-2" || old.name != "sdb" || old.vendor != "OLD" || old.errors.Value != 0x80000010 || f.byName["sdb"] != old {
		t.Errorf("%+v", old)
	}
	if l := luns["5:0:1:0"]; l.endDevice != "end_device-5:0:1" || l.name != "" || l.requests.Known || l.kind != "unknown" {
		t.Errorf("%+v", l)
	}

	// Another device takes the address, and its driver comes later.
	s.remove(fc + "/3:0:1:7")
	s.remove("block/sdb")
	s.device(fc, "3:0:1:7", "NEW")
	if luns, _ = s.read(&f); luns["3:0:1:7"] == old || luns["3:0:1:7"].vendor != "NEW" || luns["3:0:1:7"].name != "" || f.byName["sdb"] != nil {
		t.Errorf("%+v", luns["3:0:1:7"])
	}
	s.link("block/sdc", "../"+fc+"/3:0:1:7/block/sdc")
	if luns, _ = s.read(&f); luns["3:0:1:7"].name != "sdc" {
		t.Errorf("%+v", luns["3:0:1:7"])
	}

	// One vanishes between listing and reading, and then altogether.
	s.remove(fc + "/3:0:1:7")
	if luns, errs = s.read(&f); len(luns) != 1 || errs != nil {
		t.Errorf("%v, %v", luns, errs)
	}
	s.remove("class/scsi_device/3:0:1:7")
	if luns, errs = s.read(&f); len(luns) != 1 || errs != nil {
		t.Errorf("%v, %v", luns, errs)
	}
	s.remove("class")
	a := s.reader()
	if f.find(a); f.listed || a.ErrorCount() > 0 {
		t.Errorf("a host without the class: %d errors", a.ErrorCount())
	}
}

func TestErrorsAreReportedAndReadAgain(t *testing.T) {
	s := newTree(t)
	f := newFinder()
	const dir = "devices/host0/target0:0:0"
	s.device(dir, "0:0:0:0", "ACME")
	for _, bits := range []string{"0", "65", "many"} {
		s.write(dir+"/0:0:0:0/iocounterbits", bits)
		luns, errs := s.read(&f)
		if len(errs) != 1 || !strings.Contains(errs[0].Error(), "iocounterbits") || luns["0:0:0:0"].errors.Value != 0x80000010 {
			t.Errorf("%s bits: %v, %+v", bits, errs, luns["0:0:0:0"])
		}
	}
	s.write(dir+"/0:0:0:0/iocounterbits", "64")
	if luns, errs := s.read(&f); errs != nil || luns["0:0:0:0"].errors.Value != 0xffffffff80000010 {
		t.Errorf("64 bits: %v, %+v", errs, luns["0:0:0:0"])
	}
}

// TestNoHandler is about devices without an access state, which the kernel
// decides when it creates them: it is not read again until the device is replaced.
func TestNoHandler(t *testing.T) {
	s := newTree(t)
	f := newFinder()
	const dir = "devices/host0/target0:0:0"
	s.device(dir, "0:0:0:0", "ACME")
	accessState := func() access {
		t.Helper()
		luns, errs := s.read(&f)
		if errs != nil {
			t.Error(errs)
		}
		return luns["0:0:0:0"].access
	}
	if a := accessState(); a != noAccess {
		t.Errorf("access %v out of nothing", a)
	}
	s.write(dir+"/0:0:0:0/access_state", "standby\n")
	if a := accessState(); a != noAccess {
		t.Errorf("access %v of a device that had none", a)
	}
	s.device(dir, "0:0:0:0", "ACME") // another one
	if a := accessState(); a != standby {
		t.Errorf("access %v of a new device", a)
	}
	s.remove(dir + "/0:0:0:0/access_state")
	accessState()
	s.device(dir, "0:0:0:0", "ACME")
	luns, _ := s.read(&f)
	r := s.reader()
	if n := testing.AllocsPerRun(10, func() { luns["0:0:0:0"].refreshAccess(r) }); n > 0 {
		t.Errorf("%v allocations for a device without a handler", n)
	}
}

func TestHostNumber(t *testing.T) {
	for hctl, want := range map[string]string{
		"3:0:1:7": "3", "12:0:0:18446744073709551615": "12", "0:0:0:1086537744": "0",
		"3:0:1": "", "3:0:1:": "", "3:0:1:7:": "", "3:0:1:7:9": "", ":0:0:0": "", "": "", "a:0:0:0": "", "3::1:7": "", "3:0:0:-1": "",
	} {
		if got, ok := hostNumber(hctl); ok != (want != "") || ok && got != want {
			t.Errorf("hostNumber(%q) = %q, %v", hctl, got, ok)
		}
	}
}

func FuzzPlace(f *testing.F) {
	f.Add("../../devices/host3/rport-3:0-2/target3:0:1/3:0:1:7/scsi_device/3:0:1:7", "3:0:1:7")
	f.Add("../../devices/platform/host4/session1/target4:0:0/4:0:0:0", "4:0:0:0")
	f.Fuzz(func(t *testing.T, link, hctl string) {
		if number, ok := hostNumber(hctl); ok && (!isNumber(number) || strings.Count(hctl, ":") != 3) {
			t.Errorf("%q is host %q", hctl, number)
		}
		var l device
		f := newFinder()
		f.place(&l, link)
		for _, part := range []string{l.rport, l.session, l.endDevice} {
			if strings.Contains(part, "/") || !strings.Contains(link, part) {
				t.Errorf("%q: %+v", link, l)
			}
		}
	})
}

func TestManagement(t *testing.T) {
	for _, d := range []struct {
		kind, model, hctl string
		want              bool
	}{
		{"disk", "LUNZ", "1:0:0:0", true},
		{"disk", "Universal Xport", "1:0:0:31", true},
		{"disk", "Universal_Xport", "1:0:0:7", true},
		{"raid_controller", "HSV340", "1:0:0:0", true},
		{"enclosure", "SES", "1:0:0:254", true},
		{"processor", "ROUTER", "1:0:0:0", true},
		{"well_known_lun", "", "1:0:0:49409", true},
		{"unknown", "", "1:0:0:49456", true},
		{"disk", "VDISK", "1:0:0:1", false},
		{"disk", "LUN C-Mode", "1:0:0:49152", false},
		{"disk", "LUN C-Mode", "1:0:0:1", false},
		{"tape", "SES", "1:0:0:0", false},
		{"changer", "3573-TL", "1:0:0:1", false},
		{"unknown", "", "1:0:0:0", false},
	} {
		if got := isManagement(d.kind, d.model, d.hctl); got != d.want {
			t.Errorf("%+v: %v", d, got)
		}
	}
}

// TestLUNs counts devices again when one could not be read, and when one comes.
func TestLUNs(t *testing.T) {
	tree := newTree(t)
	tree.device("devices/host1/target1:0:0", "1:0:0:0", "DGC")
	tree.device("devices/host1/target1:0:0", "1:0:0:1", "DGC")
	tree.device("devices/host2/target2:0:0", "2:0:0:0", "DGC")
	tree.write("class/scsi_device/1:0:0:0/device/type", "broken\n")
	set := metric.NewSet()
	a := attr.Reader{Sys: host.NewTree(tree.root).Attributes().Reader(), Out: metric.NewSink(set)}
	d := New(set, DefaultOptions(), nil, Links{})
	if n := d.LUNs(a, "host1"); n != nil {
		t.Errorf("devices are counted that were never listed: %v", n)
	}
	count := func(want int) {
		t.Helper()
		d.Find(a)
		if n := d.LUNs(a, "host1"); n["1:0:0"] != want || len(n) != 1 {
			t.Errorf("%v", n)
		}
	}
	count(2)
	tree.write("class/scsi_device/1:0:0:0/device/type", "12\n")
	count(1)
	tree.device("devices/host1/target1:0:0", "1:0:0:2", "DGC")
	count(2)
}
