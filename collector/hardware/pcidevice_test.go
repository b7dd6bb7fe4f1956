package hardware

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/prometheus/procfs/sysfs"

	"github.com/hostexporter/host_exporter/collector/internal/test/golden"
)

func TestPcideviceMatchesProcfs(t *testing.T) {
	for _, archive := range []string{"pcidevice.host", "pcidevice.recorded-virtio.host", "pcidevice.server.host"} {
		b := golden.NewWorkbench(t, pcidevice.Build, nil)
		golden.Load(t, "../../testdata/hardware/"+archive, b.Root)
		have, errs := b.Update()
		if errs != nil {
			t.Fatal(errs)
		}
		fs, err := sysfs.NewFS(filepath.Join(b.Root, "sys"))
		if err != nil {
			t.Fatal(err)
		}
		devices, err := fs.PciDevices()
		if err != nil {
			t.Fatal(err)
		}
		want := map[string]float64{}
		for _, d := range devices {
			wantPciDevice(want, d)
		}
		golden.SameSamples(t, have, want)
	}
}

func wantPciDevice(want map[string]float64, d sysfs.PciDevice) {
	l := d.Location.Strings()
	location := fmt.Sprintf("segment=%q,bus=%q,device=%q,function=%q", l[0], l[1], l[2], l[3])
	p := []string{"*", "*", "*", "*"}
	if d.ParentLocation != nil {
		p = d.ParentLocation.Strings()
	}
	want[fmt.Sprintf(`node_pcidevice_info{%s,parent_segment=%q,parent_bus=%q,parent_device=%q,parent_function=%q,`+
		`class_id="0x%06x",vendor_id="0x%04x",device_id="0x%04x",subsystem_vendor_id="0x%04x",subsystem_device_id="0x%04x",revision="0x%02x"}`,
		location, p[0], p[1], p[2], p[3], d.Class, d.Vendor, d.Device, d.SubsystemVendor, d.SubsystemDevice, d.Revision)] = 1
	set := func(name string, v float64) { want["node_pcidevice_"+name+"{"+location+"}"] = v }
	isAsleep := false
	if d.PowerState != nil {
		isAsleep = *d.PowerState == sysfs.PciPowerStateD3Cold
		for _, state := range pciPowerStates {
			v := 0.0
			if state == d.PowerState.String() {
				v = 1
			}
			want[fmt.Sprintf("node_pcidevice_power_state{%s,state=%q}", location, state)] = v
		}
	}
	for name, v := range map[string]*float64{"max": d.MaxLinkSpeed, "current": d.CurrentLinkSpeed} {
		if v != nil && !isAsleep {
			set(name+"_link_transfers_per_second", *v*1e9)
		}
	}
	for name, v := range map[string]*float64{"max": d.MaxLinkWidth, "current": d.CurrentLinkWidth} {
		if v != nil && !isAsleep && *v < 63 { // which procfs takes for a width
			set(name+"_link_width", *v)
		}
	}
	if d.NumaNode != nil {
		set("numa_node", float64(*d.NumaNode))
	}
	for name, v := range map[string]*uint32{"sriov_numvfs": d.SriovNumvfs, "sriov_totalvfs": d.SriovTotalvfs} {
		if v != nil {
			set(name, float64(*v))
		}
	}
	for name, v := range map[string]*bool{"sriov_drivers_autoprobe": d.SriovDriversAutoprobe, "d3cold_allowed": d.D3coldAllowed} {
		switch {
		case v != nil && *v:
			set(name, 1)
		case v != nil:
			set(name, 0)
		}
	}
	if d.SriovVfTotalMsix != nil {
		set("sriov_vf_total_msix", float64(*d.SriovVfTotalMsix))
	}
}

// manyPciDevices returns a host with devices, and a file pci.ids of the size of
// a real one.
func manyPciDevices(t testing.TB, devices int) *golden.Workbench {
	t.Helper()
	ids := filepath.Join(t.TempDir(), "pci.ids")
	b := golden.NewWorkbench(t, pcidevice.Build, map[string][]string{"names": {"true"}, "idsfile": {ids}})
	for i := range devices {
		name := fmt.Sprintf("0000:%02x:%02x.0", i/32, i%32)
		dir := "devices/pci0000:00/" + name + "/"
		b.SysLink("bus/pci/devices/"+name, "../../../devices/pci0000:00/"+name)
		for file, content := range map[string]string{
			"class": "0x020000", "vendor": "0x8086", "device": fmt.Sprintf("0x%04x", i), "subsystem_vendor": "0x15b3", "subsystem_device": "0x0001",
			"revision": "0x01", "max_link_speed": "8.0 GT/s PCIe", "max_link_width": "16", "current_link_speed": "8.0 GT/s PCIe", "current_link_width": "16",
			"numa_node": "0", "d3cold_allowed": "1", "power_state": "D0",
		} {
			b.Sys(dir+file, content+"\n")
		}
	}
	var file strings.Builder
	for vendor := range 2400 {
		fmt.Fprintf(&file, "%04x  A vendor of devices\n", 0x7800+vendor)
		for device := range 15 {
			fmt.Fprintf(&file, "\t%04x  A device with a name of usual length\n", device)
		}
	}
	file.WriteString("C 02  Network controller\n\t00  Ethernet controller\n")
	if err := os.WriteFile(ids, []byte(file.String()), 0o644); err != nil {
		t.Fatal(err)
	}
	return b
}

// TestPcideviceAllocates allows for the path of pci.ids, whose version is read.
func TestPcideviceAllocates(t *testing.T) { manyPciDevices(t, 32).Allocs(2) }

func BenchmarkPcidevice(b *testing.B) { manyPciDevices(b, 512).Steady() }

func BenchmarkPcideviceNames(b *testing.B) {
	w := manyPciDevices(b, 512)
	w.Update()
	c := w.Collector.(*pcideviceCollector)
	b.ReportAllocs()
	for b.Loop() {
		if err := c.ids.load(c.ids.loaded, c.devices); err != nil {
			b.Fatal(err)
		}
	}
}

// TestPcideviceKeepsNamesOnly checks that the file is read once, and that devices
// share no memory with it.
func TestPcideviceKeepsNamesOnly(t *testing.T) {
	b := manyPciDevices(t, 4)
	b.Update()
	c := b.Collector.(*pcideviceCollector)
	if have := c.devices[3].names; have.device != "A device with a name of usual length" || have.class != "Ethernet controller" {
		t.Errorf("names %+v", have)
	}
	loaded := c.ids.loaded
	c.devices[3].names.device = "not read again"
	b.Update()
	if c.devices[3].names.device != "not read again" || c.ids.loaded != loaded {
		t.Error("an unchanged file was read again")
	}
}

// FuzzPCIIDs checks that no lines cause a panic, or a name that the file does
// not have.
func FuzzPCIIDs(f *testing.F) {
	f.Add("15b3  Mellanox\n\t1017  MT27800\n\t\t15b3 0007  ConnectX\nC 02  Network\n\t00  Ethernet\n")
	f.Add("\t\t15b3\n\t1017\n\t\t\t\t\n15b3\n\t\t15b3 0007\n")
	f.Fuzz(func(t *testing.T, file string) {
		d := &pciDevice{known: true}
		for i, id := range []uint64{0x020000, 0x15b3, 0x1017, 0x15b3, 7, 0} {
			d.setID(i, id)
		}
		names := newPCINameTable([]*pciDevice{d})
		for line := range strings.Lines(file) {
			names.read([]byte(strings.TrimSuffix(line, "\n")))
		}
		have := names.of(d)
		for _, name := range []string{have.class, have.vendor, have.device, have.subsystemVendor, have.subsystemDevice} {
			if !strings.Contains(file, name) {
				t.Errorf("name %q", name)
			}
		}
	})
}

func TestPCILocation(t *testing.T) {
	for name, want := range map[string]pciLocation{
		"0000:00:1f.2": {"0000", "00", "1f", "2"}, "10000:e1:00.0": {"10000", "e1", "00", "0"},
		"pci0000:00": {}, "0000:00:1f": {}, "0000:00": {}, "": {}, "0000:00:1f.": {}, "0000:0:1f.2": {}, "0x00:00:1f.2": {}, "0000:00:1f.2.1": {}, "0000:00:1g.0": {},
	} {
		if have, ok := parsePCILocation(name); ok != (want[0] != "") || ok && have != want {
			t.Errorf("parsePCILocation(%q) = %v, %v, want %v", name, have, ok, want)
		}
	}
}
