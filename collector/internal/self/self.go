// Package self emits metrics of the exporter's own process: the families of
// client_golang's process and Go collectors, at a tenth of their cost, which is
// a third of a whole scrape.
package self

import (
	"bytes"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
	"github.com/hostexporter/host_exporter/collector/internal/scan"
)

// A Process emits the process_* families. It is safe for concurrent use.
type Process struct {
	cpu, openFDs, maxFDs, virtual, virtualMax, resident, start, receiveBytes, transmitBytes *metric.Family

	mu             sync.Mutex
	proc           *host.Reader
	netstat        *host.SharedFile
	pageSize       float64
	ticksPerSecond float64
	startSeconds   float64 // Unix time; 0 if not read yet
}

// NewProcess declares the families in set. It reads the procfs of its own mount
// namespace, whatever --path.procfs says.
func NewProcess(set *metric.Set, h *host.Host) *Process {
	tree := host.NewTree("/proc")
	if h.Proc.Path() == tree.Path() {
		tree = h.Proc // and its shared files
	}
	return &Process{
		cpu:            set.Counter("process_cpu_seconds_total", "User and system CPU time of the exporter, in seconds."),
		openFDs:        set.Gauge("process_open_fds", "Open file descriptors of the exporter."),
		maxFDs:         set.Gauge("process_max_fds", "Maximum number of open file descriptors of the exporter."),
		virtual:        set.Gauge("process_virtual_memory_bytes", "Virtual memory of the exporter."),
		virtualMax:     set.Gauge("process_virtual_memory_max_bytes", "Maximum virtual memory of the exporter."),
		resident:       set.Gauge("process_resident_memory_bytes", "Resident memory of the exporter."),
		start:          set.Gauge("process_start_time_seconds", "Start time of the exporter, as Unix time."),
		receiveBytes:   set.Counter("process_network_receive_bytes_total", "Bytes received in the exporter's network namespace."),
		transmitBytes:  set.Counter("process_network_transmit_bytes_total", "Bytes sent in the exporter's network namespace."),
		proc:           tree.Reader().KeepOpen().WholeReads(),
		netstat:        tree.Shared("net/netstat"),
		pageSize:       float64(h.PageSize),
		ticksPerSecond: float64(h.Ticks),
	}
}

// Emit emits what can be read, and leaves out the rest: no scrape should fail
// because of it.
func (p *Process) Emit(out *metric.Sink) {
	p.mu.Lock()
	defer p.mu.Unlock()
	var ts unix.Timespec
	if unix.ClockGettime(unix.CLOCK_PROCESS_CPUTIME_ID, &ts) == nil {
		out.Emit(p.cpu, float64(ts.Nano()/1e6)/1000)
	}
	if n, err := p.countFiles(); err == nil {
		out.Emit(p.openFDs, float64(n))
	}
	p.emitLimit(out, unix.RLIMIT_NOFILE, p.maxFDs)
	p.emitLimit(out, unix.RLIMIT_AS, p.virtualMax)
	if b, err := p.proc.Read("self/statm"); err == nil {
		var f [2][]byte
		scan.Fields(f[:], b)
		for i, family := range []*metric.Family{p.virtual, p.resident} {
			if pages, ok := scan.Uint(f[i]); ok {
				out.Emit(family, float64(pages)*p.pageSize)
			}
		}
	}
	if p.startSeconds == 0 {
		p.startSeconds = p.readStartTime()
	}
	if p.startSeconds != 0 {
		out.Emit(p.start, p.startSeconds)
	}
	// The netstat collector has probably just read it.
	_ = p.netstat.ReadSince(time.Now().Add(-time.Second), func(b []byte) error {
		p.emitNetwork(out, b)
		return nil
	})
}

// countFiles returns the number of open files.
func (p *Process) countFiles() (int, error) {
	// Since Linux 6.2 the size of the directory is their number. To list it takes
	// longer than all else here.
	if st, err := p.proc.Stat("self/fd"); err == nil && st.Size > 0 {
		return int(st.Size), nil
	}
	n, err := p.proc.Count("self/fd")
	return n - 1, err // the directory itself is open
}

func (p *Process) emitLimit(out *metric.Sink, resource int, family *metric.Family) {
	var l unix.Rlimit
	if unix.Getrlimit(resource, &l) == nil {
		out.Emit(family, float64(l.Cur))
	}
}

// readStartTime returns the start time in seconds of Unix time, or 0 if it
// cannot be read. It is field 22 of /proc/self/stat, in ticks since boot; see
// proc_pid_stat(5).
func (p *Process) readStartTime() float64 {
	b, err := p.proc.Read("self/stat")
	if err != nil {
		return 0
	}
	var f [20][]byte
	b = b[bytes.LastIndexByte(b, ')')+1:] // a program's name may contain anything
	if scan.Fields(f[:], b) < len(f) {
		return 0
	}
	ticks, ok := scan.Uint(f[19])
	var boot unix.Timespec
	if !ok || unix.ClockGettime(unix.CLOCK_BOOTTIME, &boot) != nil {
		return 0
	}
	booted := time.Now().Add(-time.Duration(boot.Nano()))
	return float64(booted.UnixMilli())/1000 + float64(ticks)/p.ticksPerSecond
}

// emitNetwork emits InOctets and OutOctets from the pair of IpExt lines.
func (p *Process) emitNetwork(out *metric.Sink, b []byte) {
	var names []byte
	for line, rest := scan.Line(b); len(line) > 0; line, rest = scan.Line(rest) {
		fields, ok := bytes.CutPrefix(line, []byte("IpExt:"))
		if !ok {
			continue
		}
		if names == nil {
			names = fields
			continue
		}
		for {
			var name, value []byte
			name, names = scan.Field(names)
			value, fields = scan.Field(fields)
			if len(name) == 0 || len(value) == 0 {
				return
			}
			if v, ok := scan.Uint(value); ok {
				switch string(name) {
				case "InOctets":
					out.Emit(p.receiveBytes, float64(v))
				case "OutOctets":
					out.Emit(p.transmitBytes, float64(v))
				}
			}
		}
	}
}
