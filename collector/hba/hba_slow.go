package hba

import (
	"context"
	"fmt"
	"time"

	"github.com/hostexporter/host_exporter/collector/hba/internal/attr"
	"github.com/hostexporter/host_exporter/collector/hba/internal/san"
	"github.com/hostexporter/host_exporter/collector/hba/internal/sas"
	"github.com/hostexporter/host_exporter/collector/hba/internal/scsihost"
	"github.com/hostexporter/host_exporter/collector/hba/internal/slow"
	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
	"github.com/hostexporter/host_exporter/collector/internal/scan"
)

// slowOptions say which of the files are read that cost a command to an
// adapter, or to what is behind it: none unless asked for.
type slowOptions struct {
	interval    collect.Duration
	sfp         collect.Bool
	temperature collect.Bool
	sasErrors   collect.Bool
	enclosures  collect.Bool
	resources   collect.Bool
	utilization collect.Bool
}

func defaultSlow() slowOptions { return slowOptions{interval: collect.Duration(5 * time.Minute)} }

func (o *slowOptions) Fields() []collect.Field {
	return []collect.Field{
		{Name: "slow-interval", Value: &o.interval,
			Help: "How long an adapter is left alone between two readings of what follows; after an error longer, up to an hour."},
		{Name: "sfp", Value: &o.sfp,
			Help: "Whether to ask optical transceivers how they are (qla2xxx and zfcp: root; lpfc). It costs commands to the firmware."},
		{Name: "temperature", Value: &o.temperature,
			Help: "Whether to ask adapters for their temperature (qla2xxx). It costs a command to the firmware."},
		{Name: "sas-phy-errors", Value: &o.sasErrors,
			Help: "Whether to ask SAS phys, those of expanders too, for their error counters: four commands for each phy. mpt3sas resets its adapter when one is not answered in time."},
		{Name: "enclosure-status", Value: &o.enclosures,
			Help: "Whether to ask enclosures how their bays are: three commands for each bay, which may wake up a shelf that sleeps."},
		{Name: "resources-max", Value: &o.resources,
			Help: "Whether to ask adapters once how many exchanges and ports they can have (lpfc). It costs three commands to the firmware."},
		{Name: "zfcp-utilization", Value: &o.utilization,
			Help: "Whether to ask zfcp adapters how busy they are, as often as statistics-min-interval allows. It costs a command to the firmware."},
	}
}

func (o *slowOptions) any() bool {
	return bool(o.sfp || o.temperature || o.sasErrors || o.enclosures || o.resources || o.utilization)
}

func (o *slowOptions) check() error {
	if o.interval <= 0 {
		return fmt.Errorf("slow-interval: want a time, have %v", time.Duration(o.interval))
	}
	return nil
}

// slowReads returns the files that are read if asked for.
func slowReads() []string {
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

// hbaSlow are the families that only a command can fill.
type hbaSlow struct {
	options slowOptions
	reader  *slow.Reader
	queue   slowQueue

	sfp         hbaSFP
	temperature *metric.Family
	resources   *metric.Family
	sasErrors   [4]attr.File
	slots       hbaSlotStatus
	utilization *metric.Family
	age         *metric.Family
}

func newHBASlow(m *metric.Set, o slowOptions, reader *slow.Reader) hbaSlow {
	return hbaSlow{
		options:     o,
		reader:      reader,
		sfp:         newHBASFP(m),
		temperature: m.Gauge("node_hba_temperature_celsius", "Temperature of the adapter.", "scsi_host"),
		resources:   m.Gauge("node_hba_resources_max", "Resources that the firmware has: exchanges (xri), remote ports (rpi), virtual ports (vpi).", "resource", "scsi_host"),
		sasErrors: [4]attr.File{
			{Name: "invalid_dword_count", Family: m.Counter("node_hba_sas_phy_invalid_dwords_total", "Invalid words that the phy received, while its link was up.", "phy", "scsi_host")},
			{Name: "running_disparity_error_count", Family: m.Counter("node_hba_sas_phy_running_disparity_errors_total", "Words with a wrong disparity that the phy received, while its link was up.", "phy", "scsi_host")},
			{Name: "loss_of_dword_sync_count", Family: m.Counter("node_hba_sas_phy_loss_of_dword_sync_total", "Times that the phy lost the beat of its link, and set the link up anew.", "phy", "scsi_host")},
			{Name: "phy_reset_problem_count", Family: m.Counter("node_hba_sas_phy_reset_problems_total", "Times that a reset of the phy failed.", "phy", "scsi_host")},
		},
		slots:       newHBASlotStatus(m),
		utilization: m.Gauge("node_hba_zfcp_utilization_ratio", "How busy a part of the adapter is, from 0 to 1.", "component", "scsi_host"),
		age:         m.Gauge("node_hba_slow_age_seconds", "Age of the oldest of the values that an adapter is asked for every slow-interval.", "scsi_host"),
	}
}

// updateSlow asks for all that is wanted and emits what is known.
func (c *hbaCollector) updateSlow(ctx context.Context) {
	s := &c.slow
	if !s.options.any() {
		return
	}
	q := &s.queue
	*q = slowQueue{files: q.files[:0], answers: q.answers[:0]}
	c.visitSlow(q)
	if len(q.files) == 0 {
		return
	}
	q.answers = s.reader.Read(ctx, slow.Ask{
		Interval: time.Duration(s.options.interval),
		Wait:     time.Duration(c.options.statistics.timeout),
		Busy:     c.statistics.Busy,
	}, q.files, q.answers)
	for _, answer := range q.answers {
		if answer.Err != nil {
			c.Out.Error(answer.Err)
		}
	}
	s.emitAges(c.Reader, c.hosts.Included)
	q.answering = true
	c.visitSlow(q)
}

// visitSlow goes over all that is wanted.
func (c *hbaCollector) visitSlow(q *slowQueue) {
	s, o := &c.slow, &c.slow.options
	for _, included := range c.hosts.Included {
		h := included.Host
		if h.IsVirtual() {
			continue // it is the physical port's adapter
		}
		if o.sfp {
			s.sfp.visit(c.Reader, q, h)
		}
		if o.temperature && h.Driver == "qla2xxx" {
			f := slow.File{Host: h, Want: "a temperature"}
			if v, ok := slowParsed(q, f, scan.Int, scsihost.SCSI, h.Name, "thermal_temp"); ok {
				c.Out.Emit(s.temperature, float64(v), h.Name)
			}
		}
		if o.resources && h.Driver == "lpfc" {
			s.visitResources(c.Reader, q, h)
		}
		if o.utilization && h.Driver == "zfcp" {
			s.visitUtilization(c.Reader, q, h, time.Duration(c.options.statistics.minInterval))
		}
	}
	if o.sasErrors {
		s.visitPhys(c.Reader, q, &c.hosts, c.sas.Phys())
	}
	if o.enclosures {
		s.slots.visit(c.Reader, q, &c.hosts, c.sas.Enclosures())
	}
}

// visitResources asks once: what an adapter can have does not change.
func (s *hbaSlow) visitResources(a attr.Reader, q *slowQueue, h *scsihost.Host) {
	for _, r := range [...]struct{ file, kind string }{{"max_xri", "xri"}, {"max_rpi", "rpi"}, {"max_vpi", "vpi"}} {
		f := slow.File{Host: h, Want: "a number or Unknown", Once: true}
		if v, ok := slowParsed(q, f, attr.NumberOrUnknown, scsihost.SCSI, h.Name, r.file); ok && v >= 0 {
			a.Out.Emit(s.resources, float64(v), r.kind, h.Name)
		}
	}
}

// visitPhys asks phys for their errors. Two drivers have nothing but zeros.
func (s *hbaSlow) visitPhys(a attr.Reader, q *slowQueue, hosts *san.Hosts, phys []sas.Phy) {
	for i := range phys {
		h := hosts.Of(phys[i].Name)
		if h == nil || h.Driver == "hpsa" || h.Driver == "smartpqi" {
			continue
		}
		for _, e := range s.sasErrors {
			f := slow.File{Host: h.Host, Want: "an unsigned number"}
			if v, ok := slowParsed(q, f, scan.Uint, sas.PhyClass, phys[i].Name, e.Name); ok {
				a.Out.Emit(e.Family, float64(v), phys[i].Name, h.Name)
			}
		}
	}
}

// emitAges emits how old the oldest value of each host is, and tells what hangs.
func (s *hbaSlow) emitAges(a attr.Reader, hosts []san.Host) {
	for _, h := range hosts {
		oldest, known := time.Duration(0), false
		for i, answer := range s.queue.answers {
			if f := &s.queue.files[i]; f.Host.Name == h.Name && answer.Content != nil && !f.Once && f.Every == 0 {
				oldest, known = max(oldest, answer.Age), true
			}
		}
		if known {
			a.Out.Emit(s.age, oldest.Seconds(), h.Name)
		}
	}
}
