package kernel

import "github.com/hostexporter/host_exporter/collector/internal/collect"

// Collectors returns the specs of the domain.
func Collectors() []collect.Spec {
	return []collect.Spec{
		cgroup,
		entropy,
		filefd,
		kernelHung,
		loadavg,
		osSpec,
		pressure,
		selinux,
		stat,
		timeSpec,
		timex,
		uname,
	}
}
