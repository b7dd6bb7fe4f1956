package hba

import (
	"github.com/hostexporter/host_exporter/collector/hba/internal/firmware/fcstat"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
)

// hbaFirmware are the families that the firmware of Fibre Channel adapters
// answers for, but for those that the fibrechannel collector has, and what
// there is to say about asking it.
type hbaFirmware struct {
	lip, primSeq *metric.Family
	requests     []hbaCounter
	payload      []hbaCounter
	errors       []hbaCounter

	failures *metric.Family
	reasons  [fcstat.NumReasons]string
	stuck    *metric.Family
	age      *metric.Family
	duration *metric.Family
}

// A hbaCounter is a counter of the firmware with the family that it fills, and
// the value of a label that it stands for.
type hbaCounter struct {
	counter fcstat.Counter
	family  *metric.Family
	label   string
}

func newHBAFirmware(m *metric.Set) hbaFirmware {
	requests := m.Counter("node_hba_fc_requests_total", "SCSI requests through the port: input (reads), output (writes), control (others).", "direction", "fc_host")
	payload := m.Counter("node_hba_fc_payload_bytes_total", "Data of SCSI requests through the port, which the driver counts in megabytes.", "direction", "fc_host")
	congestion := m.Counter("node_hba_fc_congestion_signals_total", "Congestion signals that the port received from the switch.", "fc_host", "severity")
	software := m.Counter("node_hba_fc_software_errors_total", "Errors of software Fibre Channel (libfc) on the port, by what went wrong.", "fc_host", "type")
	f := hbaFirmware{
		lip:     m.Counter("node_hba_fc_lip_total", "Loop initializations that the port has seen.", "fc_host"),
		primSeq: m.Counter("node_hba_fc_primitive_sequence_protocol_errors_total", "Primitive sequences that came at the wrong moment.", "fc_host"),
		requests: []hbaCounter{
			{fcstat.InputRequests, requests, "input"},
			{fcstat.OutputRequests, requests, "output"},
			{fcstat.ControlRequests, requests, "control"},
		},
		payload: []hbaCounter{
			{fcstat.InputMegabytes, payload, "input"},
			{fcstat.OutputMegabytes, payload, "output"},
		},
		errors: []hbaCounter{
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
		failures: m.Counter("node_hba_read_errors_total", "Readings of the firmware's counters that met with an error, by its kind.", "reason", "scsi_host"),
		stuck:    m.Gauge("node_hba_read_stuck", "Whether a reading of the firmware's counters hangs.", "scsi_host"),
		age:      m.Gauge("node_hba_statistics_age_seconds", "Age of the last firmware's counters that could be read.", "scsi_host"),
		duration: m.Gauge("node_hba_statistics_read_duration_seconds", "How long the last reading of the firmware's counters took; firmware that gets slower is about to fail.", "scsi_host"),
	}
	for reason := range fcstat.NumReasons {
		f.reasons[reason] = reason.String()
	}
	return f
}

// emitTroubles emits how it went with asking the firmware of a host.
func (f *hbaFirmware) emitTroubles(out *metric.Sink, name string, errors *[fcstat.NumReasons]uint64, stuck bool) {
	for reason, n := range errors {
		out.Emit(f.failures, float64(n), f.reasons[reason], name)
	}
	out.Bool(f.stuck, stuck, name)
}

func (f *hbaFirmware) emit(port fcstat.Port, a fcstat.Answer, out *metric.Sink) {
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
		if v, ok := a.Pass.Value(k.counter); ok {
			out.Emit(k.family, float64(v), k.label, name)
		}
	}
	if megabyte := fcstat.DriverOf(port.Driver, port.Type).Megabyte; megabyte > 0 {
		for _, k := range f.payload {
			if v, ok := a.Pass.Value(k.counter); ok {
				out.Emit(k.family, float64(v)*megabyte, k.label, name)
			}
		}
	}
	for _, k := range f.errors {
		if v, ok := a.Pass.Value(k.counter); ok {
			out.Emit(k.family, float64(v), name, k.label)
		}
	}
}
