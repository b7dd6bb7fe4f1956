package firmware

import (
	"errors"
	"path"
	"strconv"

	"github.com/hostexporter/host_exporter/collector/hba/internal/attr"
	"github.com/hostexporter/host_exporter/collector/hba/internal/firmware/sfp"
	"github.com/hostexporter/host_exporter/collector/hba/internal/firmware/slowfile"
	"github.com/hostexporter/host_exporter/collector/hba/internal/scsihost"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
	"github.com/hostexporter/host_exporter/collector/internal/scan"
)

// transceiver has the families of optical transceivers. Three drivers show their
// pages: qla2xxx as they are (device/sfp), lpfc as text (lpfc_xcvr_data), and zfcp
// as a file for each word (diagnostics/).
type transceiver struct {
	info   *metric.Family
	values [sfp.NumQuantities]*metric.Family
	alarm  *metric.Family
}

func newTransceiver(m *metric.Set) transceiver {
	return transceiver{
		info: m.Gauge("node_hba_sfp_info", "Optical transceiver of a port, with its wavelength in nanometres.",
			"connector", "fc_host", "part_number", "serial", "vendor", "wavelength"),
		values: [sfp.NumQuantities]*metric.Family{
			sfp.Temperature: m.Gauge("node_hba_sfp_temperature_celsius", "Temperature of the transceiver.", "fc_host"),
			sfp.Voltage:     m.Gauge("node_hba_sfp_voltage_volts", "Supply voltage of the transceiver.", "fc_host"),
			sfp.BiasCurrent: m.Gauge("node_hba_sfp_bias_current_amperes", "Current through the laser, which rises as it ages.", "fc_host"),
			sfp.TxPower:     m.Gauge("node_hba_sfp_tx_power_watts", "Power of the light that the transceiver sends.", "fc_host"),
			sfp.RxPower:     m.Gauge("node_hba_sfp_rx_power_watts", "Power of the light that the transceiver receives.", "fc_host"),
		},
		alarm: m.Gauge("node_hba_sfp_alarm", "Whether a reading of the transceiver is beyond a limit of its vendor.", "fc_host", "level", "sensor"),
	}
}

// visit looks up the transceiver of a port.
func (f *transceiver) visit(a attr.Reader, l *lookup, h *scsihost.Host) {
	switch h.Driver {
	case "qla2xxx":
		file := slowfile.File{Host: h, Want: "512 bytes of SFF-8472, which needs CAP_SYS_ADMIN", Valid: isSFP}
		if b, ok := l.content(file, scsihost.SCSI, h.Name, "device/sfp"); ok {
			if m, err := sfp.Decode(b); err == nil {
				f.emit(a, h, m)
			}
		}
	case "lpfc":
		file := slowfile.File{Host: h, Want: "a transceiver, in lines such as Vcc: x80e8 V"}
		if m, ok := parsed(l, file, sfp.DecodeText, scsihost.SCSI, h.Name, "lpfc_xcvr_data"); ok && m != nil {
			f.emit(a, h, m)
		}
	case "zfcp":
		f.visitZfcp(a, l, h)
	}
}

func isSFP(b []byte) bool {
	_, err := sfp.Decode(b)
	return err == nil || errors.Is(err, sfp.ErrNone)
}

// emit emits a transceiver with its vendor.
func (f *transceiver) emit(a attr.Reader, h *scsihost.Host, m *sfp.Module) {
	wavelength := ""
	if m.Wavelength > 0 {
		wavelength = strconv.Itoa(int(m.Wavelength))
	}
	label := func(s string) string { return scsihost.Label([]byte(s)) }
	a.Out.Emit(f.info, 1, m.Connector, h.Name, label(m.PartNumber), label(m.Serial), label(m.Vendor), wavelength)
	f.emitReadings(a, h, &m.Readings)
}

func (f *transceiver) emitReadings(a attr.Reader, h *scsihost.Host, r *sfp.Readings) {
	for quantity := range sfp.NumQuantities {
		v, ok := r.Value(quantity)
		if !ok {
			continue
		}
		a.Out.Emit(f.values[quantity], v, h.Name)
		for level := range sfp.NumLevels {
			if passed, ok := r.Passed(quantity, level); ok {
				a.Out.Bool(f.alarm, passed, h.Name, level.String(), quantity.String())
			}
		}
	}
}

// visitZfcp looks up the words of a transceiver, which only root may read. The
// optical readings of a port without a laser mean nothing.
func (f *transceiver) visitZfcp(a attr.Reader, l *lookup, h *scsihost.Host) {
	if h.Dir == "" {
		return
	}
	dir := path.Join(path.Dir(h.Dir), "diagnostics")
	file := slowfile.File{Host: h, Want: "a number of 16 bits"}
	invalid, known := parsed(l, file, word, dir, "sfp_invalid")
	optical, opticalKnown := parsed(l, file, word, dir, "optical_port")
	var r sfp.Readings
	for quantity, name := range [sfp.NumQuantities]string{"temperature", "vcc", "tx_bias", "tx_power", "rx_power"} {
		raw, ok := parsed(l, file, word, dir, name)
		if dark := opticalKnown && optical == 0 && sfp.Quantity(quantity) >= sfp.BiasCurrent; ok && !dark {
			r.SetRaw(sfp.Quantity(quantity), raw)
		}
	}
	if known && invalid == 0 {
		f.emitReadings(a, h, &r)
	}
}

// word parses a number of 16 bits, with or without a sign.
func word(b []byte) (uint16, bool) {
	v, ok := scan.Int(b)
	return uint16(v), ok && v >= -1<<15 && v < 1<<16
}
