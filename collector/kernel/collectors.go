package kernel

import "github.com/hostexporter/host_exporter/collector/internal/collect"

// Collectors returns the specs of the domain.
func Collectors() []collect.Spec {
	return []collect.Spec{
		entropy,
		filefd,
		kernelHung,
		loadavg,
		logind,
		osSpec,
		pressure,
		selinux,
		stat,
		systemd,
		timeSpec,
		timex,
		uname,
	}
}
