// Package kernel has the collectors of the kernel as a whole: what it is
// (os, uname), what it does (loadavg, stat, pressure, kernel_hung), its clock
// (time, timex), what it may run out of (filefd, entropy) and whom it lets do
// what (selinux).
package kernel

import "github.com/hostexporter/host_exporter/collector/internal/collect"

// Collectors returns the data sheets of the domain.
func Collectors() []collect.Spec {
	return []collect.Spec{
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
