// Package nvmefs reads NVMe controllers, their namespaces and subsystems from
// sysfs.
//
// It only reads, and only attributes that it names: among their neighbours
// are secrets (dhchap_secret) and switches (reset_controller). What is made of
// the facts is the business of the collectors, of which more than one needs
// them.
//
// Nothing here sends a command to a device but UsedBlocks, which says so.
package nvmefs

import (
	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/scan"
)

const classDir = "class/nvme"

// A Controller is one of /sys/class/nvme, with what identifies it.
type Controller struct {
	Name     string // nvme3
	State    string // live, connecting, deleting (no IO), ...; empty when not known
	Model    string
	Serial   string
	Firmware string // from firmware_rev
	ID       string // from cntlid, unique within the subsystem
}

// StateLive is the state of a controller that takes commands.
const StateLive = "live"

// Controllers returns the names of the controllers in natural order.
func Controllers(sys *host.Reader) ([]string, error) {
	names, err := sys.Names(classDir)
	controllers := names[:0]
	for _, name := range names {
		if isController(name) {
			controllers = append(controllers, name)
		}
	}
	return controllers, err
}

// ReadController reads what identifies a controller. An attribute that it does
// not have is empty; one that cannot be read is told to skip. It reports false
// when the controller went away.
func ReadController(sys *host.Reader, name string, skip func(error)) (Controller, bool) {
	c := Controller{Name: name}
	if c.State = state(sys, skip, classDir, name); c.State == "" && !sys.Exists(classDir, name) {
		return c, false
	}
	c.Model = label(sys, skip, name, "model")
	c.Serial = label(sys, skip, name, "serial")
	c.Firmware = label(sys, skip, name, "firmware_rev")
	c.ID = label(sys, skip, name, "cntlid")
	return c, true
}

func label(sys *host.Reader, skip func(error), controller, attribute string) string {
	b, err := sys.Text(classDir, controller, attribute)
	if err != nil {
		told(err, skip)
		return ""
	}
	return string(b)
}

// state returns the state of a controller, in the kernel's words. New ones
// come with new kernels, but they are words.
func state(sys *host.Reader, skip func(error), elem ...string) string {
	b, err := sys.Text(append(elem, "state")...)
	for _, c := range b {
		if c < ' ' || c > '~' {
			err = sys.At(host.Bad(1, "the state of a controller", b))
		}
	}
	if !told(err, skip) {
		return ""
	}
	return string(b)
}

// A Namespace is a block device below a controller: a namespace of its own,
// nvme2n1, or its path to one that the subsystem shares, nvme3c4n1.
type Namespace struct {
	Name     string
	ID       string // from nsid
	ANAState string // from ana_state; empty where the controller has none

	Sectors        uint64 // of 512 bytes, from size
	SectorsKnown   bool
	BlockSize      uint64 // bytes, from queue/logical_block_size
	BlockSizeKnown bool
}

// Namespaces returns the namespaces of a controller in natural order. What
// cannot be read is told to skip and costs itself; a namespace whose ID cannot
// be read, or is that of another one, is left out.
func Namespaces(sys *host.Reader, controller string, skip func(error)) []Namespace {
	names, err := sys.Names(classDir, controller)
	if !told(err, skip) {
		return nil
	}
	var all []Namespace
	for _, name := range names {
		instance, ok := namespaceInstance(name)
		if !ok {
			continue
		}
		if n, ok := readNamespace(sys, controller, name, instance, all, skip); ok {
			all = append(all, n)
		}
	}
	return all
}

func readNamespace(sys *host.Reader, controller, name, instance string, others []Namespace, skip func(error)) (Namespace, bool) {
	n := Namespace{Name: name, ID: instance}
	b, err := sys.Text(classDir, controller, name, "nsid")
	switch {
	case err == nil:
		if _, ok := scan.Uint(b); !ok {
			skip(sys.At(host.Bad(1, "a namespace ID", b)))
			return n, false
		}
		n.ID = string(b)
	case !host.Gone(err): // gone: old kernels do not tell, and number as the device does
		skip(err)
		return n, false
	case !sys.Exists(classDir, controller, name):
		return n, false
	}
	for i := range others {
		if others[i].ID == n.ID {
			skip(sys.At(host.Bad(1, "an ID that "+others[i].Name+" does not have", b)))
			return n, false
		}
	}
	n.Sectors, err = sys.Uint(classDir, controller, name, "size")
	n.SectorsKnown = told(err, skip)
	n.BlockSize, err = sys.Uint(classDir, controller, name, "queue/logical_block_size")
	n.BlockSizeKnown = told(err, skip)
	if b, err = sys.Text(classDir, controller, name, "ana_state"); told(err, skip) {
		n.ANAState = string(b)
	}
	return n, true
}

// UsedBlocks returns how many logical blocks of a namespace are in use, from
// nuse. Reading it sends an Identify command to the controller (since 6.8, at
// most once in five seconds for each namespace), and blocks until it answers.
func UsedBlocks(sys *host.Reader, controller, namespace string) (uint64, error) {
	return sys.Uint(classDir, controller, namespace, "nuse")
}

// told reports whether there is no error, and tells one that is not about
// something that went away.
func told(err error, skip func(error)) bool {
	if err != nil && !host.Gone(err) {
		skip(err)
	}
	return err == nil
}
