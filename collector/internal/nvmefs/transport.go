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

// ReadTransport reads how a controller is reached, which does not change while
// it exists. An attribute is empty if it is absent or, after a report,
// unreadable.
func ReadTransport(sys *host.Reader, controller string, report func(error)) Transport {
	return Transport{
		Name: text(sys, report, ClassDir, controller, "transport"),
		Type: text(sys, report, ClassDir, controller, "cntrltype"),
		NQN:  text(sys, report, ClassDir, controller, "subsysnqn"),
	}
}

// An Address is where a controller is reached, from address. The target of a PCI
// controller is its PCI function; a loop controller has no target.
type Address struct {
	Target        string // traddr
	Service       string // trsvcid
	HostTarget    string // host_traddr
	HostInterface string // host_iface
	Source        string // src_addr: TCP, while connected
}

// ParseAddress parses the attribute address, such as
//
//	traddr=192.0.2.1,trsvcid=4420,host_iface=eth0,src_addr=192.0.2.9
//
// A Fibre Channel address, nn-0x20000090fa942779:pn-0x10000090fa942779, becomes
// its port name of 16 digits.
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
			a.Service = dropNone(value)
		case "host_traddr":
			a.HostTarget = portName(value)
		case "host_iface":
			a.HostInterface = dropNone(value)
		case "src_addr":
			a.Source = dropNone(value)
		}
	}
	return a
}

// dropNone returns a value, or "" for the kernel's two words for none.
func dropNone(value string) string {
	if value == "none" || value == "(null)" {
		return ""
	}
	return value
}

// portName returns the port name in a Fibre Channel address, and any other
// address unchanged.
func portName(address string) string {
	node, port, ok := strings.Cut(address, ":pn-0x")
	if !ok || !strings.HasPrefix(node, "nn-0x") {
		return dropNone(address)
	}
	port = strings.ToLower(port)
	if len(port) < 16 {
		port = strings.Repeat("0", 16-len(port)) + port
	}
	return port
}
