// Recording rules on every Linux host, with the names that the dashboards of
// kube-prometheus ask for. host-rules.yml is rendered from this file.
function(config) {
  local c = config {
    sel: config.nodeExporterSelector,
    disk: config.nodeExporterSelector + ',' + config.diskDeviceSelector,
    net: config.nodeExporterSelector + ',' + config.netDeviceSelector,
  },
  local record(name, expr) = { record: name, expr: expr % c },
  local traffic(direction, what) = [
    record('instance:node_network_%s_%s_excluding_lo:rate5m' % [direction, what],
           'sum without (device) (rate(node_network_%s_%s_total{%%(sel)s,device!="lo"}[5m]))' % [direction, what]),
    record('instance:node_network_%s_%s_physical:rate5m' % [direction, what],
           'sum without (device) (rate(node_network_%s_%s_total{%%(net)s}[5m]))' % [direction, what]),
  ],
  groups: [{
    name: 'host-recording',
    rules: [
      record('instance:node_num_cpu:sum', 'count without (cpu, mode) (node_cpu_seconds_total{%(sel)s,mode="idle"})'),
      record('instance:node_cpu_utilisation:rate5m', '1 - avg without (cpu) (sum without (mode) (rate(node_cpu_seconds_total{%(sel)s,mode=~"idle|iowait|steal"}[5m])))'),
      record('instance:node_load1_per_cpu:ratio', 'node_load1{%(sel)s} / instance:node_num_cpu:sum{%(sel)s}'),
      record('instance:node_memory_utilisation:ratio', '1 - node_memory_MemAvailable_bytes{%(sel)s} / node_memory_MemTotal_bytes{%(sel)s}'),
      record('instance:node_vmstat_pgmajfault:rate5m', 'rate(node_vmstat_pgmajfault{%(sel)s}[5m])'),
      record('instance_device:node_disk_io_time_seconds:rate5m', 'rate(node_disk_io_time_seconds_total{%(disk)s}[5m])'),
      record('instance_device:node_disk_io_time_weighted_seconds:rate5m', 'rate(node_disk_io_time_weighted_seconds_total{%(disk)s}[5m])'),
    ] + std.flattenArrays([traffic(d, w) for d in ['receive', 'transmit'] for w in ['bytes', 'drop']]) + [
      record('instance:node_cpu:rate:sum', 'sum without (cpu, mode) (rate(node_cpu_seconds_total{%(sel)s,mode!~"idle|iowait|steal|guest.*"}[5m]))'),
      record('instance:node_cpu:ratio', 'instance:node_cpu:rate:sum{%(sel)s} / instance:node_num_cpu:sum{%(sel)s}'),
      record('instance:node_network_receive_bytes:rate:sum', 'sum without (device) (rate(node_network_receive_bytes_total{%(sel)s}[5m]))'),
      record('instance:node_network_transmit_bytes:rate:sum', 'sum without (device) (rate(node_network_transmit_bytes_total{%(sel)s}[5m]))'),
      record('cluster:node_cpu:sum_rate5m', 'sum(rate(node_cpu_seconds_total{%(sel)s,mode!~"idle|iowait|steal|guest.*"}[5m]))'),
      record('cluster:node_cpu:ratio', 'cluster:node_cpu:sum_rate5m / sum(instance:node_num_cpu:sum{%(sel)s})'),
    ],
  }],
}
