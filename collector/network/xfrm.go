package network

import (
	"context"
	"strings"

	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
)

var xfrm = collect.Spec{
	Name:              "xfrm",
	Help:              "Packets that IPsec (XFRM) dropped, by reason.",
	Reads:             []string{"/proc/net/xfrm_stat"},
	DisabledByDefault: true,
	Build:             collect.Plain(newXfrm),
}

// xfrmCollector reads /proc/net/xfrm_stat, a name and a number in each line:
//
//	XfrmInNoStates          	26
//
// The file does not exist in kernels without CONFIG_XFRM_STATISTICS. See
// https://docs.kernel.org/networking/xfrm_proc.html.
type xfrmCollector struct {
	proc  *host.Reader
	stats namedNumbers
}

func newXfrm(env *collect.Env) *xfrmCollector {
	m := env.Metrics
	c := &xfrmCollector{
		proc:  env.Host.Proc.Reader(),
		stats: namedNumbers{known: map[string]*namedSample{}},
	}
	for _, r := range xfrmReasons() {
		c.stats.known[r.name] = &namedSample{family: m.Counter(xfrmFamily(r.name), r.help)}
	}
	m.AllowDynamic()
	c.stats.declare = func(name string) (*namedSample, bool) {
		if !isXfrmName(name) {
			return nil, false
		}
		return &namedSample{family: m.Counter(xfrmFamily(name), "Packets that the kernel counts as "+name+".")}, true
	}
	return c
}

func (c *xfrmCollector) Update(_ context.Context, out *metric.Sink) error {
	b, err := c.proc.Read("net/xfrm_stat")
	if err != nil {
		return collect.OrNoData(err)
	}
	c.stats.emit(c.proc, b, out)
	return nil
}

// xfrmPrefix starts all names.
const xfrmPrefix = "Xfrm"

// isXfrmName reports whether a name is Xfrm and words that start with capital
// letters.
func isXfrmName(name string) bool {
	words, ok := strings.CutPrefix(name, xfrmPrefix)
	if !ok || words == "" || !isCapital(words[0]) {
		return false
	}
	for _, c := range []byte(words) {
		if !isCapital(c) && (c < 'a' || c > 'z') && (c < '0' || c > '9') {
			return false
		}
	}
	return true
}

// xfrmFamily returns the name of a family, such as
// node_xfrm_in_no_states_packets_total for XfrmInNoStates.
func xfrmFamily(name string) string {
	family := []byte("node_xfrm")
	for _, c := range []byte(strings.TrimPrefix(name, xfrmPrefix)) {
		if isCapital(c) {
			family = append(family, '_', c-'A'+'a')
			continue
		}
		family = append(family, c)
	}
	return string(family) + "_packets_total"
}

func isCapital(c byte) bool { return c >= 'A' && c <= 'Z' }

// xfrmReasons returns the names that node_exporter knows, in the order of the
// file.
func xfrmReasons() []struct{ name, help string } {
	return []struct{ name, help string }{
		{"XfrmInError", "Received packets dropped for other errors."},
		{"XfrmInBufferError", "Received packets dropped because no buffer was left."},
		{"XfrmInHdrError", "Received packets dropped because of a bad header."},
		{"XfrmInNoStates", "Received packets dropped because no state has their SPI, address and protocol."},
		{"XfrmInStateProtoError", "Received packets dropped by their protocol, such as for a wrong key."},
		{"XfrmInStateModeError", "Received packets dropped by the mode of their state."},
		{"XfrmInStateSeqError", "Received packets dropped because their sequence number is out of the window."},
		{"XfrmInStateExpired", "Received packets dropped because their state has expired."},
		{"XfrmInStateMismatch", "Received packets dropped because their state has other options."},
		{"XfrmInStateInvalid", "Received packets dropped because their state is invalid."},
		{"XfrmInTmplMismatch", "Received packets dropped because no template of the policy has their states."},
		{"XfrmInNoPols", "Received packets dropped because there is no policy for their states."},
		{"XfrmInPolBlock", "Received packets dropped as the policy demands."},
		{"XfrmInPolError", "Received packets dropped because of a policy error."},
		{"XfrmOutError", "Packets not sent for other errors."},
		{"XfrmOutBundleGenError", "Packets not sent because their bundle could not be made."},
		{"XfrmOutBundleCheckError", "Packets not sent because their bundle is not valid any more."},
		{"XfrmOutNoStates", "Packets not sent because there is no state for them."},
		{"XfrmOutStateProtoError", "Packets not sent because of an error of their protocol."},
		{"XfrmOutStateModeError", "Packets not sent because of the mode of their state."},
		{"XfrmOutStateSeqError", "Packets not sent because the sequence numbers of their state are used up."},
		{"XfrmOutStateExpired", "Packets not sent because their state has expired."},
		{"XfrmOutPolBlock", "Packets not sent as the policy demands."},
		{"XfrmOutPolDead", "Packets not sent because their policy was deleted."},
		{"XfrmOutPolError", "Packets not sent because of a policy error."},
		{"XfrmFwdHdrError", "Packets not forwarded because of a bad header."},
		{"XfrmOutStateInvalid", "Packets not sent because their state is invalid."},
		{"XfrmAcquireError", "Packets not sent because their state was not complete when it was needed."},
	}
}
