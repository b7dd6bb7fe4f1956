package fc

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

	"github.com/hostexporter/host_exporter/collector/hba/internal/attr"
	"github.com/hostexporter/host_exporter/collector/hba/internal/fc/fpin"
	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
	"github.com/hostexporter/host_exporter/collector/internal/test/fault"
)

func TestRoles(t *testing.T) {
	for in, want := range map[string]struct {
		list string
		role role
	}{
		"FCP Target":                             {"fcp_target", fcpTarget},
		"NVMe Target, NVMe Discovery":            {"nvme_target,nvme_discovery", nvmeTarget},
		"FCP Initiator, NVMe Target":             {"fcp_initiator,nvme_target", nvmeTarget},
		"NVMe Target, FCP Initiator, FCP Target": {"nvme_target,fcp_initiator,fcp_target", fcpTarget},
		"FCP Initiator":                          {"fcp_initiator", initiator},
		"IP Port, FCP Dummy Initiator":           {"ip_port,fcp_dummy_initiator", initiator},
		"NVMe Discovery":                         {"nvme_discovery", otherRole},
		"Directory Server":                       {"directory_server", otherRole},
		"unknown":                                {"unknown", otherRole},
		"":                                       {"", otherRole},
		"FCP Targets, , FCP  Target,FCP Target x": {"fcp_targets,,fcp__target,fcp_target_x", otherRole},
	} {
		if list, role := parseRoles([]byte(in)); list != want.list || role != want.role {
			t.Errorf("%q: %q, %v; want %q, %v", in, list, role, want.list, want.role)
		}
	}
}

func TestTimeout(t *testing.T) {
	for in, want := range map[string]timeout{
		"30": {known: true, seconds: 30}, "0": {known: true}, "off": {known: true, off: true},
		"4294967294": {known: true, seconds: 4294967294}, "4294967295": {known: true, seconds: math.Inf(1)},
		"-1": {}, "": {}, "30 s": {}, "Off": {},
	} {
		if got, ok := parseTimeout([]byte(in)); got != want || ok != want.known {
			t.Errorf("%q: %+v, %v; want %+v", in, got, ok, want)
		}
	}
}

// A fabric is the remote ports of a host in a folder.
type fabric struct {
	finder
	attr.Reader
	t      *testing.T
	root   string
	faults fault.Files
	errs   []error // of the last reading
}

func newFabric(t *testing.T) *fabric {
	f := &fabric{t: t, root: t.TempDir()}
	f.Reader = attr.Reader{Sys: f.faults.Inject(host.NewTree(f.root).Attributes()).Reader(), Out: metric.NewSink(metric.NewSet())}
	return f
}

// find lists the ports, and keeps the errors.
func (f *fabric) find() bool {
	f.Out.Reset(metric.Text)
	ok := f.finder.find(f.Reader)
	f.errs, _ = f.Out.Errors()
	return ok
}

func (f *fabric) path(name string) string { return filepath.Join(f.root, name) }

func (f *fabric) put(port string, attributes ...string) {
	f.t.Helper()
	for i := 0; i < len(attributes); i += 2 {
		path := f.path(class + "/" + port + "/" + attributes[i])
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
func (f *fabric) read() []*remotePort {
	f.t.Helper()
	if !f.find() {
		f.t.Fatal(f.errs)
	}
	ports := slices.DeleteFunc(slices.Clone(f.of("host3")), func(p *remotePort) bool { return !f.finder.read(f.Reader, p, true) })
	f.errs, _ = f.Out.Errors()
	return ports
}

func (f *fabric) readOne() *remotePort {
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
	f.luns = map[string]int{"3:0:2": 3, "3:1:2": 1, "33:0:2": 1}
	f.target("rport-3:0-2")
	f.put("rport-3:0-10", "scsi_target_id", "7")
	var names []string
	for _, p := range f.read() {
		names = append(names, p.name+"="+p.target+"/"+strconv.Itoa(p.luns))
	}
	if want := "rport-3:0-2=3:0:2/3 rport-3:0-10=3:0:7/0 rport-3:1-0=/0"; strings.Join(names, " ") != want {
		t.Errorf("have %q, want %q", names, want)
	}
	if p := f.byName["rport-13:0-0"]; p == nil || p.host != "host13" || p.channel != "0" || p.state != unknown {
		t.Errorf("rport-13:0-0 is %+v", p)
	}
	if p := f.byName["rport-3"]; p != nil {
		t.Errorf("rport-3 is %+v", p)
	}
}

// TestFresh finds only ports that were read in this scrape.
func TestFresh(t *testing.T) {
	f := newFabric(t)
	f.target("rport-3:0-2")
	f.target("rport-4:0-2")
	f.read()
	if p := f.fresh("rport-3:0-2"); p == nil || p.portName != "50060e8012345600" || p.state != online {
		t.Errorf("%+v", p)
	}
	for _, name := range []string{"rport-4:0-2", "rport-5:0-0"} { // not read, and not there
		if p := f.fresh(name); p != nil {
			t.Errorf("%+v", p)
		}
	}
	if !f.find() {
		t.Fatal(f.errs)
	}
	if p := f.fresh("rport-3:0-2"); p != nil {
		t.Errorf("%+v, of the last time", p)
	}
}

func TestFindWithoutClass(t *testing.T) {
	f := newFabric(t)
	if f.find() || f.errs != nil {
		t.Errorf("no class: %v", f.errs)
	}
	f.target("rport-3:0-1")
	f.readOne()
	f.faults.Set(f.path(class), syscall.EIO)
	if f.find() || len(f.errs) != 1 || !errors.Is(f.errs[0], syscall.EIO) || len(f.of("host3")) > 0 || f.byName["rport-3:0-1"] != nil {
		t.Errorf("class that cannot be listed: %v", f.errs)
	}
	f.faults.Set(f.path(class), nil)
	f.readOne()
	if p := f.readOne(); p.lunsCounted {
		t.Error("devices that cannot be listed are counted")
	}
	f.luns = map[string]int{"3:0:2": 1}
	if p := f.readOne(); !p.lunsCounted || p.luns != 1 {
		t.Errorf("devices that can be listed again: %d", p.luns)
	}
}

// TestReplaced replaces a port by another of its name.
func TestReplaced(t *testing.T) {
	f := newFabric(t)
	f.target("rport-3:0-1")
	before := f.readOne()
	if err := os.Rename(f.path(class+"/rport-3:0-1"), f.path("old")); err != nil {
		t.Fatal(err)
	}
	f.put("rport-3:0-1", "port_state", "Online", "roles", "FCP Target", "port_name", "0x50060e8012345699")
	if after := f.readOne(); after == before || after.portName != "50060e8012345699" || after.nodeName != "" || after.target != "" {
		t.Errorf("is still %+v", after)
	}
}

// TestSettings sees what was set within some readings, and at once when
// something else changes.
func TestSettings(t *testing.T) {
	f := newFabric(t)
	f.target("rport-3:0-1")
	f.readOne()
	f.put("rport-3:0-1", "dev_loss_tmo", "600")
	n := 1
	for f.readOne().devLoss.seconds != 600 {
		if n++; n > settingsInterval {
			t.Fatalf("not seen in %d readings", n)
		}
	}
	f.put("rport-3:0-1", "dev_loss_tmo", "4294967295", "encryption/encryption_status", "Encrypted", "port_state", "Blocked")
	if p := f.readOne(); !math.IsInf(p.devLoss.seconds, 1) || p.encryption != encrypted {
		t.Errorf("when lost: %v, %v", p.devLoss, p.encryption)
	}
}

// TestErrors has every attribute fail once. Each time the error is reported, and
// what the port is stays as it was.
func TestErrors(t *testing.T) {
	f := newFabric(t)
	f.target("rport-3:0-1")
	f.put("rport-3:0-1", "encryption/encryption_status", "Unencrypted", "statistics/fpin_dn", "0x3", "statistics/fpin_dn_timeout", "0x2")
	before := *f.readOne()
	for _, file := range []string{"port_state", "roles", "port_id", "port_name", "node_name", "scsi_target_id", "dev_loss_tmo",
		"fast_io_fail_tmo", "encryption/encryption_status", "statistics/fpin_dn", "statistics/fpin_li", "statistics/fpin_cn", "statistics/fpin_dn_timeout"} {
		path := f.path(class + "/rport-3:0-1/" + file)
		f.faults.Set(path, syscall.EIO)
		reported := 0
		for range 2 * settingsInterval {
			f.put("rport-3:0-1", "statistics/fpin_dn", "0x"+strconv.Itoa(3+reported%2)) // so that events are read, too
			p := f.readOne()
			if reported += len(f.errs); len(f.errs) > 1 || len(f.errs) == 1 && !strings.Contains(f.errs[0].Error(), path) {
				t.Errorf("%s: %v", file, f.errs)
			}
			if p.portName != before.portName || p.nodeName != before.nodeName || p.id != before.id || p.target != before.target || !p.isTarget || p.roles != before.roles {
				t.Errorf("%s fails: is now %+v", file, p)
			}
			if f.errs != nil && p.stateKnown == (file == "port_state") {
				t.Errorf("%s fails: state known is %v", file, p.stateKnown)
			}
		}
		if reported == 0 && file != "port_name" && file != "node_name" && file != "scsi_target_id" { // no longer read
			t.Errorf("%s fails: not reported", file)
		}
		f.faults.Set(path, nil)
		for range settingsInterval {
			f.readOne()
		}
		if p := f.readOne(); f.errs != nil || !p.stateKnown || p.devLoss != before.devLoss || p.fastIOFail != before.fastIOFail || p.encryption != before.encryption {
			t.Errorf("%s is back: %v, %+v", file, f.errs, p)
		}
	}
}

// TestErrorsAreReportedAgain has attributes fail that are not read each time: as
// long as they fail they are.
func TestErrorsAreReportedAgain(t *testing.T) {
	for _, file := range []string{"port_name", "node_name", "scsi_target_id", "dev_loss_tmo", "fast_io_fail_tmo"} {
		f := newFabric(t)
		f.target("rport-3:0-1")
		f.faults.Set(f.path(class+"/rport-3:0-1/"+file), syscall.EIO)
		for i := range 2 * settingsInterval {
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
	f.faults.Set(f.path(class+"/rport-3:0-1/port_state"), syscall.ENODEV)
	if ports := f.read(); len(ports) > 0 || f.errs != nil {
		t.Errorf("%d ports, %v", len(ports), f.errs)
	}
	f.faults.Set(f.path(class+"/rport-3:0-1/port_state"), nil)
	f.readOne()
}

func TestNotifications(t *testing.T) {
	f := newFabric(t)
	f.target("rport-3:0-1")
	if p := f.readOne(); p.fpin.seen != [len(p.fpin.seen)]bool{} {
		t.Error("events out of nothing")
	}
	const creditStall, clears = 14, 12
	// The kernel counts the notification; then we read; then it counts the event.
	f.put("rport-3:0-1", "statistics/fpin_cn", "0x1", "statistics/fpin_cn_credit_stall", "0x0")
	f.readOne()
	f.put("rport-3:0-1", "statistics/fpin_cn_credit_stall", "0x1")
	p := f.readOne()
	if !p.fpin.seen[creditStall] || p.fpin.events[creditStall] != 1 {
		t.Errorf("credit stalls: %d, %v", p.fpin.events[creditStall], p.fpin.seen[creditStall])
	}
	if p.fpin.seen[clears] {
		t.Errorf("clears: %d", p.fpin.events[clears])
	}
	// A reset: what was seen stays.
	f.put("rport-3:0-1", "statistics/fpin_cn", "0x0", "statistics/fpin_cn_credit_stall", "0x0")
	if p := f.readOne(); !p.fpin.seen[creditStall] || p.fpin.events[creditStall] != 0 {
		t.Errorf("credit stalls after a reset: %d, %v", p.fpin.events[creditStall], p.fpin.seen[creditStall])
	}
	f.put("rport-3:0-1", "statistics/fpin_cn", "0xffffffffffffffff")
	if p := f.readOne(); p.fpin.known[fpin.Congestion] {
		t.Errorf("congestion is %d", p.fpin.totals[fpin.Congestion])
	}
}

func FuzzRoles(f *testing.F) {
	f.Add([]byte("FCP Target, NVMe Target"))
	f.Add([]byte("unknown"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if list, role := parseRoles(b); role >= numRoles || strings.Contains(list, " ") {
			t.Errorf("%q: %q, %v", b, list, role)
		}
	})
}
