package cpu

import (
	"context"
	"strings"

	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
)

var cpuVulnerabilities = collect.Spec{
	Name:              "cpu_vulnerabilities",
	Help:              "Hardware vulnerabilities of the CPUs, and their mitigations.",
	Reads:             []string{"/sys/devices/system/cpu/vulnerabilities/*"},
	DisabledByDefault: true,
	Build:             collect.Plain(newCPUVulnerabilities),
}

// cpuVulnerabilitiesCollector reads /sys/devices/system/cpu/vulnerabilities, where
// each vulnerability has a file with one line, such as
//
//	Not affected
//	Mitigation: usercopy/swapgs barriers and __user pointer sanitization
//	Vulnerable: Clear CPU buffers attempted, no microcode; SMT vulnerable
//	KVM: Mitigation: VMX disabled
//
// See https://docs.kernel.org/admin-guide/hw-vuln/ and
// https://docs.kernel.org/admin-guide/abi-testing.html#abi-sys-devices-system-cpu.
type cpuVulnerabilitiesCollector struct {
	sys     *host.Reader
	listing host.Listing
	info    *metric.Family
	known   map[string]*vulnerability // by file
}

// A vulnerability has the content of a file, and the labels that it gives.
type vulnerability struct {
	text              string
	state, mitigation string
}

const vulnerabilitiesDir = cpuDir + "/vulnerabilities"

func newCPUVulnerabilities(env *collect.Env) *cpuVulnerabilitiesCollector {
	return &cpuVulnerabilitiesCollector{
		sys: env.Host.Sys.Reader(),
		info: env.Metrics.Gauge("node_cpu_vulnerabilities_info",
			"Always 1; state of the vulnerability: not affected, vulnerable, mitigation or unknown.",
			"codename", "state", "mitigation"),
		known: map[string]*vulnerability{},
	}
}

func (c *cpuVulnerabilitiesCollector) Update(_ context.Context, out *metric.Sink) error {
	if _, err := c.sys.List(&c.listing, vulnerabilitiesDir); err != nil {
		return collect.OrNoData(err)
	}
	for _, file := range c.listing.Entries {
		b, err := c.sys.Text(vulnerabilitiesDir, file.Name)
		if !host.ReportUnlessGone(err, out.Error) {
			continue
		}
		if len(b) == 0 {
			out.Error(c.sys.At(host.Bad(1, "the state of a vulnerability", b)))
			continue
		}
		v := c.known[file.Name]
		if v == nil {
			v = &vulnerability{}
			c.known[file.Name] = v
		}
		if v.text != string(b) {
			v.text = string(b)
			v.state, v.mitigation = parseVulnerability(v.text)
		}
		out.Emit(c.info, 1, file.Name, v.state, v.mitigation)
	}
	return nil
}

// parseVulnerability returns the state, and what follows it. The text of
// itlb_multihit has the state of KVM or of the processor, and is returned whole.
func parseVulnerability(text string) (state, mitigation string) {
	words := strings.Fields(text)
	text = strings.Join(words, " ")
	subject, whole := text, false
	for _, prefix := range []string{"KVM: ", "Processor "} {
		if rest, ok := strings.CutPrefix(text, prefix); ok {
			subject, whole = rest, true
		}
	}
	for _, state := range []string{"not affected", "vulnerable", "mitigation", "unknown"} {
		if !strings.HasPrefix(strings.ToLower(subject), state) {
			continue
		}
		switch {
		case whole:
			return state, text
		case state == "not affected":
			return state, ""
		}
		return state, strings.Join(words[1:], " ")
	}
	return "unknown", text
}
