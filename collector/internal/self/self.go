// Package self is what the exporter tells about its own process. The families
// are those of client_golang's process and Go collectors; reading them with the
// same care as the host's costs a tenth of those, which are a third of a whole
// scrape.
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
	cpu, openFDs, maxFDs, virtual, virtualMax, resident, start, received, sent *metric.Family

	mu      sync.Mutex
	proc    *host.Reader
	page    float64
	ticks   float64
	started float64 // Unix time in seconds; 0: not known yet
}

// NewProcess declares the families in set. The process is looked up in the
// procfs of its own mount namespace, whatever --path.procfs says.
func NewProcess(set *metric.Set, h *host.Host) *Process {
	return &Process{
		cpu:        set.Counter("process_cpu_seconds_total", "CPU time of the exporter, in user and kernel mode."),
		openFDs:    set.Gauge("process_open_fds", "File descriptors that the exporter has open."),
		maxFDs:     set.Gauge("process_max_fds", "File descriptors that the exporter may have open."),
		virtual:    set.Gauge("process_virtual_memory_bytes", "Address space of the exporter."),
		virtualMax: set.Gauge("process_virtual_memory_max_bytes", "Address space that the exporter may have."),
		resident:   set.Gauge("process_resident_memory_bytes", "Memory of the exporter that is in RAM."),
		start:      set.Gauge("process_start_time_seconds", "When the exporter was started, in Unix time."),
		received:   set.Counter("process_network_receive_bytes_total", "Bytes received in the exporter's network namespace."),
		sent:       set.Counter("process_network_transmit_bytes_total", "Bytes sent in the exporter's network namespace."),
		proc:       host.NewTree("/proc").Reader(),
		page:       float64(h.PageSize),
		ticks:      float64(h.Ticks),
	}
}

// Emit emits what can be read. What cannot is left out: it is not worth a
// failed scrape.
func (p *Process) Emit(out *metric.Sink) {
	p.mu.Lock()
	defer p.mu.Unlock()
	var ts unix.Timespec
	if unix.ClockGettime(unix.CLOCK_PROCESS_CPUTIME_ID, &ts) == nil {
		out.Emit(p.cpu, float64(ts.Nano()/1e6)/1000)
	}
	if n, err := p.proc.Count("self/fd"); err == nil {
		out.Emit(p.openFDs, float64(n-1)) // the folder itself is open
	}
	p.limit(out, unix.RLIMIT_NOFILE, p.maxFDs)
	p.limit(out, unix.RLIMIT_AS, p.virtualMax)
	if b, err := p.proc.Read("self/statm"); err == nil {
		var f [2][]byte
		scan.Fields(f[:], b)
		for i, family := range []*metric.Family{p.virtual, p.resident} {
			if pages, ok := scan.Uint(f[i]); ok {
				out.Emit(family, float64(pages)*p.page)
			}
		}
	}
	if p.started == 0 {
		p.started = p.startTime()
	}
	if p.started != 0 {
		out.Emit(p.start, p.started)
	}
	if b, err := p.proc.Read("self/net/netstat"); err == nil {
		p.network(out, b)
	}
}

func (p *Process) limit(out *metric.Sink, resource int, family *metric.Family) {
	var l unix.Rlimit
	if unix.Getrlimit(resource, &l) == nil {
		out.Emit(family, float64(l.Cur))
	}
}

// startTime is field 22 of /proc/self/stat, in ticks since the boot. See
// proc_pid_stat(5).
func (p *Process) startTime() float64 {
	b, err := p.proc.Read("self/stat")
	if err != nil {
		return 0
	}
	var f [20][]byte
	b = b[bytes.LastIndexByte(b, ')')+1:] // the name of a program may hold anything
	if scan.Fields(f[:], b) < len(f) {
		return 0
	}
	since, ok := scan.Uint(f[19])
	var boot unix.Timespec
	if !ok || unix.ClockGettime(unix.CLOCK_BOOTTIME, &boot) != nil {
		return 0
	}
	booted := time.Now().Add(-time.Duration(boot.Nano()))
	return float64(booted.UnixMilli())/1000 + float64(since)/p.ticks
}

// network finds InOctets and OutOctets in the pair of IpExt lines.
func (p *Process) network(out *metric.Sink, b []byte) {
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
					out.Emit(p.received, float64(v))
				case "OutOctets":
					out.Emit(p.sent, float64(v))
				}
			}
		}
	}
}
