package hba

import (
	"slices"

	"github.com/hostexporter/host_exporter/collector/hba/internal/attr"
	"github.com/hostexporter/host_exporter/collector/hba/internal/san"
	"github.com/hostexporter/host_exporter/collector/hba/internal/sas"
	"github.com/hostexporter/host_exporter/collector/hba/internal/slow"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
	"github.com/hostexporter/host_exporter/collector/internal/scan"
)

// hbaSlotStatus are the families about how the bays of enclosures are. See
// drivers/scsi/ses.c in the kernel.
type hbaSlotStatus struct {
	status    *metric.Family
	sensed    *metric.Family
	requested *metric.Family
	locate    *metric.Family
}

func newHBASlotStatus(m *metric.Set) hbaSlotStatus {
	return hbaSlotStatus{
		status:    m.Gauge("node_hba_enclosure_slot_status", "How a bay of an enclosure is, in a word of the enclosure's, as 1.", "component", "enclosure", "status"),
		sensed:    m.Gauge("node_hba_enclosure_slot_fault_sensed", "Whether the enclosure has found a fault in the bay.", "component", "enclosure"),
		requested: m.Gauge("node_hba_enclosure_slot_fault_requested", "Whether the bay is marked as faulty because somebody asked for that.", "component", "enclosure"),
		locate:    m.Gauge("node_hba_enclosure_slot_locate", "Whether the bay blinks, to be found.", "component", "enclosure"),
	}
}

// visit asks for the bays of the enclosures that are on a SCSI host. Others are
// nobody's: there would be no telling what else must not be asked meanwhile.
func (f *hbaSlotStatus) visit(a attr.Reader, q *slowQueue, hosts *san.Hosts, all []*sas.Enclosure) {
	for _, e := range all {
		if !e.OnSCSIHost() {
			continue
		}
		h := hosts.Of(e.Name)
		if h == nil {
			continue
		}
		for i := range e.Slots {
			s := &e.Slots[i]
			if status, ok := slowParsed(q, slow.File{Host: h.Host, Want: "a status that is known"}, slotStatus, sas.EnclosureClass, e.Name, s.Name, "status"); ok {
				a.Out.Emit(f.status, 1, s.Label, e.Name, status)
			}
			if fault, ok := slowParsed(q, slow.File{Host: h.Host, Want: "0, 2, 4 or 6"}, slotFault, sas.EnclosureClass, e.Name, s.Name, "fault"); ok {
				a.Out.Bool(f.sensed, fault&4 != 0, s.Label, e.Name)
				a.Out.Bool(f.requested, fault&2 != 0, s.Label, e.Name)
			}
			if on, ok := slowParsed(q, slow.File{Host: h.Host, Want: "0 or 1"}, scan.Uint, sas.EnclosureClass, e.Name, s.Name, "locate"); ok {
				a.Out.Bool(f.locate, on != 0, s.Label, e.Name)
			}
		}
	}
}

// slotStatus reads the status of a bay.
func slotStatus(b []byte) (string, bool) {
	words := [...]string{"unsupported", "OK", "critical", "non-critical", "unrecoverable", "not installed", "unknown", "unavailable"}
	if !slices.Contains(words[:], string(b)) {
		return "", false
	}
	return attr.Snake(string(b)), true
}

// slotFault reads two bits that are no number: 4 for a fault that was found, 2
// for one that was asked for.
func slotFault(b []byte) (uint64, bool) {
	v, ok := scan.Uint(b)
	return v, ok && v&^6 == 0
}
