// Package kernel has the collectors of the kernel as a whole: its identity (os,
// uname), its activity (loadavg, stat, pressure, kernel_hung), its clock (time,
// timex), resources that may run out (filefd, entropy), its access control
// (selinux), and the processes that it starts: the service manager (systemd) and
// its sessions (logind).
package kernel
