package scsihost

import "testing"

func TestPlace(t *testing.T) {
	for _, c := range []struct {
		link string
		want Host
	}{
		{"../../devices/pci0000:3a/0000:3a:00.0/0000:3b:00.1/host3/fc_host/host3", Host{
			Name: "host3", Physical: "host3", PCI: "0000:3b:00.1",
			Dir: "devices/pci0000:3a/0000:3a:00.0/0000:3b:00.1/host3", Device: "devices/pci0000:3a/0000:3a:00.0/0000:3b:00.1",
		}},
		{"../../devices/pci0000:3a/0000:3b:00.1/host7/vport-7:0-0/host3/fc_host/host3", Host{
			Name: "host3", Physical: "host7", Vport: "vport-7:0-0", PCI: "0000:3b:00.1",
			Dir: "devices/pci0000:3a/0000:3b:00.1/host7/vport-7:0-0/host3", Device: "devices/pci0000:3a/0000:3b:00.1",
		}},
		{"../../devices/pci0000:00/0000:00:05.0/net/eth0/ctlr_0/host3/fc_host/host3", Host{
			Name: "host3", Physical: "host3", PCI: "0000:00:05.0",
			Dir: "devices/pci0000:00/0000:00:05.0/net/eth0/ctlr_0/host3", Device: "devices/pci0000:00/0000:00:05.0",
		}},
		{"../../devices/pci0000:00/0000:00:0e.0/pci10000:e0/10000:e0:01.0/10000:e1:00.0/host3/scsi_host/host3", Host{
			Name: "host3", Physical: "host3", PCI: "10000:e1:00.0",
			Dir:    "devices/pci0000:00/0000:00:0e.0/pci10000:e0/10000:e0:01.0/10000:e1:00.0/host3",
			Device: "devices/pci0000:00/0000:00:0e.0/pci10000:e0/10000:e0:01.0/10000:e1:00.0",
		}},
		{"../../devices/css0/0.0.000d/0.0.1900/host3/fc_host/host3", Host{Name: "host3", Physical: "host3", Dir: "devices/css0/0.0.000d/0.0.1900/host3"}},
		{"../../devices/vio/30000003/host3/fc_host/host3", Host{Name: "host3", Physical: "host3", Dir: "devices/vio/30000003/host3"}},
		{"../../devices/platform/host3/scsi_host/host3", Host{Name: "host3", Physical: "host3", Dir: "devices/platform/host3"}},
		{"", Host{Name: "host3", Physical: "host3"}},
		{"/somewhere/else", Host{Name: "host3", Physical: "host3"}},
		{"../../devices", Host{Name: "host3", Physical: "host3"}},
	} {
		if got := place(FC, "host3", c.link); *got != c.want {
			t.Errorf("%s:\n%+v, want\n%+v", c.link, *got, c.want)
		}
	}
}

func TestNames(t *testing.T) {
	for name, want := range map[string]bool{"host0": true, "host17": true, "host": false, "hostx": false, "ghost1": false, "host-1": false} {
		if IsName(name) != want {
			t.Errorf("IsName(%q) = %v", name, !want)
		}
	}
	for name, want := range map[string]bool{
		"0000:3b:00.1": true, "10000:e1:00.0": true, "pci0000:3a": false, "0000:3b:00.8": false,
		"0000:3B:00.0": false, "0000-3b:00.0": false, "": false, "000:3b:00.1": false,
	} {
		if IsPCI(name) != want {
			t.Errorf("IsPCI(%q) = %v", name, !want)
		}
	}
}

func TestLabel(t *testing.T) {
	for in, want := range map[string]string{
		"LPe35002-M2-D   \n": "LPe35002-M2-D", "full\x00": "full", "\n": "", "(null)\n": "", "<NULL>": "", "N/A": "",
		"a\xffb": "a\uFFFDb", "two\nlines": "twolines", "\x01\x02 x": "x",
	} {
		if got := Label([]byte(in)); got != want {
			t.Errorf("Label(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestWWN(t *testing.T) {
	for _, c := range []struct {
		in, want string
		ok       bool
	}{
		{"0x21000024ff00a000", "21000024ff00a000", true}, {"0x10", "0000000000000010", true},
		{"0x0", "", true}, {"0xffffffffffffffff", "", true}, {"", "", false}, {"0xzz", "", false},
	} {
		if got, ok := WWN([]byte(c.in)); got != c.want || ok != c.ok {
			t.Errorf("WWN(%q) = %q, %v", c.in, got, ok)
		}
	}
}

func FuzzPlace(f *testing.F) {
	f.Add("../../devices/pci0000:3a/0000:3b:00.1/host7/vport-7:0-0/host3/fc_host/host3")
	f.Add("../../devices/host3")
	f.Add("..//devices//host3/")
	f.Fuzz(func(t *testing.T, link string) {
		h := place(FC, "host3", link)
		if h.Physical == "" || h.PCI != "" && !IsPCI(h.PCI) {
			t.Errorf("%q: %+v", link, h)
		}
	})
}
