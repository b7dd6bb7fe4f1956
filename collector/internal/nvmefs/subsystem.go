package nvmefs

import (
	"strings"

	"github.com/hostexporter/host_exporter/collector/internal/host"
)

const (
	subsystemDir    = "class/nvme-subsystem"
	subsystemPrefix = "nvme-subsys"
)

// A Subsystem is one of /sys/class/nvme-subsystem: what several controllers
// lead to.
type Subsystem struct {
	Name     string // nvme-subsys3
	NQN      string // from subsysnqn
	Model    string
	Serial   string
	IOPolicy string // empty where the kernel is built without native multipath

	Controllers []Path
	Namespaces  []string // shared ones, nvme3n1
}

// A Path is a controller of a Subsystem.
type Path struct {
	Controller string // nvme4
	Transport  string // pcie, tcp, fc, rdma, loop, ...
	State      string // as in Controller
}

// Subsystems returns the subsystems in natural order. What cannot be read is
// told to skip and costs itself.
func Subsystems(sys *host.Reader, skip func(error)) ([]Subsystem, error) {
	names, err := sys.Names(subsystemDir)
	if err != nil {
		return nil, err
	}
	var all []Subsystem
	for _, name := range names {
		if strings.HasPrefix(name, subsystemPrefix) {
			if s, ok := readSubsystem(sys, name, skip); ok {
				all = append(all, s)
			}
		}
	}
	return all, nil
}

func readSubsystem(sys *host.Reader, name string, skip func(error)) (Subsystem, bool) {
	s := Subsystem{Name: name}
	names, err := sys.Names(subsystemDir, name)
	if !told(err, skip) {
		return s, false
	}
	text := func(elem ...string) string {
		b, err := sys.Text(append([]string{subsystemDir, name}, elem...)...)
		if !told(err, skip) {
			return ""
		}
		return string(b)
	}
	s.NQN, s.Model, s.Serial, s.IOPolicy = text("subsysnqn"), text("model"), text("serial"), text("iopolicy")
	for _, child := range names {
		switch {
		case isController(child):
			p := Path{Controller: child, State: state(sys, skip, subsystemDir, name, child), Transport: text(child, "transport")}
			if p.State != "" || sys.Exists(subsystemDir, name, child) {
				s.Controllers = append(s.Controllers, p)
			}
		case isHead(child):
			s.Namespaces = append(s.Namespaces, child)
		}
	}
	return s, true
}
