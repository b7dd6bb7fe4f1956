package adapter

import (
	"strings"

	"github.com/hostexporter/host_exporter/collector/hba/internal/attr"
	"github.com/hostexporter/host_exporter/collector/hba/internal/san"
	"github.com/hostexporter/host_exporter/collector/hba/internal/scsihost"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
)

// hostFamilies are the families that every SCSI host has.
type hostFamilies struct {
	info       *metric.Family
	state      *attr.States
	inFlight   *metric.Family
	max        *metric.Family
	queues     *metric.Family
	ehDeadline *metric.Family

	known map[string]*knownIdentity // by host
}

// A knownIdentity is the last known identity of an adapter.
type knownIdentity struct {
	dir, driver string
	identity    identity
}

func newHostFamilies(m *metric.Set) hostFamilies {
	return hostFamilies{
		known: map[string]*knownIdentity{},
		info: m.Gauge("node_hba_info", "A SCSI host, as 1, with the adapter that it is on.",
			"driver", "driver_version", "fc_host", "firmware", "model", "option_rom", "pci_address", "scsi_host", "serial", "transport"),
		state: attr.NewStates(m.Gauge("node_hba_host_state", "Whether the SCSI host is in this state; all its I/O waits while it is in recovery.", "scsi_host", "state"),
			"created", "running", "cancel", "deleted", "recovery", "cancel/recovery", "deleted/recovery"),
		inFlight:   m.Gauge("node_hba_host_commands_in_flight", "Commands that the host gave to the adapter and that have not completed.", "scsi_host"),
		max:        m.Gauge("node_hba_host_commands_max", "Maximum number of commands that the adapter takes at a time.", "scsi_host"),
		queues:     m.Gauge("node_hba_host_hardware_queues", "Hardware queues of the host.", "scsi_host"),
		ehDeadline: m.Gauge("node_hba_host_eh_deadline_seconds", "Time for error recovery before the adapter is reset.", "scsi_host"),
	}
}

func (f *hostFamilies) update(a attr.Reader, h *san.Host) {
	fcHost := ""
	if h.Transport.IsFC() {
		fcHost = h.Name
	}
	id := f.remember(h, identify(a, h))
	a.Out.Emit(f.info, 1, h.Driver, id.driverVersion, fcHost, id.firmware, id.model, id.optionROM, h.PCI, h.Name, id.serial, h.Transport.String())
	a.State(f.state, []string{h.Name, ""}, scsihost.SCSI, h.Name, "state")
	if v, ok := a.Uint(scsihost.SCSI, h.Name, "host_busy"); ok {
		a.Out.Emit(f.inFlight, float64(v), h.Name)
	}
	if v, ok := a.Uint(scsihost.SCSI, h.Name, "can_queue"); ok {
		a.Out.Emit(f.max, float64(v), h.Name)
	}
	if v, ok := a.Uint(scsihost.SCSI, h.Name, "nr_hw_queues"); ok {
		a.Out.Emit(f.queues, float64(v), h.Name)
	}
	if v, ok := attr.Parsed(a, "off or seconds", attr.UintOrOff, scsihost.SCSI, h.Name, "eh_deadline"); ok && v >= 0 {
		a.Out.Emit(f.ehDeadline, float64(v), h.Name)
	}
}

// remember returns the identity with the last known values in place of those
// that cannot be read now: an adapter that fails must not look like another
// one.
func (f *hostFamilies) remember(h *san.Host, now identity) identity {
	k := f.known[h.Name]
	if k == nil || k.dir != h.Dir || k.driver != h.Driver {
		k = &knownIdentity{dir: h.Dir, driver: h.Driver}
		f.known[h.Name] = k
	}
	for _, s := range [...]struct {
		known *string
		now   string
	}{
		{&k.identity.driverVersion, now.driverVersion},
		{&k.identity.model, now.model},
		{&k.identity.serial, now.serial},
		{&k.identity.firmware, now.firmware},
		{&k.identity.optionROM, now.optionROM},
	} {
		if s.now != "" {
			*s.known = s.now
		}
	}
	return k.identity
}

// An identity is what an adapter is. It does not change while the driver is
// loaded.
type identity struct {
	driverVersion, model, serial, firmware, optionROM string
}

// identify reads the identity of a host. Every driver has its own files for it.
func identify(a attr.Reader, h *san.Host) (id identity) {
	own := func(file string) string { return a.Label(scsihost.SCSI, h.Name, file) }
	switch h.Driver {
	case "lpfc":
		firmware, _, _ := strings.Cut(own("fwrev"), ",") // 14.2.589.5, sli-4:6:d
		version := own("lpfc_drvr_version")
		if _, number, ok := strings.Cut(version, " driver "); ok {
			version = number // Emulex LightPulse Fibre Channel SCSI driver 14.4.0.5
		}
		id = identity{version, own("modelname"), own("serialnum"), firmware, own("option_rom_version")}
	case "qla2xxx":
		firmware, _, _ := strings.Cut(own("fw_version"), " ") // 9.08.02 (d0d5)
		id = identity{own("driver_version"), own("model_name"), own("serial_num"), firmware, own("optrom_bios_version")}
	case "bfa":
		id = identity{own("driver_version"), own("model"), own("serial_number"), own("firmware_version"), own("option_rom_version")}
	case "mpt3sas", "mpt2sas", "mptsas", "mptspi", "mptfc":
		id = identity{"", own("board_name"), own("board_tracer"), own("version_fw"), own("version_bios")}
	case "mpi3mr":
		id.firmware = own("version_fw")
	case "hpsa":
		id.firmware = own("firmware_revision")
	case "smartpqi":
		id = identity{own("driver_version"), own("model"), own("serial_number"), own("firmware_version"), ""}
	case "arcmsr":
		id = identity{own("host_driver_version"), own("host_fw_model"), "", own("host_fw_version"), ""}
	case "qla4xxx":
		id = identity{"", own("hba_model"), own("serial_num"), own("fw_version"), own("optrom_version")}
	default:
		if h.Transport.IsFC() {
			port := func(file string) string { return a.Label(scsihost.FC, h.Name, file) }
			id = identity{port("driver_version"), port("model"), port("serial_number"), port("firmware_version"), port("optionrom_version")}
		}
	}
	if id.driverVersion == "" && h.Driver != "" && !strings.ContainsAny(h.Driver, "./") {
		id.driverVersion = a.Label("module", module(h.Driver), "version")
	}
	return id
}

// module returns the kernel module of a driver. The module mpt3sas registers two
// drivers.
func module(driver string) string {
	if driver == "mpt2sas" {
		return "mpt3sas"
	}
	return driver
}
