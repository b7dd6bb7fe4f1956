package network

import (
	"context"
	"strings"

	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
)

var ktls = collect.Spec{
	Name:              "ktls",
	Help:              "Sessions and errors of kernel TLS (kTLS), from /proc/net/tls_stat.",
	Reads:             []string{"/proc/net/tls_stat"},
	DisabledByDefault: true,
	Native:            true,
	Build:             collect.Plain(newKtls),
}

// ktlsCollector reads /proc/net/tls_stat, a name and a number in each line:
//
//	TlsCurrTxSw                     	3
//
// The file exists while the module tls is loaded. See
// https://docs.kernel.org/networking/tls.html#statistics.
type ktlsCollector struct {
	proc  *host.Reader
	stats namedNumbers
}

func newKtls(env *collect.Env) *ktlsCollector {
	m := env.Metrics
	sessions := m.Gauge("node_ktls_sessions", "TLS sessions in the kernel, by direction and by who does the cryptography.", "direction", "mode")
	opened := m.Counter("node_ktls_sessions_opened_total", "TLS sessions opened in the kernel, by direction and by who does the cryptography.", "direction", "mode")
	rekeys := m.Counter("node_ktls_rekeys_total", "New keys set for TLS sessions.", "direction")
	rekeyErrors := m.Counter("node_ktls_rekey_errors_total", "New keys that could not be set for TLS sessions.", "direction")
	const receive, transmit, device, software = "receive", "transmit", "device", "software"
	return &ktlsCollector{
		proc: env.Host.Proc.Reader(),
		stats: namedNumbers{
			known: map[string]*namedSample{
				"TlsCurrTxSw":         {family: sessions, labels: []string{transmit, software}, amount: true},
				"TlsCurrRxSw":         {family: sessions, labels: []string{receive, software}, amount: true},
				"TlsCurrTxDevice":     {family: sessions, labels: []string{transmit, device}, amount: true},
				"TlsCurrRxDevice":     {family: sessions, labels: []string{receive, device}, amount: true},
				"TlsTxSw":             {family: opened, labels: []string{transmit, software}},
				"TlsRxSw":             {family: opened, labels: []string{receive, software}},
				"TlsTxDevice":         {family: opened, labels: []string{transmit, device}},
				"TlsRxDevice":         {family: opened, labels: []string{receive, device}},
				"TlsDecryptError":     {family: m.Counter("node_ktls_decrypt_errors_total", "TLS records that could not be decrypted, such as for a wrong authentication tag.")},
				"TlsRxDeviceResync":   {family: m.Counter("node_ktls_receive_device_resyncs_total", "Resynchronizations sent to network devices that decrypt TLS.")},
				"TlsDecryptRetry":     {family: m.Counter("node_ktls_decrypt_retries_total", "TLS records decrypted twice because they were expected to have no padding.")},
				"TlsRxNoPadViolation": {family: m.Counter("node_ktls_receive_no_pad_violations_total", "TLS data records decrypted twice because they were expected to have no padding.")},
				"TlsTxRekeyOk":        {family: rekeys, labels: []string{transmit}},
				"TlsRxRekeyOk":        {family: rekeys, labels: []string{receive}},
				"TlsTxRekeyError":     {family: rekeyErrors, labels: []string{transmit}},
				"TlsRxRekeyError":     {family: rekeyErrors, labels: []string{receive}},
				"TlsRxRekeyReceived":  {family: m.Counter("node_ktls_receive_key_updates_total", "KeyUpdate messages received, each of which needs a new key from the program.")},
			},
			declare: func(name string) (*namedSample, bool) { return nil, strings.HasPrefix(name, "Tls") },
		},
	}
}

func (c *ktlsCollector) Update(_ context.Context, out *metric.Sink) error {
	b, err := c.proc.Read("net/tls_stat")
	if err != nil {
		return collect.OrNoData(err)
	}
	c.stats.emit(c.proc, b, out)
	return nil
}
