// All rules and dashboards of host_exporter as a mixin of Prometheus. Set _config
// (config.libsonnet) and disabledAlerts, then render prometheusAlerts,
// prometheusRules and grafanaDashboards as those of any other mixin.
local groups = import 'parts.json';  // of the files of rules that are written in YAML
// The groups with the rules for which keep is true. A group without any is left out.
local select(groups, keep) = std.filter(
  function(group) group.rules != [],
  [group { rules: std.filter(keep, group.rules) } for group in groups]
);
(import 'config.libsonnet') {
  local config = $._config,
  local all = (import 'host-rules.libsonnet')(config).groups + (import 'host-alerts.libsonnet')(config).groups + groups,
  local isEnabled(rule) = !std.objectHas(rule, 'alert') || !std.member(config.disabledAlerts, rule.alert),
  prometheusAlerts+:: {
    groups+: select(all, function(rule) std.objectHas(rule, 'alert') && isEnabled(rule)),
  },
  prometheusRules+:: {
    groups+: select(all, function(rule) std.objectHas(rule, 'record')),
  },
  // Both, for those who load one file. A group has the rules that its alerts use.
  prometheusAll:: {
    groups: select(all, isEnabled),
  },
  grafanaDashboards+:: {
    'host.json': import '../dashboards/host.json',
    'host-disks.json': import '../dashboards/host-disks.json',
    'host-exporter.json': import '../dashboards/host-exporter.json',
    'host-fleet.json': import '../dashboards/host-fleet.json',
    'host-network.json': import '../dashboards/host-network.json',
    'san-fleet.json': import '../dashboards/san-fleet.json',
    'san-host.json': import '../dashboards/san-host.json',
  },
}
