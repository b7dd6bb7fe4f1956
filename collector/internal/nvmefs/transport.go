package nvmefs

import (
	"strings"

	"github.com/hostexporter/host_exporter/collector/internal/host"
)

// A Transport is how a controller is reached.
type Transport struct {
	Name string // pcie, tcp, fc, rdma, loop, ...
	Type string // of the controller: io, discovery, admin; empty on old kernels
	NQN  string // of the subsystem, from subsysnqn
}

// An Address is where a controller is reached, from address. A controller on
// PCI has the PCI function as its target, one on loop has none.
type Address struct {
	Target        string // traddr
	Service       string // trsvcid
	HostTarget    string // host_traddr
	HostInterface string // host_iface
	Source        string // src_addr: TCP, while connected
}

// ReadTransport reads how a controller is reached, which does not change while
// it is there. What cannot be read is told to skip and is empty.
func ReadTransport(sys *host.Reader, controller string, skip func(error)) Transport {
	return Transport{
		Name: label(sys, skip, controller, "transport"),
		Type: label(sys, skip, controller, "cntrltype"),
		NQN:  label(sys, skip, controller, "subsysnqn"),
	}
}

// ParseAddress takes the text of address apart, such as
//
//	traddr=192.0.2.1,trsvcid=4420,host_iface=eth0,src_addr=192.0.2.9
//
// The addresses of Fibre Channel, nn-0x20000090fa942779:pn-0x10000090fa942779,
// become port names of 16 digits.
func ParseAddress(text string) Address {
	var a Address
	for part := range strings.SplitSeq(text, ",") {
		key, value, ok := strings.Cut(part, "=")
		if !ok {
			if a == (Address{}) {
				a.Target = part
			}
			continue
		}
		switch key {
		case "traddr":
			a.Target = portName(value)
		case "trsvcid":
			a.Service = none(value)
		case "host_traddr":
			a.HostTarget = portName(value)
		case "host_iface":
			a.HostInterface = none(value)
		case "src_addr":
			a.Source = none(value)
		}
	}
	return a
}

// none returns a value, but empty for the kernel's word for none.
func none(value string) string {
	if value == "none" || value == "(null)" {
		return ""
	}
	return value
}

// portName returns the name of the port in an address of Fibre Channel, and
// other addresses as they are.
func portName(address string) string {
	node, port, ok := strings.Cut(address, ":pn-0x")
	if !ok || !strings.HasPrefix(node, "nn-0x") {
		return none(address)
	}
	port = strings.ToLower(port)
	if len(port) < 16 {
		port = strings.Repeat("0", 16-len(port)) + port
	}
	return port
}

// ClassDir and SubsystemDir are where controllers and subsystems are listed.
const (
	ClassDir     = classDir
	SubsystemDir = subsystemDir
)

// IsController reports whether a name is that of a controller, such as nvme3.
func IsController(name string) bool { return isController(name) }

// IsSubsystem reports whether a name is that of a subsystem, such as
// nvme-subsys3.
func IsSubsystem(name string) bool {
	rest, ok := strings.CutPrefix(name, subsystemPrefix)
	digits, rest := number(rest)
	return ok && digits != "" && rest == ""
}

// IsHead reports whether a name is that of a namespace as a block device that
// may have several paths, such as nvme3n1.
func IsHead(name string) bool { return isHead(name) }

// HeadOf returns the block device that a path belongs to: nvme3n1 for
// nvme3c4n1. It reports false for a name that is not of a path.
func HeadOf(path string) (string, bool) {
	if _, ok := namespaceInstance(path); !ok {
		return "", false
	}
	c := strings.IndexByte(path, 'c')
	if c < 0 {
		return "", false
	}
	n := strings.LastIndexByte(path, 'n')
	return path[:c] + path[n:], true
}
