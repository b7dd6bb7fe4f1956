package kernel

import "github.com/hostexporter/host_exporter/collector/internal/collect"

// Collectors returns the specs of the domain.
func Collectors() []collect.Spec {
	return []collect.Spec{
		cgroup,
		cgroups,
		entropy,
		filefd,
		interrupts,
		kernelHung,
		kernelTainted,
		loadavg,
		logind,
		osSpec,
		pressure,
		processes,
		selinux,
		selinuxAVC,
		softirqs,
		stat,
		sysctl,
		systemd,
		timeSpec,
		timex,
		uname,
	}
}
