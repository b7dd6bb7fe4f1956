package main

import "strings"

// boards returns the dashboards.
func boards() []*board {
	return []*board{fleetBoard(), hostBoard(), disksBoard(), networkBoard(), exporterBoard()}
}

// Utilizations, each as a part of one.
const (
	cpuBusy    = `1 - avg by (cluster, job, instance) (sum without (mode) (rate(node_cpu_seconds_total{$H,mode=~"idle|iowait|steal"}[$__rate_interval])))`
	memoryUsed = `1 - node_memory_MemAvailable_bytes{$H} / node_memory_MemTotal_bytes{$H}`
	rootUsed   = `1 - node_filesystem_avail_bytes{$H,mountpoint="/"} / node_filesystem_size_bytes{$H,mountpoint="/"}`
	fullest    = `max by (cluster, job, instance) (1 - node_filesystem_avail_bytes{$H,fstype!~"tmpfs|squashfs|iso9660|erofs"} / (node_filesystem_size_bytes{$H,fstype!~"tmpfs|squashfs|iso9660|erofs"} > 0))`
)

// pressure returns the part of the time in which tasks wait for a resource: some of them
// (waiting) or all (stalled).
func pressure(resource, kind string) string {
	return `rate(node_pressure_` + resource + `_` + kind + `_seconds_total{$H}[$__rate_interval])`
}

// over replaces the interval of an expression's rates.
func over(expr, window string) string { return strings.ReplaceAll(expr, "$__rate_interval", window) }

func hostBoard() *board {
	b := &board{uid: "host", title: "Host", hosts: "node_uname_info", oneHost: true,
		description: "One host: what waits, what is full, what is broken."}
	b.row("Right now")
	percent := limits{0.8, 0.95}
	b.gauge(3, "CPU", "Time that the CPUs work.", "percentunit", percent, query{cpuBusy, "busy"})
	b.gauge(3, "Memory", "Memory that is not available to programs.", "percentunit", percent, query{memoryUsed, "used"})
	b.gauge(3, "Fullest file system", "Space that ordinary users cannot have.", "percentunit", percent, query{fullest, "used"})
	waits := limits{0.1, 0.3}
	b.gauge(3, "CPU pressure", "Time in which a program waits for a CPU.", "percentunit", limits{0.3, 0.5}, query{pressure("cpu", "waiting"), "some"})
	b.gauge(3, "Memory pressure", "Time in which all programs wait for memory.", "percentunit", limits{0.05, 0.1}, query{pressure("memory", "stalled"), "all"})
	b.gauge(3, "Disk pressure", "Time in which all programs wait for disks.", "percentunit", waits, query{pressure("io", "stalled"), "all"})
	b.stat(3, "Uptime", "Time since the host started.", "s", limits{}, query{`node_time_seconds{$H} - node_boot_time_seconds{$H}`, "up"})
	b.stat(3, "Firing alerts", "Alerts of this host, of all rules that Prometheus has.", "short", limits{1, 3}, query{`count(ALERTS{$H,alertstate="firing"}) or vector(0)`, "alerts"})

	b.row("CPU and load")
	b.chart(12, "CPU time", "Number of CPUs that are busy, by what they do.", "short", query{`sum by (mode) (rate(node_cpu_seconds_total{$H,mode!~"idle|guest.*"}[$__rate_interval]))`, "{{mode}}"})
	b.chart(12, "Load", "Tasks that run or wait, as averages of 1, 5 and 15 minutes, and the number of CPUs.", "short",
		query{`node_load1{$H}`, "1 minute"}, query{`node_load5{$H}`, "5 minutes"}, query{`node_load15{$H}`, "15 minutes"},
		query{`count(node_cpu_seconds_total{$H,mode="idle"})`, "CPUs"})
	b.chart(12, "Pressure", "Part of the time in which some or all programs wait.", "percentunit",
		query{pressure("cpu", "waiting"), "some wait for CPUs"}, query{pressure("memory", "waiting"), "some wait for memory"}, query{pressure("memory", "stalled"), "all wait for memory"},
		query{pressure("io", "waiting"), "some wait for disks"}, query{pressure("io", "stalled"), "all wait for disks"})
	b.chart(12, "Tasks", "Tasks that run, tasks that wait in the kernel, and new ones per second.", "short",
		query{`node_procs_running{$H}`, "running"}, query{`node_procs_blocked{$H}`, "blocked"}, query{`rate(node_forks_total{$H}[$__rate_interval])`, "new per second"})

	b.row("Memory")
	b.chart(12, "Memory", "What the memory is used for.", "bytes",
		query{`node_memory_MemTotal_bytes{$H} - node_memory_MemAvailable_bytes{$H}`, "used"}, query{`node_memory_Cached_bytes{$H}`, "page cache"},
		query{`node_memory_Slab_bytes{$H}`, "kernel objects"}, query{`node_memory_MemFree_bytes{$H}`, "free"}, query{`node_memory_MemTotal_bytes{$H}`, "total"})
	b.chart(12, "Paging", "Pages per second that are read because a program needs them, and that are swapped.", "short",
		query{`rate(node_vmstat_pgmajfault{$H}[$__rate_interval])`, "major faults"}, query{`rate(node_vmstat_pswpin{$H}[$__rate_interval])`, "swapped in"}, query{`rate(node_vmstat_pswpout{$H}[$__rate_interval])`, "swapped out"},
		query{`rate(node_vmstat_oom_kill{$H}[$__rate_interval])`, "killed programs"})

	b.row("File systems")
	b.table(12, 8, "File systems", "Each file system, fullest first.", "used",
		column{label: "mountpoint", title: "mounted at"}, column{label: "device", title: "device"}, column{label: "fstype", title: "type"},
		column{query: `max by (mountpoint, device, fstype) (1 - node_filesystem_avail_bytes{$H} / (node_filesystem_size_bytes{$H} > 0))`, title: "used", unit: "percentunit", limits: percent},
		column{query: `max by (mountpoint, device, fstype) (node_filesystem_avail_bytes{$H})`, title: "available", unit: "bytes"},
		column{query: `max by (mountpoint, device, fstype) (1 - node_filesystem_files_free{$H} / (node_filesystem_files{$H} > 0))`, title: "inodes used", unit: "percentunit", limits: percent},
		column{query: `max by (mountpoint, device, fstype) (node_filesystem_readonly{$H})`, title: "read-only", unit: "bool"})
	b.chart(12, "Available space", "Space that ordinary users can have.", "bytes", query{`max by (device, mountpoint) (node_filesystem_avail_bytes{$H,fstype!~"tmpfs|squashfs|iso9660|erofs"})`, "{{mountpoint}}"})

	b.row("Disks and network")
	b.chart(12, "Disk throughput", "Bytes read, and written below the line.", "Bps",
		query{`rate(node_disk_read_bytes_total{$H}[$__rate_interval])`, "{{device}} read"}, query{`-rate(node_disk_written_bytes_total{$H}[$__rate_interval])`, "{{device}} written"})
	b.chart(12, "Network throughput", "Bits received, and sent below the line.", "bps",
		query{`rate(node_network_receive_bytes_total{$H,device!="lo"}[$__rate_interval]) * 8`, "{{device}} received"}, query{`-rate(node_network_transmit_bytes_total{$H,device!="lo"}[$__rate_interval]) * 8`, "{{device}} sent"})

	b.row("Hardware and system")
	b.chart(12, "Temperatures", "Sensors of the host.", "celsius", query{`node_hwmon_temp_celsius{$H}`, "{{chip}} {{sensor}}"})
	b.chart(12, "Memory errors", "Corrected and other errors of memory modules per hour.", "short",
		query{`rate(node_edac_correctable_errors_total{$H}[1h]) * 3600`, "corrected, controller {{controller}}"}, query{`rate(node_edac_uncorrectable_errors_total{$H}[1h]) * 3600`, "uncorrected, controller {{controller}}"})
	b.chart(12, "Clock", "How far the clock is off, and how far it may be.", "s", query{`node_timex_offset_seconds{$H}`, "offset"}, query{`node_timex_maxerror_seconds{$H}`, "maximum error"})
	b.chart(12, "File handles and entropy", "Open files of the whole host, and the entropy that the kernel has.", "short", query{`node_filefd_allocated{$H}`, "file handles"}, query{`node_entropy_available_bits{$H}`, "entropy in bits"})
	return b
}

func fleetBoard() *board {
	b := &board{uid: "host-fleet", title: "Hosts", hosts: "node_uname_info",
		description: "All hosts, worst first."}
	b.row("All hosts")
	b.stat(4, "Hosts", "Hosts that answer.", "short", limits{}, query{`count(node_uname_info{$H})`, "hosts"})
	b.stat(4, "CPUs", "CPUs of all hosts.", "short", limits{}, query{`count(node_cpu_seconds_total{$H,mode="idle"})`, "CPUs"})
	b.stat(4, "Memory", "Memory of all hosts.", "bytes", limits{}, query{`sum(node_memory_MemTotal_bytes{$H})`, "memory"})
	b.stat(4, "Firing alerts", "Alerts of these hosts, of all rules that Prometheus has.", "short", limits{1, 10}, query{`count(ALERTS{$H,alertstate="firing"}) or vector(0)`, "alerts"})
	b.stat(4, "Arrays that lack disks", "md arrays with fewer disks than they need.", "short", limits{1, 2}, query{`count(node_md_degraded{$H} > 0) or vector(0)`, "arrays"})
	b.stat(4, "Collectors that fail", "Collectors of these hosts whose last run failed.", "short", limits{1, 10}, query{`count(host_exporter_collector_state{$H,reason=~"error|timeout|panic"} == 1) or vector(0)`, "collectors"})

	by := func(expr string) string { return `max by (instance) (` + expr + `)` }
	b.row("Worst first")
	b.table(24, 12, "Hosts", "One line for each host.", "disk pressure",
		column{label: "instance", title: "instance"}, column{label: "nodename", title: "host"}, column{label: "release", title: "kernel"},
		column{query: `max by (instance, nodename, release) (node_uname_info{$H})`, title: "up", unit: "bool"},
		column{query: by(over(pressure("cpu", "waiting"), "5m")), title: "CPU pressure", unit: "percentunit", limits: limits{0.3, 0.5}},
		column{query: by(over(pressure("memory", "stalled"), "5m")), title: "memory pressure", unit: "percentunit", limits: limits{0.05, 0.1}},
		column{query: by(over(pressure("io", "stalled"), "5m")), title: "disk pressure", unit: "percentunit", limits: limits{0.1, 0.3}},
		column{query: by(over(cpuBusy, "5m")), title: "CPU", unit: "percentunit", limits: limits{0.8, 0.95}},
		column{query: by(memoryUsed), title: "memory", unit: "percentunit", limits: limits{0.8, 0.95}},
		column{query: by(fullest), title: "fullest file system", unit: "percentunit", limits: limits{0.8, 0.95}},
		column{query: by(`node_time_seconds{$H} - node_boot_time_seconds{$H}`), title: "uptime", unit: "s"})
	b.row("What runs")
	b.table(12, 8, "Operating systems", "Hosts by operating system.", "hosts",
		column{label: "pretty_name", title: "system"}, column{query: `count by (pretty_name) (node_os_info{$H})`, title: "hosts", unit: "short"})
	b.table(12, 8, "End of support", "Days until the distribution ends its updates.", "days",
		column{label: "instance", title: "instance"}, column{query: by(`(node_os_support_end_timestamp_seconds{$H} - time()) / 86400`), title: "days", unit: "short"})
	b.table(12, 8, "Kernels", "Hosts by kernel.", "hosts",
		column{label: "release", title: "kernel"}, column{query: `count by (release) (node_uname_info{$H})`, title: "hosts", unit: "short"})
	b.table(12, 8, "Versions of the exporter", "Hosts by version of host_exporter.", "hosts",
		column{label: "version", title: "version"}, column{query: `count by (version) (host_exporter_build_info{$H})`, title: "hosts", unit: "short"})
	return b
}

func disksBoard() *board {
	b := &board{uid: "host-disks", title: "Host: disks", hosts: "node_disk_io_time_seconds_total", description: "Disks, arrays, pools and file systems."}
	latency := func(direction, completed string) string {
		return `rate(node_disk_` + direction + `_time_seconds_total{$H}[$__rate_interval]) / rate(node_disk_` + completed + `_completed_total{$H}[$__rate_interval])`
	}
	b.row("Disks")
	b.chart(12, "Utilization", "Part of the time in which a disk has a request. A disk that takes several at once may be at 100 % and have room.", "percentunit", query{`rate(node_disk_io_time_seconds_total{$H}[$__rate_interval])`, "{{instance}} {{device}}"})
	b.chart(12, "Queue", "Requests in the queue of a disk, on average.", "short", query{`rate(node_disk_io_time_weighted_seconds_total{$H}[$__rate_interval])`, "{{instance}} {{device}}"})
	b.chart(12, "Read latency", "Time of a read request.", "s", query{latency("read", "reads"), "{{instance}} {{device}}"})
	b.chart(12, "Write latency", "Time of a write request.", "s", query{latency("write", "writes"), "{{instance}} {{device}}"})
	b.chart(12, "Requests", "Requests per second: reads, and writes below the line.", "iops",
		query{`rate(node_disk_reads_completed_total{$H}[$__rate_interval])`, "{{instance}} {{device}} reads"}, query{`-rate(node_disk_writes_completed_total{$H}[$__rate_interval])`, "{{instance}} {{device}} writes"})
	b.chart(12, "Throughput", "Bytes per second: read, and written below the line.", "Bps",
		query{`rate(node_disk_read_bytes_total{$H}[$__rate_interval])`, "{{instance}} {{device}} read"}, query{`-rate(node_disk_written_bytes_total{$H}[$__rate_interval])`, "{{instance}} {{device}} written"})
	b.row("Redundancy")
	b.table(8, 8, "md arrays", "Arrays, and the disks that they lack.", "missing disks",
		column{label: "instance", title: "instance"}, column{label: "device", title: "array"},
		column{query: `max by (instance, device) (node_md_degraded{$H})`, title: "missing disks", unit: "short", limits: limits{1, 2}},
		column{query: `max by (instance, device) (node_md_disks_required{$H})`, title: "disks", unit: "short"})
	b.table(8, 8, "ZFS pools", "State of each pool.", "state",
		column{label: "instance", title: "instance"}, column{label: "zpool", title: "pool"}, column{label: "state", title: "state"},
		column{query: `max by (instance, zpool, state) (node_zfs_zpool_state{$H} == 1)`, title: "is", unit: "bool"})
	b.table(8, 8, "btrfs devices", "Errors of each device.", "errors",
		column{label: "instance", title: "instance"}, column{label: "device", title: "device"}, column{label: "type", title: "kind"},
		column{query: `max by (instance, device, type) (node_btrfs_device_errors_total{$H})`, title: "errors", unit: "short", limits: limits{1, 10}})
	b.row("File systems")
	b.table(24, 10, "File systems", "Each file system, fullest first.", "used",
		column{label: "instance", title: "instance"}, column{label: "mountpoint", title: "mounted at"}, column{label: "device", title: "device"}, column{label: "fstype", title: "type"},
		column{query: `max by (instance, mountpoint, device, fstype) (1 - node_filesystem_avail_bytes{$H} / (node_filesystem_size_bytes{$H} > 0))`, title: "used", unit: "percentunit", limits: limits{0.85, 0.95}},
		column{query: `max by (instance, mountpoint, device, fstype) (node_filesystem_size_bytes{$H})`, title: "size", unit: "bytes"},
		column{query: `max by (instance, mountpoint, device, fstype) (node_filesystem_avail_bytes{$H})`, title: "available", unit: "bytes"})
	return b
}

func networkBoard() *board {
	b := &board{uid: "host-network", title: "Host: network", hosts: "node_network_receive_bytes_total", description: "Interfaces, bonds, connections and what the kernel drops."}
	b.row("Interfaces")
	b.chart(12, "Throughput", "Bits per second: received, and sent below the line.", "bps",
		query{`rate(node_network_receive_bytes_total{$H,device!="lo"}[$__rate_interval]) * 8`, "{{instance}} {{device}} received"}, query{`-rate(node_network_transmit_bytes_total{$H,device!="lo"}[$__rate_interval]) * 8`, "{{instance}} {{device}} sent"})
	b.chart(12, "Packets", "Packets per second: received, and sent below the line.", "pps",
		query{`rate(node_network_receive_packets_total{$H,device!="lo"}[$__rate_interval])`, "{{instance}} {{device}} received"}, query{`-rate(node_network_transmit_packets_total{$H,device!="lo"}[$__rate_interval])`, "{{instance}} {{device}} sent"})
	b.chart(12, "Errors", "Packets with errors per second.", "pps",
		query{`rate(node_network_receive_errs_total{$H}[$__rate_interval])`, "{{instance}} {{device}} received"}, query{`rate(node_network_transmit_errs_total{$H}[$__rate_interval])`, "{{instance}} {{device}} sent"})
	b.chart(12, "Drops", "Packets that the kernel or the driver dropped per second.", "pps",
		query{`rate(node_network_receive_drop_total{$H}[$__rate_interval])`, "{{instance}} {{device}} received"}, query{`rate(node_network_transmit_drop_total{$H}[$__rate_interval])`, "{{instance}} {{device}} sent"})
	b.table(12, 8, "Interfaces", "Speed and state of each interface.", "speed",
		column{label: "instance", title: "instance"}, column{label: "device", title: "interface"},
		column{query: `max by (instance, device) (node_network_up{$H})`, title: "up", unit: "bool"},
		column{query: `max by (instance, device) (node_network_speed_bytes{$H} > 0) * 8`, title: "speed", unit: "bps"},
		column{query: `max by (instance, device) (node_network_mtu_bytes{$H})`, title: "MTU", unit: "bytes"},
		column{query: `max by (instance, device) (node_network_carrier_changes_total{$H})`, title: "changes of the link", unit: "short"})
	b.table(12, 8, "Bonds", "Interfaces of each bond, and those that are up.", "interfaces",
		column{label: "instance", title: "instance"}, column{label: "master", title: "bond"},
		column{query: `max by (instance, master) (node_bonding_slaves{$H})`, title: "interfaces", unit: "short"},
		column{query: `max by (instance, master) (node_bonding_active{$H})`, title: "up", unit: "short"})
	b.row("Connections")
	b.chart(12, "TCP", "Established connections, new ones and segments that were sent again per second.", "short",
		query{`node_netstat_Tcp_CurrEstab{$H}`, "{{instance}} established"}, query{`rate(node_netstat_Tcp_ActiveOpens{$H}[$__rate_interval])`, "{{instance}} opened"},
		query{`rate(node_netstat_Tcp_PassiveOpens{$H}[$__rate_interval])`, "{{instance}} accepted"}, query{`rate(node_netstat_Tcp_RetransSegs{$H}[$__rate_interval])`, "{{instance}} sent again"})
	b.chart(12, "Sockets", "Sockets of the hosts.", "short",
		query{`node_sockstat_sockets_used{$H}`, "{{instance}} all"}, query{`node_sockstat_TCP_tw{$H}`, "{{instance}} TCP in TIME_WAIT"}, query{`node_sockstat_UDP_inuse{$H}`, "{{instance}} UDP"})
	b.chart(12, "Tracked connections", "Part of the connection tracking table that is full.", "percentunit", query{`node_nf_conntrack_entries{$H} / node_nf_conntrack_entries_limit{$H}`, "{{instance}}"})
	b.chart(12, "Lost connections", "Connections that a full queue of a socket or a full table lost, per second.", "short",
		query{`rate(node_netstat_TcpExt_ListenOverflows{$H}[$__rate_interval])`, "{{instance}} queue of a socket"}, query{`rate(node_nf_conntrack_stat_drop{$H}[$__rate_interval])`, "{{instance}} tracking table"},
		query{`sum by (instance) (rate(node_softnet_dropped_total{$H}[$__rate_interval]))`, "{{instance}} packets at a CPU"})
	return b
}

func exporterBoard() *board {
	b := &board{uid: "host-exporter", title: "Host: exporter", hosts: "host_exporter_build_info", description: "The exporter itself, its collectors, text files, checks and expectations."}
	b.row("Collectors")
	b.stat(6, "Hosts", "Hosts whose exporter answers.", "short", limits{}, query{`count(host_exporter_build_info{$H})`, "hosts"})
	b.stat(6, "Collectors that fail", "Collectors whose last run failed, timed out or panicked.", "short", limits{1, 10}, query{`count(host_exporter_collector_state{$H,reason=~"error|timeout|panic"} == 1) or vector(0)`, "collectors"})
	b.stat(6, "Partial collectors", "Collectors that could not read everything.", "short", limits{1, 10}, query{`count(host_exporter_collector_state{$H,reason="partial"} == 1) or vector(0)`, "collectors"})
	b.stat(6, "Unmet expectations", "What hosts must have and do not.", "short", limits{1, 10}, query{`count(host_exporter_expectation_ok{$H} == 0) or vector(0)`, "expectations"})
	b.table(12, 8, "Collectors that do not run well", "Collectors that fail or are partial.", "instance",
		column{label: "instance", title: "instance"}, column{label: "collector", title: "collector"}, column{label: "reason", title: "state"},
		column{query: `max by (instance, collector, reason) (host_exporter_collector_state{$H,reason!~"ok|no_data"} == 1)`, title: "is", unit: "bool"})
	b.chart(12, "Durations", "Time of each collector's last run.", "s", query{`max by (collector) (node_scrape_collector_duration_seconds{$H})`, "{{collector}}"})
	b.chart(12, "Errors", "Parts that could not be read, per second.", "short", query{`sum by (instance, collector) (rate(host_exporter_collector_errors_total{$H}[$__rate_interval]))`, "{{instance}} {{collector}}"})
	b.chart(12, "Samples", "Samples of a scrape.", "short", query{`scrape_samples_scraped{$H}`, "{{instance}}"})
	b.row("Text files, checks and expectations")
	b.table(8, 8, "Text files", "Age of each file.", "age",
		column{label: "instance", title: "instance"}, column{label: "file", title: "file"}, column{query: `max by (instance, file) (time() - node_textfile_mtime_seconds{$H})`, title: "age", unit: "s"})
	b.table(8, 8, "Checks", "Result and age of each check.", "last success",
		column{label: "instance", title: "instance"}, column{label: "check", title: "check"},
		column{query: `max by (instance, check) (host_check_up{$H})`, title: "succeeded", unit: "bool"},
		column{query: `max by (instance, check) (time() - host_check_last_success_timestamp_seconds{$H})`, title: "last success", unit: "s"})
	b.table(8, 8, "Expectations", "Whether each expectation is met.", "instance",
		column{label: "instance", title: "instance"}, column{label: "name", title: "expectation"}, column{query: `max by (instance, name) (host_exporter_expectation_ok{$H})`, title: "met", unit: "bool"})
	b.row("Cost")
	b.chart(12, "CPU", "CPUs that the exporter uses.", "short", query{`rate(process_cpu_seconds_total{$H}[$__rate_interval])`, "{{instance}}"})
	b.chart(12, "Memory", "Resident memory of the exporter.", "bytes", query{`process_resident_memory_bytes{$H}`, "{{instance}}"})
	return b
}
