// Package san has the small types that the parts of hba share: how a SCSI host
// reaches its devices, which hosts are included, the far end of a way to a
// device, and a block device as a path of a multipath map. It knows no part of
// hba, so that the parts need not know each other.
package san

import (
	"github.com/hostexporter/host_exporter/collector/hba/internal/attr"
	"github.com/hostexporter/host_exporter/collector/hba/internal/scsihost"
)

// A Transport is how a SCSI host reaches its devices.
type Transport int

// The transports. The first two are Fibre Channel, native and over Ethernet.
const (
	FC Transport = iota
	FCoE
	SAS
	ISCSI
	SRP
	RAID
	SCSI // any other
	NumTransports
)

var transports = [NumTransports]string{"fc", "fcoe", "sas", "iscsi", "srp", "raid", "scsi"}

// String returns the transport as a label value.
func (t Transport) String() string { return transports[t] }

// IsFC reports whether the host is listed in /sys/class/fc_host.
func (t Transport) IsFC() bool { return t == FC || t == FCoE }

// Reads returns the files that TransportOf reads.
func Reads() []string {
	return []string{
		"/sys/class/iscsi_host/host[0-9]*",
		"/sys/class/sas_host/host[0-9]*",
		"/sys/class/scsi_host/host*/protocol",
		"/sys/class/srp_host/host[0-9]*",
	}
}

// TransportOf returns the transport of a host, by the class that the kernel
// lists it in, or else by its driver.
func TransportOf(a attr.Reader, h *scsihost.Host) Transport {
	switch {
	case a.Sys.Exists(scsihost.FC, h.Name):
		return fibreTransport(a, h)
	case a.Sys.Exists("class/sas_host", h.Name):
		return SAS
	case a.Sys.Exists("class/iscsi_host", h.Name):
		return ISCSI
	case a.Sys.Exists("class/srp_host", h.Name):
		return SRP
	}
	switch h.Driver {
	case "megaraid_sas", "megaraid", "hpsa", "smartpqi", "aacraid", "arcmsr", "ips", "3w-9xxx", "3w-sas":
		return RAID
	}
	return SCSI
}

// fibreTransport distinguishes Fibre Channel from Fibre Channel over Ethernet.
// Some drivers do only the latter, lpfc does either.
func fibreTransport(a attr.Reader, h *scsihost.Host) Transport {
	switch h.Driver {
	case "fcoe", "bnx2fc", "qedf":
		return FCoE
	case "lpfc":
		if protocol, _ := a.Text(scsihost.SCSI, h.Name, "protocol"); string(protocol) == "fcoe" {
			return FCoE
		}
	}
	return FC
}
