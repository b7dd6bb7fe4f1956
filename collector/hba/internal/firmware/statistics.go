package firmware

import (
	"context"

	"github.com/hostexporter/host_exporter/collector/hba/internal/attr"
	"github.com/hostexporter/host_exporter/collector/hba/internal/firmware/failure"
	"github.com/hostexporter/host_exporter/collector/hba/internal/firmware/fcstat"
	"github.com/hostexporter/host_exporter/collector/hba/internal/scsihost"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
)

// Statistics are the families of the statistics of Fibre Channel ports, without
// those that the fibrechannel collector has, and of how reading firmware goes.
type Statistics struct {
	options StatisticsOptions
	reader  *fcstat.Reader
	ports   []fcstat.Port
	answers []fcstat.Answer // in the same order

	lip, primSeq *metric.Family
	requests     []counter
	payload      []counter
	errors       []counter

	failures *metric.Family
	reasons  [failure.NumReasons]string
	stuck    *metric.Family
	age      *metric.Family
	duration *metric.Family
}

// A counter pairs a counter with its family, and with the value of a label that
// it stands for.
type counter struct {
	fcstat.Counter
	family *metric.Family
	label  string
}

// NewStatistics declares the families.
func NewStatistics(m *metric.Set, o StatisticsOptions, readers *Readers) *Statistics {
	requests := m.Counter("node_hba_fc_requests_total", "SCSI requests through the port: input (reads), output (writes), control (others).", "direction", "fc_host")
	payload := m.Counter("node_hba_fc_payload_bytes_total", "Data of SCSI requests through the port, which the driver counts in megabytes.", "direction", "fc_host")
	congestion := m.Counter("node_hba_fc_congestion_signals_total", "Congestion signals that the port received from the switch.", "fc_host", "severity")
	software := m.Counter("node_hba_fc_software_errors_total", "Errors of software Fibre Channel (libfc) on the port.", "fc_host", "type")
	f := &Statistics{
		options: o,
		reader:  readers.Statistics,
		lip:     m.Counter("node_hba_fc_lip_total", "Loop initializations that the port has seen.", "fc_host"),
		primSeq: m.Counter("node_hba_fc_primitive_sequence_protocol_errors_total", "Primitive sequences that the port received at a wrong moment.", "fc_host"),
		requests: []counter{
			{fcstat.InputRequests, requests, "input"},
			{fcstat.OutputRequests, requests, "output"},
			{fcstat.ControlRequests, requests, "control"},
		},
		payload: []counter{
			{fcstat.InputMegabytes, payload, "input"},
			{fcstat.OutputMegabytes, payload, "output"},
		},
		errors: []counter{
			{fcstat.CongestionWarnings, congestion, "warning"},
			{fcstat.CongestionAlarms, congestion, "alarm"},
			{fcstat.PacketAllocFailures, software, "packet_alloc_failures"},
			{fcstat.FrameAllocFailures, software, "frame_alloc_failures"},
			{fcstat.NoFreeExchange, software, "no_free_exchange"},
			{fcstat.NoFreeExchangeID, software, "no_free_exchange_id"},
			{fcstat.ExchangeIDNotFound, software, "exchange_id_not_found"},
			{fcstat.ExchangeIDBusy, software, "exchange_id_busy"},
			{fcstat.SequenceNotFound, software, "sequence_not_found"},
			{fcstat.NonBLSResponse, software, "non_bls_response"},
		},
		failures: m.Counter("node_hba_read_errors_total", "Readings of the adapter's firmware that met with an error, by reason.", "reason", "scsi_host"),
		stuck:    m.Gauge("node_hba_read_stuck", "Whether a reading of the adapter's firmware hangs.", "scsi_host"),
		age:      m.Gauge("node_hba_statistics_age_seconds", "Age of the last counters that the firmware answered.", "scsi_host"),
		duration: m.Gauge("node_hba_statistics_read_duration_seconds", "Duration of the last reading of the firmware's counters.", "scsi_host"),
	}
	for reason := range failure.NumReasons {
		f.reasons[reason] = reason.String()
	}
	return f
}

// Update reads the statistics of physical ports and emits them.
func (f *Statistics) Update(ctx context.Context, out *metric.Sink, ports []fcstat.Port) {
	f.ports, f.answers = ports, f.answers[:0]
	if f.options.None() {
		return
	}
	f.answers = f.reader.Read(ctx, f.options.Limits(), ports, f.answers)
	for i := range f.answers {
		f.answers[i].Report(out.Error)
		f.emit(out, &ports[i], &f.answers[i])
	}
}

func (f *Statistics) emit(out *metric.Sink, port *fcstat.Port, a *fcstat.Answer) {
	name := port.Name
	if a.Ended {
		out.Emit(f.duration, a.Took.Seconds(), name)
	}
	if a.Known {
		out.Emit(f.age, a.Age.Seconds(), name)
	}
	if a.Pass == nil {
		return
	}
	if v, ok := a.Pass.Value(fcstat.LIP); ok {
		out.Emit(f.lip, float64(v), name)
	}
	if v, ok := a.Pass.Value(fcstat.PrimSeqErrors); ok {
		out.Emit(f.primSeq, float64(v), name)
	}
	for _, k := range f.requests {
		if v, ok := a.Pass.Value(k.Counter); ok {
			out.Emit(k.family, float64(v), k.label, name)
		}
	}
	if megabyte := fcstat.DriverOf(port.Driver, port.Type).Megabyte; megabyte > 0 {
		for _, k := range f.payload {
			if v, ok := a.Pass.Value(k.Counter); ok {
				out.Emit(k.family, float64(v)*megabyte, k.label, name)
			}
		}
	}
	for _, k := range f.errors {
		if v, ok := a.Pass.Value(k.Counter); ok {
			out.Emit(k.family, float64(v), name, k.label)
		}
	}
}

// EmitHealth emits, for the hosts that were ever asked, how reading their firmware
// goes: the statistics of the last Update and slow values together.
func (f *Statistics) EmitHealth(a attr.Reader, hosts []*scsihost.Host, slow *Slow) {
	for _, h := range hosts {
		health := slow.reader.Health(h)
		stuck := false
		for i := range f.answers {
			if answer := &f.answers[i]; f.ports[i].Name == h.Name && answer.Asked {
				health.Asked, stuck = true, answer.Stuck
				for reason, n := range answer.Failures {
					health.Failures[reason] += n
				}
			}
		}
		if health.Err != nil && !stuck { // or both wait for the same read, which is reported
			a.Out.Error(health.Err)
		}
		if !health.Asked {
			continue
		}
		for reason, n := range health.Failures {
			a.Out.Emit(f.failures, float64(n), f.reasons[reason], h.Name)
		}
		a.Out.Bool(f.stuck, stuck || health.Stuck, h.Name)
	}
}
