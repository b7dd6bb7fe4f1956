package network

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/prometheus/procfs"

	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/test/golden"
)

// numberedLines returns a file with a line and a distinct number for each name.
func numberedLines(names []string) string {
	var b strings.Builder
	for i, name := range names {
		fmt.Fprintf(&b, "%-24s\t%d\n", name, 1000+i)
	}
	return b.String()
}

func xfrmNames() []string {
	var names []string
	for _, r := range xfrmReasons() {
		names = append(names, r.name)
	}
	return names
}

func TestXfrmMatchesProcfs(t *testing.T) {
	for name, file := range map[string]string{
		"recorded": golden.Content(t, testdata+"/xfrm.recorded.host", "proc/net/xfrm_stat"),
		"distinct": numberedLines(xfrmNames()),
	} {
		b := golden.NewWorkbench(t, xfrm.Build, nil)
		b.Proc("net/xfrm_stat", file)
		have, errs := b.Update()
		if errs != nil {
			t.Fatal(errs)
		}
		stat, err := procfsOf(t, b).NewXfrmStat()
		if err != nil {
			t.Fatal(err)
		}
		for f, v := range reflect.ValueOf(stat).Fields() {
			family := xfrmFamily(f.Name)
			if got, ok := have[family]; !ok || got != float64(v.Int()) {
				t.Errorf("%s: %s is %v, want %d", name, family, got, v.Int())
			}
			if c := golden.Inherited(t)[family]; c.Collector != xfrm.Name {
				t.Errorf("%s is not inherited", family)
			}
		}
	}
}

func TestXfrmNames(t *testing.T) {
	for name, want := range map[string]bool{
		"XfrmInError": true, "XfrmX4": true, "Xfrm": false, "XfrmInError.": false, "Xfrmin": false, "InError": false, "Xfrm4": false, "": false,
	} {
		if isXfrmName(name) != want {
			t.Errorf("isXfrmName(%q) is %v", name, !want)
		}
	}
}

func TestKtlsMatchesProcfs(t *testing.T) {
	b := golden.NewWorkbench(t, ktls.Build, nil)
	b.Proc("net/tls_stat", golden.Content(t, testdata+"/ktls.host", "proc/net/tls_stat"))
	have, errs := b.Update()
	if errs != nil {
		t.Fatal(errs)
	}
	s, err := procfsOf(t, b).NewTLSStat()
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]float64{
		`node_ktls_sessions{direction="transmit",mode="software"}`:              float64(s.TLSCurrTxSw),
		`node_ktls_sessions{direction="receive",mode="software"}`:               float64(s.TLSCurrRxSw),
		`node_ktls_sessions{direction="transmit",mode="device"}`:                float64(s.TLSCurrTxDevice),
		`node_ktls_sessions{direction="receive",mode="device"}`:                 float64(s.TLSCurrRxDevice),
		`node_ktls_sessions_opened_total{direction="transmit",mode="software"}`: float64(s.TLSTxSw),
		`node_ktls_sessions_opened_total{direction="receive",mode="software"}`:  float64(s.TLSRxSw),
		`node_ktls_sessions_opened_total{direction="transmit",mode="device"}`:   float64(s.TLSTxDevice),
		`node_ktls_sessions_opened_total{direction="receive",mode="device"}`:    float64(s.TLSRxDevice),
		"node_ktls_decrypt_errors_total":                                        float64(s.TLSDecryptError),
		"node_ktls_receive_device_resyncs_total":                                float64(s.TLSRxDeviceResync),
		"node_ktls_decrypt_retries_total":                                       float64(s.TLSDecryptRetry),
		"node_ktls_receive_no_pad_violations_total":                             float64(s.TLSRxNoPadViolation),
		// procfs does not have the following.
		`node_ktls_rekeys_total{direction="receive"}`:        41,
		`node_ktls_rekeys_total{direction="transmit"}`:       43,
		`node_ktls_rekey_errors_total{direction="receive"}`:  42,
		`node_ktls_rekey_errors_total{direction="transmit"}`: 44,
		"node_ktls_receive_key_updates_total":                83,
	}
	golden.SameSamples(t, have, want)
}

func TestProtocolsMatchProcfs(t *testing.T) {
	for _, archive := range []string{"protocols.host", "protocols.recorded-vsock.host"} {
		b := golden.NewWorkbench(t, protocols.Build, nil)
		b.Proc("net/protocols", golden.Content(t, testdata+"/"+archive, "proc/net/protocols"))
		have, errs := b.Update()
		if errs != nil {
			t.Fatal(errs)
		}
		parsed, err := procfsOf(t, b).NetProtocols()
		if err != nil {
			t.Fatal(err)
		}
		golden.SameSamples(t, have, wantProtocols(parsed))
	}
}

func wantProtocols(parsed procfs.NetProtocolStats) map[string]float64 {
	want := map[string]float64{}
	for _, p := range parsed {
		label := fmt.Sprintf("{protocol=%q}", p.Name)
		want["node_network_protocol_sockets"+label] = float64(p.Sockets)
		if p.Memory >= 0 {
			want["node_network_protocol_memory_bytes"+label] = float64(p.Memory) * 4096
		}
		if p.Pressure >= 0 {
			want["node_network_protocol_memory_pressure"+label] = float64(p.Pressure)
		}
	}
	return want
}

func TestNamedNumbersAllocate(t *testing.T) {
	for _, c := range []struct {
		spec          collect.Spec
		archive, file string
	}{
		{xfrm, "xfrm.recorded.host", "net/xfrm_stat"},
		{ktls, "ktls.host", "net/tls_stat"},
		{protocols, "protocols.host", "net/protocols"},
	} {
		b := golden.NewWorkbench(t, c.spec.Build, nil)
		b.Proc(c.file, golden.Content(t, testdata+"/"+c.archive, "proc/"+c.file))
		b.Allocs(0)
	}
}

// FuzzNamedNumbers checks that no lines cause a panic, a duplicate sample, or
// the loss of the sample of a well-formed line between them.
func FuzzNamedNumbers(f *testing.F) {
	f.Add("XfrmInError 1\nXfrm\n", "XfrmInError 2\n\nXfrmA_ 1")
	f.Add("\x00", "XfrmInNoStates 18446744073709551616\n")
	f.Fuzz(func(t *testing.T, before, after string) {
		const name = "XfrmOutNoStates"
		if strings.Contains(before, name) {
			t.Skip("there may be another line with that name")
		}
		b := golden.NewWorkbench(t, xfrm.Build, nil)
		b.Proc("net/xfrm_stat", before+"\n"+name+" 4711\n"+after)
		if have, _ := b.Update(); have[xfrmFamily(name)] != 4711 {
			t.Errorf("the sample of the well-formed line is missing: %v", have)
		}
	})
}

// FuzzProtocols checks that no lines cause a panic or a duplicate sample.
func FuzzProtocols(f *testing.F) {
	f.Add("TCP 2368 12 256 no 320\nTCP 1 1 1 NI\n")
	f.Add("UDP 1 -1 -1 yes\n\n\x00 1 2 3 no\n")
	f.Fuzz(func(t *testing.T, lines string) {
		b := golden.NewWorkbench(t, protocols.Build, nil)
		b.Proc("net/protocols", "protocol size sockets memory press\n"+lines)
		b.Update()
	})
}
