package firmware

import (
	"slices"

	"github.com/hostexporter/host_exporter/collector/hba/internal/attr"
	"github.com/hostexporter/host_exporter/collector/hba/internal/firmware/slowfile"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
	"github.com/hostexporter/host_exporter/collector/internal/scan"
)

// slotStatus has the families of the status of enclosure bays. See
// drivers/scsi/ses.c in the kernel.
type slotStatus struct {
	status    *metric.Family
	sensed    *metric.Family
	requested *metric.Family
	locate    *metric.Family
}

func newSlotStatus(m *metric.Set) slotStatus {
	return slotStatus{
		status:    m.Gauge("node_hba_enclosure_slot_status", "Status of a bay, as its enclosure reports it.", "component", "enclosure", "status"),
		sensed:    m.Gauge("node_hba_enclosure_slot_fault_sensed", "Whether the enclosure sensed a fault in the bay.", "component", "enclosure"),
		requested: m.Gauge("node_hba_enclosure_slot_fault_requested", "Whether a fault of the bay was requested, which lights its fault LED.", "component", "enclosure"),
		locate:    m.Gauge("node_hba_enclosure_slot_locate", "Whether the locate LED of the bay is on.", "component", "enclosure"),
	}
}

// visit looks up bays.
func (f *slotStatus) visit(a attr.Reader, l *lookup, slots []Slot) {
	const class = "class/enclosure"
	for i := range slots {
		s := &slots[i]
		if status, ok := parsed(l, slowfile.File{Host: s.Host, Want: "a known status"}, parseStatus, class, s.Enclosure, s.Name, "status"); ok {
			a.Out.Emit(f.status, 1, s.Label, s.Enclosure, status)
		}
		if fault, ok := parsed(l, slowfile.File{Host: s.Host, Want: "0, 2, 4 or 6"}, parseFault, class, s.Enclosure, s.Name, "fault"); ok {
			a.Out.Bool(f.sensed, fault&4 != 0, s.Label, s.Enclosure)
			a.Out.Bool(f.requested, fault&2 != 0, s.Label, s.Enclosure)
		}
		if on, ok := parsed(l, slowfile.File{Host: s.Host, Want: "0 or 1"}, scan.Uint, class, s.Enclosure, s.Name, "locate"); ok {
			a.Out.Bool(f.locate, on != 0, s.Label, s.Enclosure)
		}
	}
}

// parseStatus parses the status of a bay into a label value.
func parseStatus(b []byte) (string, bool) {
	words := [...]string{"unsupported", "OK", "critical", "non-critical", "unrecoverable", "not installed", "unknown", "unavailable"}
	if !slices.Contains(words[:], string(b)) {
		return "", false
	}
	return attr.Snake(string(b)), true
}

// parseFault parses the faults of a bay: bit 4 for a sensed one, 2 for a requested
// one.
func parseFault(b []byte) (uint64, bool) {
	v, ok := scan.Uint(b)
	return v, ok && v&^6 == 0
}
