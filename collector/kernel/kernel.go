// Package kernel has the collectors of the kernel as a whole: its identity (os,
// uname), its activity (loadavg, stat, pressure, processes, interrupts, softirqs,
// cgroups), its faults (kernel_hung, kernel_tainted), its clock (time, timex), its
// settings (sysctl), resources that may run out (filefd, entropy), its access
// control (selinux, selinux_avc), and the processes of the host: its service
// manager (systemd) and sessions (logind).
package kernel
