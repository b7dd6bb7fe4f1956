package hba

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

// hbaSFP are the families of optical transceivers. Three drivers hand out what
// these say of themselves: qla2xxx the pages as they are (device/sfp), lpfc a
// text (lpfc_xcvr_data), and zfcp a file for each word (diagnostics/).
type hbaSFP struct {
	info   *metric.Family
	values [sfp.NumQuantities]*metric.Family
	alarm  *metric.Family
}

func newHBASFP(m *metric.Set) hbaSFP {
	return hbaSFP{
		info: m.Gauge("node_hba_sfp_info", "The optical transceiver of a port, as 1, with its wavelength in nanometres.",
			"connector", "fc_host", "part_number", "serial", "vendor", "wavelength"),
		values: [sfp.NumQuantities]*metric.Family{
			sfp.Temperature: m.Gauge("node_hba_sfp_temperature_celsius", "Temperature of the transceiver.", "fc_host"),
			sfp.Voltage:     m.Gauge("node_hba_sfp_voltage_volts", "Voltage that the transceiver runs on.", "fc_host"),
			sfp.BiasCurrent: m.Gauge("node_hba_sfp_bias_current_amperes", "Current through the laser, which rises as it grows old.", "fc_host"),
			sfp.TxPower:     m.Gauge("node_hba_sfp_tx_power_watts", "Power of the light that the transceiver sends.", "fc_host"),
			sfp.RxPower:     m.Gauge("node_hba_sfp_rx_power_watts", "Power of the light that the transceiver receives.", "fc_host"),
		},
		alarm: m.Gauge("node_hba_sfp_alarm", "Whether a reading of the transceiver is beyond a limit that its vendor has set.", "fc_host", "level", "sensor"),
	}
}

// visit asks for the transceiver of a port.
func (f *hbaSFP) visit(a attr.Reader, q *slowQueue, h *scsihost.Host) {
	switch h.Driver {
	case "qla2xxx":
		file := slowfile.File{Host: h, Want: "512 bytes of SFF-8472, for which it takes CAP_SYS_ADMIN", Valid: isSFP}
		if b, ok := q.raw(file, scsihost.SCSI, h.Name, "device/sfp"); ok {
			if m, err := sfp.Decode(b); err == nil {
				f.emit(a, h, m)
			}
		}
	case "lpfc":
		file := slowfile.File{Host: h, Want: "a transceiver, in lines such as Vcc: x80e8 V"}
		if m, ok := slowParsed(q, file, sfp.DecodeText, scsihost.SCSI, h.Name, "lpfc_xcvr_data"); ok && m != nil {
			f.emit(a, h, m)
		}
	case "zfcp":
		f.visitZfcp(a, q, h)
	}
}

func isSFP(b []byte) bool {
	_, err := sfp.Decode(b)
	return err == nil || errors.Is(err, sfp.ErrNone)
}

// emit emits a transceiver that says who made it.
func (f *hbaSFP) emit(a attr.Reader, h *scsihost.Host, m *sfp.Module) {
	wavelength := ""
	if m.Wavelength > 0 {
		wavelength = strconv.Itoa(int(m.Wavelength))
	}
	label := func(s string) string { return scsihost.Label([]byte(s)) }
	a.Out.Emit(f.info, 1, m.Connector, h.Name, label(m.PartNumber), label(m.Serial), label(m.Vendor), wavelength)
	f.emitReadings(a, h, &m.Readings)
}

func (f *hbaSFP) emitReadings(a attr.Reader, h *scsihost.Host, r *sfp.Readings) {
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

// visitZfcp asks for the words of a transceiver one by one. They are kept from
// ordinary users. What a port without a laser says of light means nothing.
func (f *hbaSFP) visitZfcp(a attr.Reader, q *slowQueue, h *scsihost.Host) {
	if h.Dir == "" {
		return
	}
	dir := path.Join(path.Dir(h.Dir), "diagnostics")
	file := slowfile.File{Host: h, Want: "a number of 16 bits"}
	invalid, known := slowParsed(q, file, word, dir, "sfp_invalid")
	optical, told := slowParsed(q, file, word, dir, "optical_port")
	var r sfp.Readings
	for quantity, name := range [sfp.NumQuantities]string{"temperature", "vcc", "tx_bias", "tx_power", "rx_power"} {
		raw, ok := slowParsed(q, file, word, dir, name)
		if dark := told && optical == 0 && sfp.Quantity(quantity) >= sfp.BiasCurrent; ok && !dark {
			r.SetRaw(sfp.Quantity(quantity), raw)
		}
	}
	if known && invalid == 0 {
		f.emitReadings(a, h, &r)
	}
}

// word reads a number of 16 bits, with or without a sign.
func word(b []byte) (uint16, bool) {
	v, ok := scan.Int(b)
	return uint16(v), ok && v >= -1<<15 && v < 1<<16
}
