package cpu

import (
	"bytes"

	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
	"github.com/hostexporter/host_exporter/collector/internal/scan"
)

// A cpuListFile is a file of /sys/devices/system/cpu with a list of CPUs, and
// its content at the last reading.
type cpuListFile struct {
	name  string
	text  []byte
	list  cpuList
	valid bool // whether it could be read and parsed
}

// read reads the file, and reports whether the list changed. The list of a file
// that cannot be read is empty, and always counts as changed.
func (f *cpuListFile) read(sys *host.Reader, out *metric.Sink) (changed bool) {
	b, err := sys.Text(cpuDir, f.name)
	if err == nil && f.valid && bytes.Equal(b, f.text) {
		return false
	}
	f.text = append(f.text[:0], b...)
	f.list, f.valid = f.list[:0], false
	if !host.ReportUnlessGone(err, out.Error) {
		return true
	}
	if f.list, f.valid = f.list.parse(b); !f.valid {
		out.Error(sys.At(host.Bad(1, "a list of CPUs such as 0-3,8", b)))
	}
	return true
}

// A cpuList is a list such as 0-3,8: ranges in ascending order.
type cpuList []cpuRange

type cpuRange struct{ first, last uint64 }

// maxCPUs is more than any kernel supports.
const maxCPUs = 1 << 16

// parse parses a list, and reuses the memory of l. An empty text is an empty
// list.
func (l cpuList) parse(b []byte) (list cpuList, ok bool) {
	list = l[:0]
	for more := len(b) > 0; more; {
		var part []byte
		part, b, more = bytes.Cut(b, []byte(","))
		low, high, isRange := bytes.Cut(part, []byte("-"))
		if !isRange {
			high = low
		}
		first, ok1 := scan.Uint(low)
		last, ok2 := scan.Uint(high)
		ascending := len(list) == 0 || first > list[len(list)-1].last
		if !ok1 || !ok2 || first > last || last >= maxCPUs || !ascending {
			return list[:0], false
		}
		list = append(list, cpuRange{first, last})
	}
	return list, true
}

// has reports whether a CPU is in the list.
func (l cpuList) has(cpu uint64) bool {
	for _, r := range l {
		if cpu <= r.last {
			return cpu >= r.first
		}
	}
	return false
}
