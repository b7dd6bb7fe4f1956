package nvmefs

import "github.com/hostexporter/host_exporter/collector/internal/host"

// SubsystemDir is the directory of the subsystems, below /sys.
const SubsystemDir = "class/nvme-subsystem"

// A Subsystem is a subsystem of /sys/class/nvme-subsystem, to which several
// controllers may lead.
type Subsystem struct {
	Name     string // nvme-subsys3
	NQN      string // from subsysnqn
	Model    string
	Serial   string
	IOPolicy string // empty if the kernel has no native multipath

	Controllers []Path
	Namespaces  []string // shared ones, nvme3n1
}

// A Path is a controller of a Subsystem.
type Path struct {
	Controller string // nvme4
	Transport  string // pcie, tcp, fc, rdma, loop, ...
	State      string // as in Controller
}

// Subsystems returns the subsystems in natural order. It reports a file that
// cannot be read, unless its device is gone, and leaves its value empty.
func Subsystems(sys *host.Reader, report func(error)) ([]Subsystem, error) {
	names, err := sys.Names(SubsystemDir)
	if err != nil {
		return nil, err
	}
	var all []Subsystem
	for _, name := range names {
		if IsSubsystem(name) {
			if s, ok := readSubsystem(sys, name, report); ok {
				all = append(all, s)
			}
		}
	}
	return all, nil
}

func readSubsystem(sys *host.Reader, name string, report func(error)) (Subsystem, bool) {
	s := Subsystem{Name: name}
	names, err := sys.Names(SubsystemDir, name)
	if !host.ReportUnlessGone(err, report) {
		return s, false
	}
	s.NQN = text(sys, report, SubsystemDir, name, "subsysnqn")
	s.Model = text(sys, report, SubsystemDir, name, "model")
	s.Serial = text(sys, report, SubsystemDir, name, "serial")
	s.IOPolicy = text(sys, report, SubsystemDir, name, "iopolicy")
	for _, child := range names {
		switch {
		case IsController(child):
			p := Path{
				Controller: child,
				State:      state(sys, report, SubsystemDir, name, child),
				Transport:  text(sys, report, SubsystemDir, name, child, "transport"),
			}
			if p.State != "" || sys.Exists(SubsystemDir, name, child) {
				s.Controllers = append(s.Controllers, p)
			}
		case IsHead(child):
			s.Namespaces = append(s.Namespaces, child)
		}
	}
	return s, true
}
