package adapter

import (
	"github.com/hostexporter/host_exporter/collector/hba/internal/attr"
	"github.com/hostexporter/host_exporter/collector/hba/internal/san"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
	"github.com/hostexporter/host_exporter/collector/internal/pcie"
)

// pcieFamilies are the families about the PCI Express slot of an adapter: one
// that is badly seated runs below its full width or speed.
type pcieFamilies struct {
	info   *metric.Family
	speeds [2]attr.File
	widths [2]attr.File
	aer    [3]attr.File
}

func newPCIeFamilies(m *metric.Set) pcieFamilies {
	errors := m.Counter("node_hba_pcie_aer_errors_total", "Errors that the adapter reported on PCI Express (AER), by severity.", "scsi_host", "severity")
	return pcieFamilies{
		info: m.Gauge("node_hba_pcie_info", "The PCI function of a SCSI host, as 1.", "bus", "device", "function", "scsi_host", "segment"),
		speeds: [2]attr.File{
			{Name: "current_link_speed", Family: m.Gauge("node_hba_pcie_current_link_transfers_per_second", "Speed of the adapter's PCI Express link, for each lane.", "scsi_host")},
			{Name: "max_link_speed", Family: m.Gauge("node_hba_pcie_max_link_transfers_per_second", "Maximum speed of the adapter's PCI Express link, for each lane.", "scsi_host")},
		},
		widths: [2]attr.File{
			{Name: "current_link_width", Family: m.Gauge("node_hba_pcie_current_link_width", "Lanes of the adapter's PCI Express link in use.", "scsi_host")},
			{Name: "max_link_width", Family: m.Gauge("node_hba_pcie_max_link_width", "Maximum number of lanes of the adapter's PCI Express link.", "scsi_host")},
		},
		aer: [3]attr.File{
			{Name: "aer_dev_correctable", Family: errors, Label: "correctable"},
			{Name: "aer_dev_nonfatal", Family: errors, Label: "nonfatal"},
			{Name: "aer_dev_fatal", Family: errors, Label: "fatal"},
		},
	}
}

func (f *pcieFamilies) update(a attr.Reader, h *san.Host) {
	// segment:bus:device.function
	n := len(h.PCI)
	a.Out.Emit(f.info, 1, h.PCI[n-7:n-5], h.PCI[n-4:n-2], h.PCI[n-1:], h.Name, h.PCI[:n-8])
	for _, file := range f.speeds {
		if v, ok := attr.Parsed(a, "a speed in GT/s", pcie.ParseSpeed, h.Device, file.Name); ok && v > 0 {
			a.Out.Emit(file.Family, v, h.Name)
		}
	}
	for _, file := range f.widths {
		// A card that does not answer reads as all zeros or all ones.
		if v, ok := a.Uint(h.Device, file.Name); ok && v > 0 && pcie.IsWidth(v) {
			a.Out.Emit(file.Family, float64(v), h.Name)
		}
	}
	for _, file := range f.aer {
		if v, ok := attr.Parsed(a, "a line TOTAL_ERR_", aerTotal, h.Device, file.Name); ok {
			a.Out.Emit(file.Family, float64(v), h.Name, file.Label)
		}
	}
}
