package firmware

import (
	"context"
	"strings"
	"time"

	"github.com/hostexporter/host_exporter/collector/hba/internal/attr"
	"github.com/hostexporter/host_exporter/collector/hba/internal/firmware/fcstat"
	"github.com/hostexporter/host_exporter/collector/hba/internal/firmware/slowfile"
	"github.com/hostexporter/host_exporter/collector/hba/internal/scsihost"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
	"github.com/hostexporter/host_exporter/collector/internal/scan"
)

// SlowReads returns the paths of the files that the options of slow values add.
func SlowReads() []string {
	return []string{
		"/sys/class/enclosure/*/*/fault",
		"/sys/class/enclosure/*/*/locate",
		"/sys/class/enclosure/*/*/status",
		"/sys/class/sas_phy/phy-*/invalid_dword_count",
		"/sys/class/sas_phy/phy-*/loss_of_dword_sync_count",
		"/sys/class/sas_phy/phy-*/phy_reset_problem_count",
		"/sys/class/sas_phy/phy-*/running_disparity_error_count",
		"/sys/class/scsi_host/host*/device/sfp",
		"/sys/class/scsi_host/host*/lpfc_xcvr_data",
		"/sys/class/scsi_host/host*/max_rpi",
		"/sys/class/scsi_host/host*/max_vpi",
		"/sys/class/scsi_host/host*/max_xri",
		"/sys/class/scsi_host/host*/thermal_temp",
		"/sys/class/scsi_host/host*/utilization",
		"/sys/devices/css0/*/*/diagnostics/optical_port",
		"/sys/devices/css0/*/*/diagnostics/rx_power",
		"/sys/devices/css0/*/*/diagnostics/sfp_invalid",
		"/sys/devices/css0/*/*/diagnostics/temperature",
		"/sys/devices/css0/*/*/diagnostics/tx_bias",
		"/sys/devices/css0/*/*/diagnostics/tx_power",
		"/sys/devices/css0/*/*/diagnostics/vcc",
	}
}

// Devices are what has slow values.
type Devices struct {
	Hosts []*scsihost.Host
	Phys  []Phy
	Slots []Slot
}

// A Phy is a SAS phy of an adapter or expander.
type Phy struct {
	Host *scsihost.Host
	Name string // such as phy-14:0:3
}

// A Slot is a bay of an enclosure that is on a SCSI host.
type Slot struct {
	Host            *scsihost.Host
	Enclosure, Name string // as in sysfs
	Label           string // the name as a label value
}

// Slow are the families of slow values.
type Slow struct {
	options SlowOptions
	limits  fcstat.Limits
	reader  *slowfile.Reader
	lookup  lookup

	transceiver transceiver
	temperature *metric.Family
	resources   *metric.Family
	phyErrors   [4]attr.File
	slots       slotStatus
	utilization *metric.Family
	age         *metric.Family
}

// NewSlow declares the families.
func NewSlow(m *metric.Set, o SlowOptions, statistics StatisticsOptions, readers *Readers) *Slow {
	return &Slow{
		options:     o,
		limits:      statistics.Limits(),
		reader:      readers.Slow,
		lookup:      lookup{answers: map[string]slowfile.Answer{}},
		transceiver: newTransceiver(m),
		temperature: m.Gauge("node_hba_temperature_celsius", "Temperature of the adapter.", "scsi_host"),
		resources:   m.Gauge("node_hba_resources_max", "Resources of the firmware: exchanges (xri), remote ports (rpi), virtual ports (vpi).", "resource", "scsi_host"),
		phyErrors: [4]attr.File{
			{Name: "invalid_dword_count", Family: m.Counter("node_hba_sas_phy_invalid_dwords_total", "Invalid words that the phy received while its link was up.", "phy", "scsi_host")},
			{Name: "running_disparity_error_count", Family: m.Counter("node_hba_sas_phy_running_disparity_errors_total", "Words with a wrong disparity that the phy received while its link was up.", "phy", "scsi_host")},
			{Name: "loss_of_dword_sync_count", Family: m.Counter("node_hba_sas_phy_loss_of_dword_sync_total", "Times that the phy lost synchronization and set the link up again.", "phy", "scsi_host")},
			{Name: "phy_reset_problem_count", Family: m.Counter("node_hba_sas_phy_reset_problems_total", "Times that a reset of the phy failed.", "phy", "scsi_host")},
		},
		slots:       newSlotStatus(m),
		utilization: m.Gauge("node_hba_zfcp_utilization_ratio", "Utilization of a part of the adapter, from 0 to 1.", "component", "scsi_host"),
		age:         m.Gauge("node_hba_slow_age_seconds", "Age of the oldest value that is read from the adapter every slow-interval.", "scsi_host"),
	}
}

// Update reads the slow values that the options want, as far as they are due, and
// emits those that are known.
func (s *Slow) Update(ctx context.Context, a attr.Reader, devices *Devices) {
	if !s.options.any() {
		return
	}
	l := &s.lookup
	l.files = l.files[:0]
	clear(l.answers)
	s.visit(a, devices)
	if len(l.files) == 0 {
		return
	}
	s.reader.Read(ctx, s.options.limits(s.limits), l.files, l.answers)
	for i := range l.files {
		if err := l.answers[l.files[i].Path].Err; err != nil {
			a.Out.Error(err)
		}
	}
	s.emitAges(a, devices.Hosts)
	s.visit(a, devices)
}

// visit looks up all files that the options want, and emits what they hold. The
// first visit of an Update finds nothing: it only collects the files.
func (s *Slow) visit(a attr.Reader, devices *Devices) {
	for _, h := range devices.Hosts {
		if h.IsVirtual() {
			continue // its adapter is that of the physical port
		}
		if s.options.sfp {
			s.transceiver.visit(a, &s.lookup, h)
		}
		if s.options.temperature && h.Driver == "qla2xxx" {
			f := slowfile.File{Host: h, Want: "a temperature"}
			if v, ok := parsed(&s.lookup, f, scan.Int, scsihost.SCSI, h.Name, "thermal_temp"); ok {
				a.Out.Emit(s.temperature, float64(v), h.Name)
			}
		}
		if s.options.resources && h.Driver == "lpfc" {
			s.visitResources(a, h)
		}
		if s.options.utilization && h.Driver == "zfcp" {
			s.visitUtilization(a, h)
		}
	}
	if s.options.sasErrors {
		s.visitPhys(a, devices.Phys)
	}
	if s.options.enclosures {
		s.slots.visit(a, &s.lookup, devices.Slots)
	}
}

// visitResources looks up what an adapter can have, which never changes.
func (s *Slow) visitResources(a attr.Reader, h *scsihost.Host) {
	for _, r := range [...]struct{ file, resource string }{{"max_xri", "xri"}, {"max_rpi", "rpi"}, {"max_vpi", "vpi"}} {
		f := slowfile.File{Host: h, Want: "a number or Unknown", Once: true}
		if v, ok := parsed(&s.lookup, f, attr.UintOrUnknown, scsihost.SCSI, h.Name, r.file); ok && v >= 0 {
			a.Out.Emit(s.resources, float64(v), r.resource, h.Name)
		}
	}
}

// visitUtilization looks up the utilization of an adapter. It changes quickly, so
// it is read as often as the statistics are. As the read is not waited for, a
// scrape gets the value that the scrape before has read.
func (s *Slow) visitUtilization(a attr.Reader, h *scsihost.Host) {
	f := slowfile.File{Host: h, Want: "three percentages", Every: max(s.limits.MinInterval, time.Second)}
	if v, ok := parsed(&s.lookup, f, zfcpUtilization, scsihost.SCSI, h.Name, "utilization"); ok {
		for i, component := range [...]string{"channel_processor", "bus", "adapter"} {
			a.Out.Emit(s.utilization, float64(v[i])/100, component, h.Name)
		}
	}
}

// visitPhys looks up the errors of phys, which two drivers show as zeros.
func (s *Slow) visitPhys(a attr.Reader, phys []Phy) {
	for i := range phys {
		h := phys[i].Host
		if h.Driver == "hpsa" || h.Driver == "smartpqi" {
			continue
		}
		for _, e := range s.phyErrors {
			f := slowfile.File{Host: h, Want: "an unsigned number"}
			if v, ok := parsed(&s.lookup, f, scan.Uint, "class/sas_phy", phys[i].Name, e.Name); ok {
				a.Out.Emit(e.Family, float64(v), phys[i].Name, h.Name)
			}
		}
	}
}

// emitAges emits the age of the oldest value of each host.
func (s *Slow) emitAges(a attr.Reader, hosts []*scsihost.Host) {
	for _, h := range hosts {
		oldest, known := time.Duration(0), false
		for i := range s.lookup.files {
			f := &s.lookup.files[i]
			if f.Host.Name != h.Name || f.Once || f.Every != 0 {
				continue
			}
			if answer := s.lookup.answers[f.Path]; answer.Content != nil {
				oldest, known = max(oldest, answer.Age), true
			}
		}
		if known {
			a.Out.Emit(s.age, oldest.Seconds(), h.Name)
		}
	}
}

// A lookup finds what files hold, by their paths. It collects the files that it
// has no answer for, to be read.
type lookup struct {
	files   []slowfile.File
	answers map[string]slowfile.Answer
}

// content returns the content of a file, if it is known.
func (l *lookup) content(f slowfile.File, elem ...string) ([]byte, bool) {
	f.Path = strings.Join(elem, "/")
	answer, ok := l.answers[f.Path]
	if !ok {
		l.files = append(l.files, f)
	}
	return answer.Content, answer.Content != nil
}

// parsed returns the content of a file as parse reads it, if it is known. An empty
// file has no value.
func parsed[T any](l *lookup, f slowfile.File, parse func([]byte) (T, bool), elem ...string) (v T, ok bool) {
	f.Valid = func(b []byte) bool {
		b = scan.Trim(b)
		_, ok := parse(b)
		return ok || len(b) == 0
	}
	b, ok := l.content(f, elem...)
	if b = scan.Trim(b); !ok || len(b) == 0 {
		return v, false
	}
	return parse(b)
}

// zfcpUtilization parses the percentages of channel processor, bus and adapter,
// such as "7 12 3".
func zfcpUtilization(b []byte) (v [3]uint64, ok bool) {
	ok = attr.Numbers(v[:], b)
	for _, percent := range v {
		ok = ok && percent <= 100
	}
	return v, ok
}
