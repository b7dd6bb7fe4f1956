package hba

import (
	"github.com/hostexporter/host_exporter/collector/hba/internal/scsihost"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
)

// hbaPCIe are the families about the slot that an adapter is in. Whether it
// runs at full width and speed is a matter of how well it sits there.
type hbaPCIe struct {
	info   *metric.Family
	speeds [2]hbaFile
	widths [2]hbaFile
	aer    [3]hbaFile
}

// A hbaFile is a file with the family that it fills, and the value of a label
// that the file stands for.
type hbaFile struct {
	name   string
	family *metric.Family
	label  string
}

func newHBAPCIe(m *metric.Set) hbaPCIe {
	errors := m.Counter("node_hba_pcie_aer_errors_total", "Errors that the adapter reported on PCI Express (AER), by severity.", "scsi_host", "severity")
	return hbaPCIe{
		info: m.Gauge("node_hba_pcie_info", "The PCI function of a SCSI host, as 1.", "bus", "device", "function", "scsi_host", "segment"),
		speeds: [2]hbaFile{
			{name: "current_link_speed", family: m.Gauge("node_hba_pcie_current_link_transfers_per_second", "Speed of the adapter's PCI Express link, for each lane.", "scsi_host")},
			{name: "max_link_speed", family: m.Gauge("node_hba_pcie_max_link_transfers_per_second", "Highest speed that the adapter's PCI Express link can have, for each lane.", "scsi_host")},
		},
		widths: [2]hbaFile{
			{name: "current_link_width", family: m.Gauge("node_hba_pcie_current_link_width", "Lanes of the adapter's PCI Express link in use.", "scsi_host")},
			{name: "max_link_width", family: m.Gauge("node_hba_pcie_max_link_width", "Lanes that the adapter's PCI Express link can have.", "scsi_host")},
		},
		aer: [3]hbaFile{
			{"aer_dev_correctable", errors, "correctable"},
			{"aer_dev_nonfatal", errors, "nonfatal"},
			{"aer_dev_fatal", errors, "fatal"},
		},
	}
}

func (f *hbaPCIe) update(a attributes, h *scsihost.Host) {
	// segment:bus:device.function
	n := len(h.PCI)
	a.out.Emit(f.info, 1, h.PCI[n-7:n-5], h.PCI[n-4:n-2], h.PCI[n-1:], h.Name, h.PCI[:n-8])
	for _, file := range f.speeds {
		if v, ok := parsed(a, "a speed in GT/s", transfers, h.Device, file.name); ok && v > 0 {
			a.out.Emit(file.family, v, h.Name)
		}
	}
	for _, file := range f.widths {
		// Without an answer from the card the bits are all zeros or all ones.
		if v, ok := a.uint(h.Device, file.name); ok && v > 0 && v < 63 {
			a.out.Emit(file.family, float64(v), h.Name)
		}
	}
	for _, file := range f.aer {
		if v, ok := parsed(a, "a line TOTAL_ERR_", aerTotal, h.Device, file.name); ok {
			a.out.Emit(file.family, float64(v), h.Name, file.label)
		}
	}
}
