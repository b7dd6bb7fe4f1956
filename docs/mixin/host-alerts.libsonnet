// Alerts on every Linux host. The names of node-mixin are kept where the meaning is
// the same, so that its runbooks and silences still apply. ../alerts.md says what each
// alert means and what to do; host-alerts.yml is rendered from this file.
function(config) {
  local c = config {
    sel: config.nodeExporterSelector,
    fs: std.join(',', [config.nodeExporterSelector, config.fsSelector, config.fsMountpointSelector]),
    disk: config.nodeExporterSelector + ',' + config.diskDeviceSelector,
    net: config.nodeExporterSelector + ',' + config.netDeviceSelector,
    unit: config.nodeExporterSelector + ',' + config.systemdUnitSelector,
  },
  // The instance, and the name of the host where the exporter has it. It is a query in
  // the text and no join in the expression, so that a host without a name still alerts.
  local host = '{{ $labels.instance }}{{ with printf `node_uname_info{job=%q,instance=%q}` $labels.job $labels.instance | query }} ({{ . | first | label `nodename` }}){{ end }}',
  local alert(name, severity, wait, expr, summary, description) = {
    alert: name,
    expr: expr,
    [if wait != '' then 'for']: wait,
    labels: { severity: severity },
    annotations: {
      summary: std.strReplace(summary, 'HOST', host),
      description: description,
      runbook_url: config.runbookURLPattern % std.asciiLower(name),
    },
  },
  local percent = '{{ $value | printf "%.1f" }} %',

  local spaceFillingUp(severity, wait, threshold, hours) = alert(
    'NodeFilesystemSpaceFillingUp', severity, wait,
    |||
      max without (mountpoint) (
        node_filesystem_avail_bytes{%(fs)s} / node_filesystem_size_bytes{%(fs)s} * 100 < %(threshold)s
        and predict_linear(node_filesystem_avail_bytes{%(fs)s}[6h], %(hours)d * 60 * 60) < 0
        and predict_linear(node_filesystem_avail_bytes{%(fs)s}[1h], %(hours)d * 60 * 60) < 0
        and node_filesystem_readonly{%(fs)s} == 0)
    ||| % (c { threshold: threshold, hours: hours }),
    'The file system on {{ $labels.device }} of HOST will be full in %d hours: ' % hours + percent + ' available.',
    'It has been filling up for six hours and still is. Find what grows, or extend it.'
  ),
  local almostOutOfSpace(severity, wait, threshold) = alert(
    'NodeFilesystemAlmostOutOfSpace', severity, wait,
    |||
      max without (mountpoint) (
        node_filesystem_avail_bytes{%(fs)s} / node_filesystem_size_bytes{%(fs)s} * 100 < %(threshold)s
        and node_filesystem_readonly{%(fs)s} == 0)
    ||| % (c { threshold: threshold }),
    'The file system on {{ $labels.device }} of HOST is almost full: ' + percent + ' available.',
    'Programs that write to it are about to fail. Make room, or extend it.'
  ),
  local filesFillingUp(severity, wait, threshold, hours) = alert(
    'NodeFilesystemFilesFillingUp', severity, wait,
    |||
      max without (mountpoint) (
        node_filesystem_files_free{%(fs)s} / (node_filesystem_files{%(fs)s} > 0) * 100 < %(threshold)s
        and predict_linear(node_filesystem_files_free{%(fs)s}[6h], %(hours)d * 60 * 60) < 0
        and node_filesystem_readonly{%(fs)s} == 0)
    ||| % (c { threshold: threshold, hours: hours }),
    'The file system on {{ $labels.device }} of HOST will run out of inodes in %d hours: ' % hours + percent + ' free.',
    'Something makes many small files: a mail queue, a cache, sessions. Find it and remove them.'
  ),
  local almostOutOfFiles(severity, wait, threshold) = alert(
    'NodeFilesystemAlmostOutOfFiles', severity, wait,
    |||
      max without (mountpoint) (
        node_filesystem_files_free{%(fs)s} / (node_filesystem_files{%(fs)s} > 0) * 100 < %(threshold)s
        and node_filesystem_readonly{%(fs)s} == 0)
    ||| % (c { threshold: threshold }),
    'The file system on {{ $labels.device }} of HOST is almost out of inodes: ' + percent + ' free.',
    'No file can be created soon, although there may be room. Remove files.'
  ),
  local networkErrors(name, direction, verb) = alert(
    name, 'warning', '30m',
    |||
      rate(node_network_%(direction)s_errs_total{%(net)s}[5m]) / rate(node_network_%(direction)s_packets_total{%(net)s}[5m]) > %(networkErrorRatioThreshold)s
      and rate(node_network_%(direction)s_errs_total{%(net)s}[5m]) > 1
    ||| % (c { direction: direction }),
    'Interface {{ $labels.device }} of HOST has errors in {{ $value | humanizePercentage }} of the packets that it %s.' % verb,
    'Look at its statistics (ethtool -S), then at cable, transceiver and switch port.'
  ),

  groups: [
    {
      name: 'host-filesystem',
      rules: [
        spaceFillingUp('warning', '1h', c.fsSpaceFillingUpWarningThreshold, 24),
        spaceFillingUp('critical', '30m', c.fsSpaceFillingUpCriticalThreshold, 4),
        almostOutOfSpace('warning', '15m', c.fsSpaceAvailableWarningThreshold),
        almostOutOfSpace('critical', '5m', c.fsSpaceAvailableCriticalThreshold),
        filesFillingUp('warning', '1h', c.fsFilesFillingUpWarningThreshold, 24),
        filesFillingUp('critical', '15m', c.fsFilesFillingUpCriticalThreshold, 4),
        almostOutOfFiles('warning', '1h', c.fsFilesAvailableWarningThreshold),
        almostOutOfFiles('critical', '15m', c.fsFilesAvailableCriticalThreshold),
        alert(
          'HostFilesystemReadOnly', 'critical', '2m',
          |||
            node_filesystem_readonly{%(fs)s} == 1
            and min_over_time(node_filesystem_readonly{%(fs)s}[1d]) == 0
          ||| % c,
          'The file system at {{ $labels.mountpoint }} of HOST became read-only.',
          'Unless someone remounted it, the kernel did because of errors of {{ $labels.device }}: see its log, and check the disk before the file system.'
        ),
        alert(
          'HostFilesystemDeviceError', 'warning', '10m',
          'node_filesystem_device_error{%(fs)s,device_error!="mountpoint timeout"} == 1\n' % c,
          'The file system at {{ $labels.mountpoint }} of HOST cannot be read: {{ $labels.device_error }}.',
          'With "permission denied" the exporter lacks a privilege; any other error is of {{ $labels.device }} or of its server.'
        ),
      ],
    },
    {
      name: 'host-cpu',
      rules: [
        alert(
          'NodeCPUHighUsage', 'info', '30m',
          |||
            sum without (mode) (avg without (cpu) (rate(node_cpu_seconds_total{%(sel)s,mode!~"idle|iowait|steal|guest.*"}[5m]))) * 100 > %(cpuHighUsageThreshold)s
          ||| % c,
          'The CPUs of HOST are busy: ' + percent + '.',
          'This is no fault as long as nothing waits; see whether HostCPUPressure fires too.'
        ),
        alert(
          'HostCPUPressure', 'warning', '30m',
          |||
            rate(node_pressure_cpu_waiting_seconds_total{%(sel)s}[5m]) > %(cpuPressureThreshold)s
            or node_load1{%(sel)s} / on (job, instance) count by (job, instance) (node_cpu_seconds_total{%(sel)s,mode="idle"}) > %(systemSaturationPerCoreThreshold)s
            unless on (job, instance) node_pressure_cpu_waiting_seconds_total{%(sel)s}
          ||| % c,
          'Programs on HOST wait for a CPU.',
          'The value is the part of the time in which at least one waits or, on kernels without pressure stall information, the load per CPU. Find who runs, or move something away.'
        ),
        alert(
          'HostCPUSteal', 'warning', '30m',
          'avg without (cpu, mode) (rate(node_cpu_seconds_total{%(sel)s,mode="steal"}[5m])) * 100 > %(cpuStealThreshold)s\n' % c,
          'The hypervisor takes ' + percent + ' of the CPU time of HOST.',
          'The machine below is overcommitted: move this guest or another one.'
        ),
      ],
    },
    {
      name: 'host-memory',
      rules: [
        alert(
          'HostMemoryPressure', 'warning', '10m',
          |||
            rate(node_pressure_memory_stalled_seconds_total{%(sel)s}[5m]) > %(memoryPressureThreshold)s
            or rate(node_vmstat_pgmajfault{%(sel)s}[5m]) > %(memoryMajorPagesFaultsThreshold)s
            unless on (job, instance) node_pressure_memory_stalled_seconds_total{%(sel)s}
          ||| % c,
          'All programs on HOST wait for memory.',
          'The value is the part of the time in which nothing can run or, on kernels without pressure stall information, the number of pages that are read from disk each second. Find who grew.'
        ),
        alert(
          'NodeMemoryHighUtilization', 'warning', '15m',
          |||
            100 - (
              node_memory_MemAvailable_bytes{%(sel)s} + node_memory_HugePages_Free{%(sel)s} * node_memory_Hugepagesize_bytes{%(sel)s}
              or node_memory_MemAvailable_bytes{%(sel)s}
            ) / node_memory_MemTotal_bytes{%(sel)s} * 100 > %(memoryHighUtilizationThreshold)s
            unless on (job, instance) rate(node_pressure_memory_waiting_seconds_total{%(sel)s}[5m]) == 0
          ||| % c,
          'The memory of HOST is used to ' + percent + '.',
          'Programs already wait for it. Find who grew, or give the host more.'
        ),
        alert(
          'HostOOMKill', 'warning', '',
          'increase(node_vmstat_oom_kill{%(sel)s}[15m]) > 0\n' % c,
          'The kernel of HOST killed a program because memory ran out.',
          'The kernel log names the program and its control group: raise that limit, or find out why it grew.'
        ),
        alert(
          'HostMemoryUncorrectable', 'critical', '',
          'increase(node_edac_uncorrectable_errors_total{%(sel)s}[1h]) > 0\n' % c,
          'A memory module of HOST (controller {{ $labels.controller }}) has an error that could not be corrected.',
          'Data may be wrong. Move the work away and replace the module.'
        ),
        alert(
          'HostMemoryCorrectable', 'warning', '',
          'increase(node_edac_correctable_errors_total{%(sel)s}[1d]) > %(memoryCorrectableErrorsThreshold)s\n' % c,
          'The memory modules of HOST (controller {{ $labels.controller }}) had {{ $value | humanize }} corrected errors in a day.',
          'A module that has many errors of this kind is likely to have one that cannot be corrected. Plan its replacement.'
        ),
      ],
    },
    {
      name: 'host-disk',
      rules: [
        alert(
          'HostIOPressure', 'warning', '30m',
          |||
            rate(node_pressure_io_stalled_seconds_total{%(sel)s}[5m]) > %(ioPressureThreshold)s
            or rate(node_disk_io_time_weighted_seconds_total{%(disk)s}[5m]) > %(diskIOSaturationThreshold)s
            unless on (job, instance) node_pressure_io_stalled_seconds_total{%(sel)s}
          ||| % c,
          'All programs on HOST wait for disks.',
          'The value is the part of the time in which nothing can run or, on kernels without pressure stall information, the length of the queue of a disk. Find the slow disk or the program that loads it.'
        ),
        alert(
          'HostDiskHighLatency', 'warning', '1h',
          |||
            (
              (rate(node_disk_read_time_seconds_total{%(disk)s}[5m]) + rate(node_disk_write_time_seconds_total{%(disk)s}[5m]))
              / (rate(node_disk_reads_completed_total{%(disk)s}[5m]) + rate(node_disk_writes_completed_total{%(disk)s}[5m]))
            ) > %(diskLatencySolidStateThreshold)s
            unless on (job, instance, device) node_disk_info{%(disk)s,rotational!="0"}
            or (
              (rate(node_disk_read_time_seconds_total{%(disk)s}[5m]) + rate(node_disk_write_time_seconds_total{%(disk)s}[5m]))
              / (rate(node_disk_reads_completed_total{%(disk)s}[5m]) + rate(node_disk_writes_completed_total{%(disk)s}[5m]))
            ) > %(diskLatencyRotationalThreshold)s
          ||| % c,
          'Requests to {{ $labels.device }} of HOST take {{ $value | humanizeDuration }}.',
          'Compare with its other disks and with an hour ago: a failing disk, a path with errors, a busy array, or only more work.'
        ),
        alert(
          'NodeRAIDDegraded', 'critical', '15m',
          |||
            node_md_degraded{%(sel)s} > 0
            or node_md_disks_required{%(sel)s} - ignoring (state) node_md_disks{%(sel)s,state="active"} > 0
          ||| % c,
          'The array {{ $labels.device }} of HOST lacks {{ $value }} of its disks.',
          'Another failure may lose its data. /proc/mdstat names the disks; replace what failed and add it.'
        ),
        alert(
          'NodeRAIDDiskFailure', 'warning', '',
          'node_md_disks{%(sel)s,state="failed"} > 0\n' % c,
          'The array {{ $labels.device }} of HOST has {{ $value }} failed disks.',
          'A spare may have taken over. Replace the failed ones (mdadm --detail).'
        ),
        alert(
          'HostPoolUnhealthy', 'critical', '5m',
          |||
            node_zfs_zpool_state{%(sel)s,state!="online"} == 1
            or increase(node_btrfs_device_errors_total{%(sel)s}[1h]) > 0
            or increase(node_bcachefs_errors_total{%(sel)s}[1h]) > 0
          ||| % c,
          'A pool of HOST has errors: {{ or $labels.zpool $labels.device $labels.uuid }}.',
          'zpool status, btrfs device stats or the kernel log say which disk; a scrub says what is lost.'
        ),
      ],
    },
    {
      name: 'host-network',
      rules: [
        networkErrors('NodeNetworkReceiveErrs', 'receive', 'receives'),
        networkErrors('NodeNetworkTransmitErrs', 'transmit', 'sends'),
        alert(
          'NodeBondingDegraded', 'warning', '5m',
          'node_bonding_slaves{%(sel)s} - node_bonding_active{%(sel)s} > 0\n' % c,
          '{{ $value }} interfaces of the bond {{ $labels.master }} of HOST are down.',
          '/proc/net/bonding names them. Until they are back the next failure cuts the host off.'
        ),
        alert(
          'HostNICSlow', 'warning', '10m',
          |||
            (node_network_speed_bytes{%(net)s} > 0) < max_over_time(node_network_speed_bytes{%(net)s}[7d])
            and on (job, instance, device) node_network_up{%(net)s} == 1
          ||| % c,
          'Interface {{ $labels.device }} of HOST runs at {{ $value | humanize }}B/s, less than within the last week.',
          'It negotiated a lower speed: cable, transceiver or the settings of the switch port.'
        ),
        alert(
          'HostLinkFlapping', 'warning', '',
          'increase(node_network_carrier_changes_total{%(net)s}[10m]) > %(linkFlappingThreshold)s\n' % c,
          'Interface {{ $labels.device }} of HOST lost or got its link {{ $value | humanize }} times in ten minutes.',
          'Reseat or replace cable and transceiver, at the switch too.'
        ),
        alert(
          'NodeHighNumberConntrackEntriesUsed', 'warning', '10m',
          'node_nf_conntrack_entries{%(sel)s} / node_nf_conntrack_entries_limit{%(sel)s} * 100 > %(conntrackThreshold)s\n' % c,
          'The connection tracking table of HOST is full to ' + percent + '.',
          'When it is full the kernel drops packets of new connections. Raise nf_conntrack_max, or find who opens so many.'
        ),
        alert(
          'HostConntrackDrops', 'critical', '5m',
          'rate(node_nf_conntrack_stat_drop{%(sel)s}[5m]) > 0 or rate(node_nf_conntrack_stat_early_drop{%(sel)s}[5m]) > 0\n' % c,
          'HOST drops packets because its connection tracking table is full.',
          'New connections fail. Raise nf_conntrack_max at once, then find who opens so many.'
        ),
        alert(
          'HostListenOverflows', 'warning', '10m',
          'rate(node_netstat_TcpExt_ListenOverflows{%(sel)s}[5m]) > %(listenOverflowsThreshold)s\n' % c,
          'Programs on HOST do not accept connections fast enough: {{ $value | humanize }} a second are lost.',
          'ss -lnt shows the queue that is full. The program is too slow, or its backlog (somaxconn) too short.'
        ),
      ],
    },
    {
      name: 'host-system',
      rules: [
        alert(
          'HostExporterDown', 'critical', '5m',
          'up{%(sel)s} == 0 and on (job, instance) last_over_time(host_exporter_build_info{%(sel)s}[1d])\n' % c,
          'Prometheus cannot scrape HOST.',
          'The host, its network or the exporter is down. Where the exporter restarts again and again its log says why.'
        ),
        alert(
          'NodeClockSkewDetected', 'warning', '10m',
          |||
            (
              node_timex_offset_seconds{%(sel)s} > 0.05 and deriv(node_timex_offset_seconds{%(sel)s}[5m]) >= 0
              or node_timex_offset_seconds{%(sel)s} < -0.05 and deriv(node_timex_offset_seconds{%(sel)s}[5m]) <= 0
            ) and on (job, instance) node_time_seconds{%(sel)s} - node_boot_time_seconds{%(sel)s} > 900
          ||| % c,
          'The clock of HOST is {{ $value | humanizeDuration }} off, and does not come closer.',
          'Is the daemon that sets it running, and does it reach its servers (chronyc tracking)?'
        ),
        alert(
          'NodeClockNotSynchronising', 'warning', '10m',
          |||
            min_over_time(node_timex_sync_status{%(sel)s}[5m]) == 0
            and node_timex_maxerror_seconds{%(sel)s} >= 16
            and on (job, instance) node_time_seconds{%(sel)s} - node_boot_time_seconds{%(sel)s} > 900
          ||| % c,
          'The clock of HOST is not synchronized.',
          'Is the daemon that sets it running, and does it reach its servers (chronyc tracking)?'
        ),
        alert(
          'HostTooHot', 'critical', '5m',
          |||
            node_hwmon_temp_celsius{%(sel)s} >= (node_hwmon_temp_crit_celsius{%(sel)s} > 0)
            or node_hwmon_temp_crit_alarm_celsius{%(sel)s} == 1
          ||| % c,
          'A sensor of HOST ({{ $labels.chip }} {{ $labels.sensor }}) is at its critical temperature.',
          'The machine is about to protect itself. Look at fans, air and load.'
        ),
        alert(
          'HostTasksHung', 'warning', '',
          'increase(node_kernel_hung_tasks_total{%(sel)s}[15m]) > 0\n' % c,
          'Programs on HOST hung in the kernel for minutes.',
          'The kernel log has their stacks: mostly a disk or a server that does not answer.'
        ),
        alert(
          'NodeFileDescriptorLimit', 'critical', '15m',
          'node_filefd_allocated{%(sel)s} * 100 / node_filefd_maximum{%(sel)s} > %(fdLimitThreshold)s\n' % c,
          'HOST uses ' + percent + ' of its file handles.',
          'When none is left no program can open a file. Find the one that leaks, or raise fs.file-max.'
        ),
        alert(
          'NodeSystemdServiceFailed', 'warning', '15m',
          'node_systemd_unit_state{%(unit)s,state="failed"} == 1\n' % c,
          'The unit {{ $labels.name }} of HOST failed.',
          'systemctl status {{ $labels.name }} says why. After a unit that may fail is mended, systemctl reset-failed ends the alert.'
        ),
        alert(
          'HostOSSupportEnds', 'info', '',
          '(node_os_support_end_timestamp_seconds{%(sel)s} - time()) / 86400 < %(osSupportThreshold)s\n' % c,
          'The operating system of HOST gets no updates after {{ $value | printf "%.0f" }} days.',
          'Plan the upgrade.'
        ),
      ],
    },
  ],
}
