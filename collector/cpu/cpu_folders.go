package cpu

import (
	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
	"github.com/hostexporter/host_exporter/collector/internal/scan"
)

const cpuDir = "devices/system/cpu"

// cpuFolders are the folders cpu0, cpu1, ... of /sys/devices/system/cpu. They
// are listed again when the list of CPUs that are present changes.
type cpuFolders struct {
	present cpuListFile
	listed  bool
	all     []cpuFolder
}

// A cpuFolder is one of them.
type cpuFolder struct {
	dir    string // cpu17
	number string // 17
	id     uint64
}

// read brings the folders up to date, and reports whether they were listed
// anew.
func (f *cpuFolders) read(sys *host.Reader, out *metric.Sink) (changed bool, err error) {
	if same := !f.present.read(sys, out); same && f.listed {
		return false, nil
	}
	f.all, f.listed = f.all[:0], false
	names, err := sys.Names(cpuDir)
	if err != nil {
		return true, err
	}
	for _, name := range names {
		if id, ok := cpuID(name); ok {
			f.all = append(f.all, cpuFolder{dir: name, number: name[len("cpu"):], id: id})
		}
	}
	f.listed = true
	return true, nil
}

// cpuID returns the number in a name such as cpu17.
func cpuID(name string) (uint64, bool) {
	if len(name) <= len("cpu") || name[:len("cpu")] != "cpu" {
		return 0, false
	}
	return scan.Uint([]byte(name[len("cpu"):]))
}
