package hba

import "github.com/hostexporter/host_exporter/collector/hba/internal/scsihost"

// A hbaTransport is how a host reaches its devices.
type hbaTransport int

const (
	hbaFC hbaTransport = iota
	hbaFCoE
	hbaSAS
	hbaISCSI
	hbaSRP
	hbaRAID
	hbaSCSI
)

// hbaTransports are the label values.
var hbaTransports = [...]string{"fc", "fcoe", "sas", "iscsi", "srp", "raid", "scsi"}

// transport returns the transport of a host. The kernel has a class for most.
func (c *hbaCollector) transport(h *scsihost.Host, fc bool) hbaTransport {
	switch {
	case fc:
		return c.fibreTransport(h)
	case c.Sys.Exists("class/sas_host", h.Name):
		return hbaSAS
	case c.Sys.Exists("class/iscsi_host", h.Name):
		return hbaISCSI
	case c.Sys.Exists("class/srp_host", h.Name):
		return hbaSRP
	}
	switch h.Driver {
	case "megaraid_sas", "megaraid", "hpsa", "smartpqi", "aacraid", "arcmsr", "ips", "3w-9xxx", "3w-sas":
		return hbaRAID
	}
	return hbaSCSI
}

// fibreTransport tells Fibre Channel from Fibre Channel over Ethernet. Some
// drivers do only the latter, lpfc does either.
func (c *hbaCollector) fibreTransport(h *scsihost.Host) hbaTransport {
	switch h.Driver {
	case "fcoe", "bnx2fc", "qedf":
		return hbaFCoE
	case "lpfc":
		if protocol, _ := c.Text(scsihost.SCSI, h.Name, "protocol"); string(protocol) == "fcoe" {
			return hbaFCoE
		}
	}
	return hbaFC
}
