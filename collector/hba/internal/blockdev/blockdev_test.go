package blockdev

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/hostexporter/host_exporter/collector/hba/internal/attr"
	"github.com/hostexporter/host_exporter/collector/hba/internal/san"
	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
	"github.com/hostexporter/host_exporter/collector/internal/test/testfile"
)

// A tree is a folder as sysfs.
type tree struct {
	testing.TB
	root string
	attr.Reader
}

func newTree(t *testing.T) *tree {
	root := t.TempDir()
	return &tree{t, root, attr.Reader{Sys: host.NewTree(root).Attributes().Reader(), Out: metric.NewSink(metric.NewSet())}}
}

func (t *tree) file(name, content string) {
	t.Helper()
	path := filepath.Join(t.root, name)
	testfile.Write(t, path, content+"\n")
}

// disk has a block device below a device.
func (t *tree) disk(name, device string) {
	t.Helper()
	t.file(device+"/block/"+name+"/size", "2048")
	for link, target := range map[string]string{"block/" + name: "../" + device + "/block/" + name, device + "/block/" + name + "/device": "../.."} {
		path := filepath.Join(t.root, link)
		testfile.Link(t, path, target)
	}
}

func TestDASD(t *testing.T) {
	const device = "devices/css0/0.0.000d/0.0.1900"
	for _, c := range []struct {
		status, availability, pimpampom string
		want                            san.Health
		known                           bool
		channels                        string
		errs                            int
	}{
		{"online", "good", "c0 c0 ff", san.PathOptimized, true, "40 41", 0},
		{"online", "good", "c0 80 ff", san.PathOptimized, true, "40", 0},
		{"online", "good", "c0 c0 3f", san.PathOptimized, true, "", 0},
		{"online", "no path", "c0 c0 3f", san.PathBlocked, true, "", 0},
		{"online", "boxed", "c0 c0 ff", san.PathOffline, true, "40 41", 0},
		{"online", "no device", "c0 c0 ff", san.PathOffline, true, "40 41", 0},
		{"unformatted", "good", "c0 c0 ff", san.PathOffline, true, "40 41", 0},
		{"", "", "c0 c0 ff", san.PathOptimized, true, "40 41", 0}, // it is there
		{"sleepy", "good", "c0 c0 ff", san.PathOffline, true, "40 41", 1},
		{"online", "maybe", "c0 c0 ff", san.PathOptimized, true, "40 41", 1},
		{"online", "good", "c0 c0", san.PathOptimized, true, "40 41 42 00 00 00 00 00", 1},
	} {
		s := newTree(t)
		s.disk("dasda", device)
		for file, content := range map[string]string{"status": c.status, "availability": c.availability, "uid": "IBM.750000000DXP71.1500.00"} {
			if content != "" {
				s.file(device+"/"+file, content)
			}
		}
		s.file("devices/css0/0.0.000d/pimpampom", c.pimpampom)
		s.file("devices/css0/0.0.000d/chpids", "40 41 42 00 00 00 00 00")
		d := New()
		p, ok := d.Path(s.Reader, host.DirEntry{Name: "dasda"})
		if !ok || p.Health != c.want || p.StateKnown != c.known || p.Components[san.InitiatorPort] != c.channels || p.Components[san.Adapter] != "" || s.ErrorCount() != c.errs {
			t.Errorf("%+v: %+v, %v, %d errors", c, p, ok, s.ErrorCount())
		}
		if wwid, _ := d.WWID(s.Reader, "dasda"); wwid != "IBM.750000000DXP71.1500.00" {
			t.Errorf("identifier %q", wwid)
		}
	}
}

func TestXen(t *testing.T) {
	for state, want := range map[string]struct {
		health san.Health
		errs   int
	}{
		"Connected": {san.PathOptimized, 0}, "Closing": {san.PathOffline, 0}, "Closed": {san.PathOffline, 0}, "": {san.PathOptimized, 0}, "Lost": {san.PathOffline, 1},
	} {
		s := newTree(t)
		s.disk("xvdb", "devices/vbd-51728")
		if state != "" {
			s.file("devices/vbd-51728/state", state)
		}
		d := New()
		for range 2 {
			s.Out.Reset(metric.Text)
			if p, ok := d.Path(s.Reader, host.DirEntry{Name: "xvdb"}); !ok || !p.StateKnown || p.Health != want.health || s.ErrorCount() != want.errs {
				t.Errorf("%q: %+v, %d errors", state, p, s.ErrorCount())
			}
		}
	}
}

// TestOthers has disks without a state: they are as good as they are there.
func TestOthers(t *testing.T) {
	s := newTree(t)
	s.disk("vdb", "devices/pci0000:00/0000:00:02.0/0000:01:00.0/virtio2")
	s.disk("rbd0", "devices/rbd/0")
	d := New()
	for name, want := range map[string]san.Path{
		"vdb":  {StateKnown: true, Health: san.PathOptimized, Components: [san.NumComponents]string{san.Adapter: "0000:01:00.0"}},
		"rbd0": {StateKnown: true, Health: san.PathOptimized},
		"vdz":  {Health: san.PathOptimized},
	} {
		if p, ok := d.Path(s.Reader, host.DirEntry{Name: name}); !ok || p != want {
			t.Errorf("%s: %+v, want %+v", name, p, want)
		}
		if wwid, ok := d.WWID(s.Reader, name); wwid != "" || !ok {
			t.Errorf("%s: %q, %v", name, wwid, ok)
		}
	}
}

// TestDisksAreForgotten follows a name that becomes another disk's.
func TestDisksAreForgotten(t *testing.T) {
	s := newTree(t)
	s.disk("vdb", "devices/pci0000:00/0000:00:05.0/virtio2")
	d := New()
	adapter := func(inode uint64) string {
		p, _ := d.Path(s.Reader, host.DirEntry{Name: "vdb", Inode: inode})
		d.Forget()
		return p.Components[san.Adapter]
	}
	if a := adapter(7); a != "0000:00:05.0" {
		t.Errorf("adapter %q", a)
	}
	if err := os.Remove(filepath.Join(s.root, "block/vdb")); err != nil {
		t.Fatal(err)
	}
	s.disk("vdb", "devices/pci0000:00/0000:00:06.0/virtio3")
	if a := adapter(7); a != "0000:00:05.0" {
		t.Errorf("adapter %q, for the same inode", a)
	}
	if a := adapter(8); a != "0000:00:06.0" {
		t.Errorf("adapter %q, for another inode", a)
	}
	d.Forget()
	d.Forget()
	if len(d.known) > 0 {
		t.Errorf("known: %v", d.known)
	}
}

func FuzzMasks(f *testing.F) {
	f.Add("f0 c0 ff", "40 41 42 43 00 00 00 00")
	f.Add("", "40")
	f.Fuzz(func(t *testing.T, pimpampom, chpids string) {
		m, ok := parseMasks([]byte(pimpampom))
		if usable := usablePaths(chpids, m[0]&m[1]&m[2]); ok && len(usable) > len(chpids) {
			t.Errorf("%q and %q: %q", pimpampom, chpids, usable)
		}
	})
}
