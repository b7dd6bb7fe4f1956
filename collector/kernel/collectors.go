package kernel

import "github.com/hostexporter/host_exporter/collector/internal/collect"

// Collectors returns the specs of the domain.
func Collectors() []collect.Spec {
	return []collect.Spec{
		entropy,
		filefd,
		interrupts,
		kernelHung,
		loadavg,
		osSpec,
		pressure,
		processes,
		selinux,
		softirqs,
		stat,
		timeSpec,
		timex,
		uname,
	}
}
