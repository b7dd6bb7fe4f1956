package rport

import (
	"errors"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/test/fault"
)

func TestRoles(t *testing.T) {
	for in, want := range map[string]struct {
		list string
		role Role
	}{
		"FCP Target":                             {"fcp_target", FCPTarget},
		"NVMe Target, NVMe Discovery":            {"nvme_target,nvme_discovery", NVMeTarget},
		"FCP Initiator, NVMe Target":             {"fcp_initiator,nvme_target", NVMeTarget},
		"NVMe Target, FCP Initiator, FCP Target": {"nvme_target,fcp_initiator,fcp_target", FCPTarget},
		"FCP Initiator":                          {"fcp_initiator", Initiator},
		"IP Port, FCP Dummy Initiator":           {"ip_port,fcp_dummy_initiator", Initiator},
		"NVMe Discovery":                         {"nvme_discovery", Other},
		"Directory Server":                       {"directory_server", Other},
		"unknown":                                {"unknown", Other},
		"":                                       {"", Other},
		"FCP Targets, , FCP  Target,FCP Target x": {"fcp_targets,,fcp__target,fcp_target_x", Other},
	} {
		if list, role := roles([]byte(in)); list != want.list || role != want.role {
			t.Errorf("%q: %q, %v; want %q, %v", in, list, role, want.list, want.role)
		}
	}
}

func TestTimeout(t *testing.T) {
	for in, want := range map[string]Timeout{
		"30": {Known: true, Seconds: 30}, "0": {Known: true}, "off": {Known: true, Off: true},
		"4294967294": {Known: true, Seconds: 4294967294}, "4294967295": {Known: true, Seconds: math.Inf(1)},
		"-1": {}, "": {}, "30 s": {}, "Off": {},
	} {
		if got, ok := timeout([]byte(in)); got != want || ok != want.Known {
			t.Errorf("%q: %+v, %v; want %+v", in, got, ok, want)
		}
	}
}

// A fabric is a host's remote ports in a folder.
type fabric struct {
	*Finder
	t      *testing.T
	root   string
	faults fault.Files
	errs   []error
}

func newFabric(t *testing.T) *fabric {
	f := &fabric{t: t, root: t.TempDir()}
	f.Finder = NewFinder(f.faults.Inject(host.NewTree(f.root).Attributes()).Reader())
	return f
}

func (f *fabric) path(name string) string { return filepath.Join(f.root, name) }

func (f *fabric) put(port string, attributes ...string) {
	f.t.Helper()
	for i := 0; i < len(attributes); i += 2 {
		path := f.path(Class + "/" + port + "/" + attributes[i])
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(attributes[i+1]+"\n"), 0o644)); err != nil {
			f.t.Fatal(err)
		}
	}
}

// target makes a port that is a target.
func (f *fabric) target(port string) {
	f.put(port, "port_state", "Online", "roles", "FCP Target", "port_id", "0x010200", "port_name", "0x50060e8012345600",
		"node_name", "0x50060e8012345601", "scsi_target_id", "2", "dev_loss_tmo", "30", "fast_io_fail_tmo", "5",
		"statistics/fpin_dn", "0x0", "statistics/fpin_li", "0x0", "statistics/fpin_cn", "0x0")
}

// read finds the ports, and reads those of host3.
func (f *fabric) read() []*Port {
	f.t.Helper()
	f.errs = nil
	tell := func(err error) { f.errs = append(f.errs, err) }
	if err := f.Find(tell); err != nil {
		f.t.Fatal(err)
	}
	return slices.DeleteFunc(slices.Clone(f.Of("host3")), func(p *Port) bool { return !f.Read(p, true, tell) })
}

func (f *fabric) readOne() *Port {
	f.t.Helper()
	ports := f.read()
	if len(ports) != 1 {
		f.t.Fatalf("%d ports", len(ports))
	}
	return ports[0]
}

func TestFind(t *testing.T) {
	f := newFabric(t)
	for _, name := range []string{"rport-3:0-10", "rport-3:0-2", "rport-3:1-0", "rport-13:0-0", "rport-3", "rport-:0-1", "rport-3:0", "port-3:0-1"} {
		f.put(name, "port_state", "Online")
	}
	for _, name := range []string{"3:0:2:0", "3:0:2:11", "3:0:2:1086537744", "3:1:2:0", "33:0:2:0"} {
		if err := os.MkdirAll(f.path(devices+"/"+name), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	f.target("rport-3:0-2")
	f.put("rport-3:0-10", "scsi_target_id", "7")
	var names []string
	for _, p := range f.read() {
		names = append(names, p.Name+"="+p.Target+"/"+strconv.Itoa(p.LUNs))
	}
	if want := "rport-3:0-2=3:0:2/3 rport-3:0-10=3:0:7/0 rport-3:1-0=/0"; strings.Join(names, " ") != want {
		t.Errorf("have %q, want %q", names, want)
	}
	if p := f.Port("rport-13:0-0"); p == nil || p.Host != "host13" || p.Channel != "0" || p.State != Unknown {
		t.Errorf("rport-13:0-0 is %+v", p)
	}
	if p := f.Port("rport-3"); p != nil {
		t.Errorf("rport-3 is %+v", p)
	}
}

// TestFresh is about what others may take over: ports that were read this time.
func TestFresh(t *testing.T) {
	f := newFabric(t)
	f.target("rport-3:0-2")
	f.target("rport-4:0-2")
	f.read()
	if p := f.Fresh("rport-3:0-2"); p == nil || p.PortName != "50060e8012345600" || p.State != Online {
		t.Errorf("%+v", p)
	}
	for _, name := range []string{"rport-4:0-2", "rport-5:0-0"} { // not read, and not there
		if p := f.Fresh(name); p != nil {
			t.Errorf("%+v", p)
		}
	}
	if err := f.Find(nil); err != nil {
		t.Fatal(err)
	}
	if p := f.Fresh("rport-3:0-2"); p != nil {
		t.Errorf("%+v, of the last time", p)
	}
}

func TestFindWithoutClass(t *testing.T) {
	f := newFabric(t)
	if err := f.Find(nil); !host.Gone(err) {
		t.Errorf("no class: %v", err)
	}
	f.target("rport-3:0-1")
	f.readOne()
	f.faults.Set(f.path(Class), syscall.EIO)
	if err := f.Find(nil); !errors.Is(err, syscall.EIO) || len(f.Of("host3")) > 0 || f.Port("rport-3:0-1") != nil {
		t.Errorf("class that cannot be listed: %v", err)
	}
	f.faults.Set(f.path(Class), nil)
	f.readOne()
	f.put("../scsi_device/3:0:2:0", "x", "y")
	f.faults.Set(f.path(devices), syscall.EIO)
	if p := f.readOne(); p.LUNsCounted || len(f.errs) != 1 || !errors.Is(f.errs[0], syscall.EIO) {
		t.Errorf("devices that cannot be listed: %v", f.errs)
	}
	f.faults.Set(f.path(devices), nil)
	if p := f.readOne(); !p.LUNsCounted || p.LUNs != 1 || f.errs != nil {
		t.Errorf("devices that can be listed again: %d, %v", p.LUNs, f.errs)
	}
}

// TestReplaced replaces a port by another of its name.
func TestReplaced(t *testing.T) {
	f := newFabric(t)
	f.target("rport-3:0-1")
	before := f.readOne()
	if err := os.Rename(f.path(Class+"/rport-3:0-1"), f.path("old")); err != nil {
		t.Fatal(err)
	}
	f.put("rport-3:0-1", "port_state", "Online", "roles", "FCP Target", "port_name", "0x50060e8012345699")
	if after := f.readOne(); after == before || after.PortName != "50060e8012345699" || after.NodeName != "" || after.Target != "" {
		t.Errorf("is still %+v", after)
	}
}

// TestSettings sees what was set within some readings, and at once when
// something else moves.
func TestSettings(t *testing.T) {
	f := newFabric(t)
	f.target("rport-3:0-1")
	f.readOne()
	f.put("rport-3:0-1", "dev_loss_tmo", "600")
	n := 1
	for f.readOne().DevLoss.Seconds != 600 {
		if n++; n > refresh {
			t.Fatalf("not seen in %d readings", n)
		}
	}
	f.put("rport-3:0-1", "dev_loss_tmo", "4294967295", "encryption/encryption_status", "Encrypted", "port_state", "Blocked")
	if p := f.readOne(); !math.IsInf(p.DevLoss.Seconds, 1) || p.Encryption != Encrypted {
		t.Errorf("when lost: %v, %v", p.DevLoss, p.Encryption)
	}
}

// TestErrors has every attribute fail once. Each time it is told, and what the
// port is stays as it was.
func TestErrors(t *testing.T) {
	f := newFabric(t)
	f.target("rport-3:0-1")
	f.put("rport-3:0-1", "encryption/encryption_status", "Unencrypted", "statistics/fpin_dn", "0x3", "statistics/fpin_dn_timeout", "0x2")
	before := *f.readOne()
	for _, file := range []string{"port_state", "roles", "port_id", "port_name", "node_name", "scsi_target_id", "dev_loss_tmo",
		"fast_io_fail_tmo", "encryption/encryption_status", "statistics/fpin_dn", "statistics/fpin_li", "statistics/fpin_cn", "statistics/fpin_dn_timeout"} {
		path := f.path(Class + "/rport-3:0-1/" + file)
		f.faults.Set(path, syscall.EIO)
		told := 0
		for range 2 * refresh {
			f.put("rport-3:0-1", "statistics/fpin_dn", "0x"+strconv.Itoa(3+told%2)) // so that events are read, too
			p := f.readOne()
			if told += len(f.errs); len(f.errs) > 1 || len(f.errs) == 1 && !strings.Contains(f.errs[0].Error(), path) {
				t.Errorf("%s: %v", file, f.errs)
			}
			if p.PortName != before.PortName || p.NodeName != before.NodeName || p.ID != before.ID || p.Target != before.Target || !p.IsTarget || p.Roles != before.Roles {
				t.Errorf("%s fails: is now %+v", file, p)
			}
			if f.errs != nil && p.StateKnown == (file == "port_state") {
				t.Errorf("%s fails: state known is %v", file, p.StateKnown)
			}
		}
		if told == 0 && file != "port_name" && file != "node_name" && file != "scsi_target_id" { // not read any more
			t.Errorf("%s fails: not told", file)
		}
		f.faults.Set(path, nil)
		for range refresh {
			f.readOne()
		}
		if p := f.readOne(); f.errs != nil || !p.StateKnown || p.DevLoss != before.DevLoss || p.FastIOFail != before.FastIOFail || p.Encryption != before.Encryption {
			t.Errorf("%s is back: %v, %+v", file, f.errs, p)
		}
	}
}

// TestErrorsAreToldAgain has attributes fail that are not read each time: as
// long as they fail they are.
func TestErrorsAreToldAgain(t *testing.T) {
	for _, file := range []string{"port_name", "node_name", "scsi_target_id", "dev_loss_tmo", "fast_io_fail_tmo"} {
		f := newFabric(t)
		f.target("rport-3:0-1")
		f.faults.Set(f.path(Class+"/rport-3:0-1/"+file), syscall.EIO)
		for i := range 2 * refresh {
			if f.readOne(); len(f.errs) != 1 {
				t.Errorf("%s, reading %d: %v", file, i, f.errs)
			}
		}
	}
}

// TestVanishing removes a port between listing and reading.
func TestVanishing(t *testing.T) {
	f := newFabric(t)
	f.target("rport-3:0-1")
	f.readOne()
	f.faults.Set(f.path(Class+"/rport-3:0-1/port_state"), syscall.ENODEV)
	if ports := f.read(); len(ports) > 0 || f.errs != nil {
		t.Errorf("%d ports, %v", len(ports), f.errs)
	}
	f.faults.Set(f.path(Class+"/rport-3:0-1/port_state"), nil)
	f.readOne()
}

func TestNotifications(t *testing.T) {
	f := newFabric(t)
	f.target("rport-3:0-1")
	if p := f.readOne(); p.FPIN.seen != [len(p.FPIN.seen)]bool{} {
		t.Error("events out of nothing")
	}
	const creditStall, clears = 14, 12
	// The kernel counts the notification; then we read; then it counts the event.
	f.put("rport-3:0-1", "statistics/fpin_cn", "0x1", "statistics/fpin_cn_credit_stall", "0x0")
	f.readOne()
	f.put("rport-3:0-1", "statistics/fpin_cn_credit_stall", "0x1")
	p := f.readOne()
	if v, ok := p.FPIN.Event(creditStall); v != 1 || !ok {
		t.Errorf("credit stalls: %d, %v", v, ok)
	}
	if v, ok := p.FPIN.Event(clears); ok {
		t.Errorf("clears: %d", v)
	}
	// A reset: what was seen stays.
	f.put("rport-3:0-1", "statistics/fpin_cn", "0x0", "statistics/fpin_cn_credit_stall", "0x0")
	if v, ok := f.readOne().FPIN.Event(creditStall); v != 0 || !ok {
		t.Errorf("credit stalls after a reset: %d, %v", v, ok)
	}
	f.put("rport-3:0-1", "statistics/fpin_cn", "0xffffffffffffffff")
	if v, ok := f.readOne().FPIN.Total(2); ok {
		t.Errorf("congestion is %d", v)
	}
}

func FuzzRoles(f *testing.F) {
	f.Add([]byte("FCP Target, NVMe Target"))
	f.Add([]byte("unknown"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if list, role := roles(b); role >= NumRoles || strings.Contains(list, " ") {
			t.Errorf("%q: %q, %v", b, list, role)
		}
	})
}
