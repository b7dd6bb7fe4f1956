package cpu

import (
	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
	"github.com/hostexporter/host_exporter/collector/internal/scan"
)

const cpuDir = "devices/system/cpu"

// cpuPaths returns what several collectors read of all CPUs.
func cpuPaths() []string { return []string{cpuDir, cpuDir + "/online", cpuDir + "/present"} }

// cpuDevices are the directories cpu0, cpu1, ... of /sys/devices/system/cpu.
// They are listed again when the list of present CPUs changes.
type cpuDevices struct {
	present cpuListFile
	valid   bool
	list    []cpuDevice
}

// A cpuDevice is the directory of one CPU.
type cpuDevice struct {
	dir    string // cpu17
	number string // 17
	id     uint64
}

// refresh updates the list, and reports whether it read the directory again.
func (d *cpuDevices) refresh(sys *host.Reader, out *metric.Sink) (changed bool, err error) {
	if changed := d.present.read(sys, out); !changed && d.valid {
		return false, nil
	}
	d.list, d.valid = d.list[:0], false
	names, err := sys.Names(cpuDir)
	if err != nil {
		return true, err
	}
	for _, name := range names {
		if number, ok := scan.NumberAfter("cpu", name); ok {
			id, _ := scan.Uint([]byte(number))
			d.list = append(d.list, cpuDevice{dir: name, number: number, id: id})
		}
	}
	d.valid = true
	return true, nil
}
