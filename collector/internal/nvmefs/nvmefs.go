// Package nvmefs reads NVMe controllers, their namespaces and subsystems from
// sysfs. It only reads facts, which more than one collector needs, and only
// from files that it names: next to them are secrets (dhchap_secret) and
// switches (reset_controller). No function sends a command to a device, except
// UsedBlocks.
package nvmefs

import (
	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/scan"
)

// ClassDir is the directory of the controllers, below /sys.
const ClassDir = "class/nvme"

// A Controller is a controller of /sys/class/nvme, with its identity.
type Controller struct {
	Name     string // nvme3
	State    string // live, connecting, deleting (no IO), ...; empty if not known
	Model    string
	Serial   string
	Firmware string // from firmware_rev
	ID       string // from cntlid, unique within the subsystem
}

// StateLive is the state of a controller that takes commands.
const StateLive = "live"

// Controllers returns the names of the controllers in natural order.
func Controllers(sys *host.Reader) ([]string, error) {
	names, err := sys.Names(ClassDir)
	controllers := names[:0]
	for _, name := range names {
		if IsController(name) {
			controllers = append(controllers, name)
		}
	}
	return controllers, err
}

// ReadController reads the state and identity of a controller. An attribute is
// empty if it is absent or, after a report, unreadable. It returns false if the
// controller is gone.
func ReadController(sys *host.Reader, name string, report func(error)) (Controller, bool) {
	c := Controller{Name: name}
	if c.State = state(sys, report, ClassDir, name); c.State == "" && !sys.Exists(ClassDir, name) {
		return c, false
	}
	c.Model = text(sys, report, ClassDir, name, "model")
	c.Serial = text(sys, report, ClassDir, name, "serial")
	c.Firmware = text(sys, report, ClassDir, name, "firmware_rev")
	c.ID = text(sys, report, ClassDir, name, "cntlid")
	return c, true
}

// text returns an attribute, which is empty if it is absent or, after a report,
// unreadable.
func text(sys *host.Reader, report func(error), elem ...string) string {
	b, err := sys.Text(elem...)
	if !host.ReportUnlessGone(err, report) {
		return ""
	}
	return string(b)
}

// state returns the state of a controller, in the kernel's words. It does not
// limit them to a list: new kernels have new states.
func state(sys *host.Reader, report func(error), elem ...string) string {
	b, err := sys.Text(append(elem, "state")...)
	for _, c := range b {
		if c < ' ' || c > '~' {
			err = sys.At(host.Bad(1, "the state of a controller", b))
		}
	}
	if !host.ReportUnlessGone(err, report) {
		return ""
	}
	return string(b)
}

// A Namespace is a block device below a controller: a namespace of its own,
// nvme2n1, or its path to one that the subsystem shares, nvme3c4n1.
type Namespace struct {
	Name     string
	ID       string // from nsid
	ANAState string // from ana_state; empty if the controller has none

	Sectors        uint64 // of 512 bytes, from size
	SectorsKnown   bool
	BlockSize      uint64 // bytes, from queue/logical_block_size
	BlockSizeKnown bool
}

// Namespaces returns the namespaces of a controller in natural order. It reports
// a file that cannot be read, unless its device is gone. A namespace with an
// unreadable ID, or with the ID of another one, is left out; any other fact that
// cannot be read is not known.
func Namespaces(sys *host.Reader, controller string, report func(error)) []Namespace {
	names, err := sys.Names(ClassDir, controller)
	if !host.ReportUnlessGone(err, report) {
		return nil
	}
	var all []Namespace
	for _, name := range names {
		instance, ok := namespaceInstance(name)
		if !ok {
			continue
		}
		if n, ok := readNamespace(sys, controller, name, instance, all, report); ok {
			all = append(all, n)
		}
	}
	return all
}

func readNamespace(sys *host.Reader, controller, name, instance string, others []Namespace, report func(error)) (Namespace, bool) {
	n := Namespace{Name: name, ID: instance}
	b, err := sys.Text(ClassDir, controller, name, "nsid")
	switch {
	case err == nil:
		if _, ok := scan.Uint(b); !ok {
			report(sys.At(host.Bad(1, "a namespace ID", b)))
			return n, false
		}
		n.ID = string(b)
	case !host.Gone(err): // gone: old kernels have no nsid, and use the ID as the device's number
		report(err)
		return n, false
	case !sys.Exists(ClassDir, controller, name):
		return n, false
	}
	for i := range others {
		if others[i].ID == n.ID {
			report(sys.At(host.Bad(1, "an ID that "+others[i].Name+" does not have", b)))
			return n, false
		}
	}
	n.Sectors, err = sys.Uint(ClassDir, controller, name, "size")
	n.SectorsKnown = host.ReportUnlessGone(err, report)
	n.BlockSize, err = sys.Uint(ClassDir, controller, name, "queue/logical_block_size")
	n.BlockSizeKnown = host.ReportUnlessGone(err, report)
	n.ANAState = text(sys, report, ClassDir, controller, name, "ana_state")
	return n, true
}

// UsedBlocks returns the number of logical blocks of a namespace in use, from
// nuse. Reading it sends an Identify command to the controller (since Linux 6.8
// at most once in five seconds for each namespace), and blocks until the answer.
func UsedBlocks(sys *host.Reader, controller, namespace string) (uint64, error) {
	return sys.Uint(ClassDir, controller, namespace, "nuse")
}
