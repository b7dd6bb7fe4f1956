// Package firmware has the families whose values the firmware of an adapter has to
// be asked for: the statistics of Fibre Channel ports, and values that are read
// minutes apart because each costs a command to an adapter or to a device behind
// it. Both kinds of reads pass one gate for each host (see package gate), which
// outlives reloads: at most one read is outstanding on a PCI function. They take
// turns, first come, first served. A turn of the statistics is one pass of one
// port, which starts no read after ten times statistics-timeout (at least ten
// seconds); a turn of the slow values is one file. Each kind has one pass in
// progress on a function, so that each waits for at most one turn of the other. A
// read that hangs holds up both until the kernel ends it, and shows as stuck.
package firmware

import (
	"github.com/hostexporter/host_exporter/collector/hba/internal/firmware/fcstat"
	"github.com/hostexporter/host_exporter/collector/hba/internal/firmware/gate"
	"github.com/hostexporter/host_exporter/collector/hba/internal/firmware/slowfile"
	"github.com/hostexporter/host_exporter/collector/internal/host"
)

// Readers are what asks the firmware of one host. They are safe for concurrent
// use.
type Readers struct {
	Statistics *fcstat.Reader
	Slow       *slowfile.Reader

	gate gate.Gate
}

// NewReaders returns the readers of a host, with a gate of their own. Collectors
// take them from a Shared.
func NewReaders(h *host.Host) *Readers {
	r := new(Readers)
	r.Statistics, r.Slow = fcstat.New(h, &r.gate), slowfile.New(h, &r.gate)
	return r
}

// Shared gives the collectors of one host the same Readers, those that a reload
// builds, too. The zero value is ready. It is safe for concurrent use.
type Shared struct{ readers host.PerHost[*Readers] }

// Of returns the readers of a host.
func (s *Shared) Of(h *host.Host) *Readers { return s.readers.Of(h, NewReaders) }
