{{- define "host-exporter.name" -}}
{{ .Values.nameOverride | default .Chart.Name | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- define "host-exporter.fullname" -}}
{{- $name := .Values.nameOverride | default .Chart.Name }}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 63 | trimSuffix "-" }}
{{- else if contains $name .Release.Name }}
{{- .Release.Name | trunc 63 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name $name | trunc 63 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{- define "host-exporter.namespace" -}}
{{ .Values.namespaceOverride | default .Release.Namespace }}
{{- end }}

{{- define "host-exporter.serviceAccountName" -}}
{{- if .Values.serviceAccount.create }}
{{- .Values.serviceAccount.name | default (include "host-exporter.fullname" .) }}
{{- else }}
{{- .Values.serviceAccount.name | default "default" }}
{{- end }}
{{- end }}

{{- define "host-exporter.selectorLabels" -}}
app.kubernetes.io/name: {{ include "host-exporter.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{/* The labels of an object. With a list of context and labels, these take precedence. */}}
{{- define "host-exporter.labels" -}}
{{- if kindIs "slice" . }}
{{- $root := index . 0 }}
{{- $labels := include "host-exporter.commonLabels" $root | fromYaml }}
{{- range rest . }}
{{- with . }}{{ $labels = mustMergeOverwrite $labels (tpl (toYaml .) $root | fromYaml) }}{{ end }}
{{- end }}
{{- toYaml $labels }}
{{- else }}
{{- include "host-exporter.commonLabels" . | fromYaml | toYaml }}
{{- end }}
{{- end }}

{{- define "host-exporter.commonLabels" -}}
{{- $labels := include "host-exporter.ownLabels" . | fromYaml }}
{{- with .Values.commonLabels }}{{ $labels = mustMergeOverwrite $labels (tpl (toYaml .) $ | fromYaml) }}{{ end }}
{{- if .Values.releaseLabel }}{{ $labels = merge $labels (dict "release" .Release.Name) }}{{ end }}
{{- toYaml $labels }}
{{- end }}

{{- define "host-exporter.ownLabels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
app.kubernetes.io/component: metrics
app.kubernetes.io/part-of: {{ include "host-exporter.name" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
{{ include "host-exporter.selectorLabels" . }}
{{- end }}

{{/* An image. Arguments: the root, the image, and its default tag. */}}
{{- define "host-exporter.image" -}}
{{- $root := index . 0 }}{{ $image := index . 1 }}
{{- $registry := $root.Values.global.imageRegistry | default $image.registry }}
{{- $name := ternary $image.repository (printf "%s/%s" $registry $image.repository) (empty $registry) }}
{{- if $image.digest }}
{{- printf "%s@%s" $name $image.digest }}
{{- else }}
{{- printf "%s:%s" $name ($image.tag | default (index . 2)) }}
{{- end }}
{{- end }}

{{/* Names of Secrets, which are maps or plain names, of all lists in the argument. */}}
{{- define "host-exporter.pullSecrets" -}}
{{- $names := list }}
{{- range . }}
{{- $names = append $names (ternary (dict "name" .) . (kindIs "string" .)) }}
{{- end }}
{{- if $names }}
imagePullSecrets:
  {{- toYaml (uniq $names) | nindent 2 }}
{{- end }}
{{- end }}

{{/*
The DaemonSets to render, as a list of {name, pool, expressions}: the nodes of no pool, then
each pool. expressions select the nodes, and exclude those of former pools.
*/}}
{{- define "host-exporter.pools" -}}
{{- $full := include "host-exporter.fullname" . }}
{{- $others := list }}{{ $all := list }}
{{- range $pool := .Values.configPerNode }}
{{- if or (not $pool.name) (not $pool.label) (not $pool.values) }}
{{- fail "configPerNode: each pool needs name, label and values" }}
{{- end }}
{{- if eq $pool.name "default" }}
{{- fail "configPerNode: the name default is that of the nodes of no pool" }}
{{- end }}
{{- $in := dict "key" $pool.label "operator" "In" "values" $pool.values }}
{{- $all = append $all (dict "name" (printf "%s-%s" $full $pool.name) "pool" $pool.name "expressions" (prepend $others $in)) }}
{{- $others = append $others (dict "key" $pool.label "operator" "NotIn" "values" $pool.values) }}
{{- end }}
{{- prepend $all (dict "name" $full "pool" "default" "expressions" $others) | toJson }}
{{- end }}

{{/*
Sets root.Values to the values of a pool: those of the chart, and what the pool overrides.
Arguments: root, a copy of the context; all, the values; pool. As text, as include returns
them, numbers would lose their form.
*/}}
{{- define "host-exporter.setPool" -}}
{{- $values := deepCopy .all }}
{{- range .all.configPerNode }}
{{- if eq .name $.pool }}
{{- $common := dict "args" $values.extraArgs "explicit" (.extraArgs | default list) }}
{{- $args := concat (include "host-exporter.withoutExplicit" $common | fromJsonArray) (.extraArgs | default list) }}
{{- $values = mustMergeOverwrite $values (omit (deepCopy .) "name" "label" "values") (dict "extraArgs" $args) }}
{{- end }}
{{- end }}
{{- $_ := set .root "Values" $values }}
{{- end }}

{{/* args without the flags that explicit has: host_exporter accepts most flags once. */}}
{{- define "host-exporter.withoutExplicit" -}}
{{- $names := list }}
{{- range .explicit }}
{{- $names = append $names (splitList "=" . | first | replace "--no-" "--") }}
{{- end }}
{{- $rest := list }}
{{- range .args }}
{{- if not (has (splitList "=" . | first | replace "--no-" "--") $names) }}
{{- $rest = append $rest . }}
{{- end }}
{{- end }}
{{- $rest | toJson }}
{{- end }}

{{- define "host-exporter.hasConfig" -}}
{{- if or .Values.config .Values.configFiles .Values.existingConfigMap }}true{{ end }}
{{- end }}

{{/* The files of the configuration. */}}
{{- define "host-exporter.configData" -}}
host_exporter.yml: |
  {{- ternary .Values.config (toYaml .Values.config) (kindIs "string" .Values.config) | nindent 2 }}
{{- range $name, $text := .Values.configFiles }}
{{ $name }}: |
  {{- $text | nindent 2 }}
{{- end }}
{{- end }}

{{- define "host-exporter.hasTLS" -}}
{{- if or (and .Values.tlsSecret.enabled (not .Values.kubeRBACProxy.enabled)) (.Values.webConfig).tls_server_config }}true{{ end }}
{{- end }}

{{- define "host-exporter.hasWebConfig" -}}
{{- if or .Values.webConfig (include "host-exporter.hasTLS" .) }}true{{ end }}
{{- end }}

{{/* Whether a probe without a user and a certificate could be refused. */}}
{{- define "host-exporter.asksClients" -}}
{{- $explicit := false }}
{{- range .Values.extraArgs }}
{{- if hasPrefix "--web.config.file" . }}{{ $explicit = true }}{{ end }}
{{- end }}
{{- $web := include "host-exporter.web" . | fromYaml }}
{{- if or $explicit $web.basic_auth_users ($web.tls_server_config).client_ca_file ($web.tls_server_config).client_auth_type }}true{{ end }}
{{- end }}

{{/* The web configuration: webConfig with the certificate of tlsSecret. */}}
{{- define "host-exporter.web" -}}
{{- $web := deepCopy .Values.webConfig }}
{{- if and .Values.tlsSecret.enabled (not .Values.kubeRBACProxy.enabled) }}
{{- $tls := dict "cert_file" (printf "/etc/host_exporter_tls/%s" .Values.tlsSecret.certItem) "key_file" (printf "/etc/host_exporter_tls/%s" .Values.tlsSecret.keyItem) }}
{{- with .Values.tlsSecret.caItem }}
{{- $tls = merge $tls (dict "client_ca_file" (printf "/etc/host_exporter_tls/%s" .) "client_auth_type" "RequireAndVerifyClientCert") }}
{{- end }}
{{- $web = merge $web (dict "tls_server_config" $tls) }}
{{- end }}
{{- toYaml $web }}
{{- end }}

{{/* The port on which the exporter listens. */}}
{{- define "host-exporter.port" -}}
{{ ternary .Values.kubeRBACProxy.port .Values.service.port .Values.kubeRBACProxy.enabled }}
{{- end }}

{{/*
Arguments. The expression of mount points is the default of the collector with the
directories of pods and of container runtimes.
*/}}
{{- define "host-exporter.args" -}}
{{- $args := list "--path.procfs=/host/proc" "--path.sysfs=/host/sys" "--path.rootfs=/host/root" "--path.udev.data=/host/root/run/udev/data" }}
{{- if .Values.kubeRBACProxy.enabled }}
{{- $args = append $args (printf "--web.listen-address=127.0.0.1:%v" .Values.kubeRBACProxy.port) }}
{{- else if .Values.service.listenOnAllInterfaces }}
{{- $args = append $args (printf "--web.listen-address=:%v" .Values.service.port) }}
{{- else }}
{{- $args = append $args (printf "--web.listen-address=[$(HOST_IP)]:%v" .Values.service.port) }}
{{- end }}
{{- if include "host-exporter.hasConfig" . }}
{{- $args = append $args "--config.file=/etc/host_exporter/host_exporter.yml" }}
{{- if .Values.configReloader.enabled }}
{{- $args = append $args "--web.enable-lifecycle" }}
{{- end }}
{{- end }}
{{- if include "host-exporter.hasWebConfig" . }}
{{- $args = append $args "--web.config.file=/etc/host_exporter_web/web.yml" }}
{{- end }}
{{- $filesystem := dict }}
{{- if kindIs "map" .Values.config }}
{{- $filesystem = (.Values.config.collectors).filesystem | default dict }}
{{- end }}
{{- $explicit := .Values.extraArgs }}
{{- if not .Values.hostRootFsMount.enabled }}
{{- $args = append $args "--no-collector.filesystem" }}
{{- else if .Values.excludePodMounts }}
{{- $mounts := "--collector.filesystem.mount-points-exclude=^/(dev|proc|run/credentials/.+|run/(k3s/)?containerd/.+|sys|var/lib/docker/.+|var/lib/containers/storage/.+|var/lib/kubelet/pods/.+)($|/)" }}
{{- $own := and (kindIs "map" $filesystem) (or (hasKey $filesystem "mount-points-exclude") (hasKey $filesystem "mount-points-include")) }}
{{- range .Values.extraArgs }}
{{- if or (hasPrefix "--collector.filesystem.mount-points-include" .) (hasPrefix "--collector.filesystem.ignored-mount-points" .) }}{{ $own = true }}{{ end }}
{{- end }}
{{- if not $own }}{{ $args = append $args $mounts }}{{ end }}
{{- end }}
{{- concat (include "host-exporter.withoutExplicit" (dict "args" $args "explicit" $explicit) | fromJsonArray) $explicit | toJson }}
{{- end }}

{{/* Capabilities to add, of all keys that need some. */}}
{{- define "host-exporter.capabilities" -}}
{{- $all := .Values.capabilities }}
{{- with .Values.collectorsMounts }}
{{- if .readAll }}{{ $all = append $all "DAC_READ_SEARCH" }}{{ end }}
{{- if .perf }}{{ $all = concat $all (list "PERFMON" "DAC_READ_SEARCH") }}{{ end }}
{{- end }}
{{- $all | uniq | toJson }}
{{- end }}

{{/* The security contexts of the pod and of the exporter: {pod, container}. */}}
{{- define "host-exporter.security" -}}
{{- $pod := deepCopy .Values.securityContext }}
{{- $container := deepCopy .Values.containerSecurityContext }}
{{- $capabilities := include "host-exporter.capabilities" . | fromJsonArray }}
{{- if or $capabilities .Values.collectorsMounts.devMapper }}
{{- $container = mustMergeOverwrite $container (dict "runAsUser" 0 "runAsGroup" 0 "runAsNonRoot" false) }}
{{- end }}
{{- if $capabilities }}
{{- $had := ($container.capabilities).add | default list }}
{{- $container = mustMergeOverwrite $container (dict "capabilities" (dict "add" (concat $had $capabilities | uniq))) }}
{{- end }}
{{- if .Values.collectorsMounts.devMapper }}
{{- $container = mustMergeOverwrite (omit $container "capabilities") (dict "privileged" true) }}
{{- end }}
{{- /* Kubernetes refuses false together with these. */}}
{{- if or $container.privileged (has "SYS_ADMIN" $capabilities) }}
{{- $container = omit $container "allowPrivilegeEscalation" }}
{{- end }}
{{- dict "pod" $pod "container" $container | toJson }}
{{- end }}

{{/* Mounts of the host for collectors, where its root is not mounted: {name, path}. */}}
{{- define "host-exporter.collectorsMounts" -}}
{{- $mounts := list }}
{{- if not .Values.hostRootFsMount.enabled }}
{{- with .Values.collectorsMounts }}
{{- if .multipathd }}
{{- $mounts = append $mounts (dict "name" "run" "path" "/run" "type" "Directory") }}
{{- else }}
{{- if .dbus }}{{ $mounts = append $mounts (dict "name" "dbus" "path" "/run/dbus" "type" "Directory") }}{{ end }}
{{- if .udev }}{{ $mounts = append $mounts (dict "name" "udev" "path" "/run/udev/data" "type" "Directory") }}{{ end }}
{{- end }}
{{- if .osRelease }}{{ $mounts = append $mounts (dict "name" "os-release" "path" "/etc/os-release" "type" "File") }}{{ end }}
{{- if .devMapper }}{{ $mounts = append $mounts (dict "name" "dev-mapper" "path" "/dev/mapper" "type" "Directory") }}{{ end }}
{{- end }}
{{- end }}
{{- $mounts | toJson }}
{{- end }}

{{/* A probe. Arguments: root, probe, path. */}}
{{- define "host-exporter.probe" -}}
{{- $root := .root }}
{{- $get := .probe.httpGet | default dict }}
{{- $proxied := $root.Values.kubeRBACProxy.enabled }}
{{- if or .probe.tcpSocket .probe.exec .probe.grpc }}
{{- toYaml (omit .probe "httpGet") }}
{{- else if and $proxied (not $root.Values.hostNetwork) }}
{{- toYaml (merge (dict "tcpSocket" (dict "port" $root.Values.service.port)) (omit .probe "httpGet")) }}
{{- else if include "host-exporter.asksClients" $root }}
{{- $socket := dict "port" (int (include "host-exporter.port" $root)) }}
{{- if $proxied }}{{ $socket = merge $socket (dict "host" "127.0.0.1") }}{{ end }}
{{- toYaml (merge (dict "tcpSocket" $socket) (omit .probe "httpGet")) }}
{{- else }}
{{- $scheme := ternary "HTTPS" ($get.scheme | default "http" | upper) (eq (include "host-exporter.hasTLS" $root) "true") }}
{{- $http := dict "path" ($get.path | default .path) "port" (int (include "host-exporter.port" $root)) "scheme" $scheme }}
{{- with $get.httpHeaders }}{{ $http = merge $http (dict "httpHeaders" .) }}{{ end }}
{{- if $proxied }}{{ $http = merge $http (dict "host" "127.0.0.1") }}{{ end }}
{{- toYaml (merge (dict "httpGet" $http) (omit .probe "httpGet")) }}
{{- end }}
{{- end }}

{{/* The affinity of a pool: that of the values, in each of whose terms the nodes of the pool are selected. */}}
{{- define "host-exporter.affinity" -}}
{{- $affinity := deepCopy .affinity }}
{{- if .expressions }}
{{- $node := $affinity.nodeAffinity | default dict }}
{{- $required := $node.requiredDuringSchedulingIgnoredDuringExecution | default dict }}
{{- $terms := list }}
{{- range $required.nodeSelectorTerms | default (list dict) }}
{{- $terms = append $terms (merge (dict "matchExpressions" (concat (.matchExpressions | default list) $.expressions)) .) }}
{{- end }}
{{- $node = mustMergeOverwrite $node (dict "requiredDuringSchedulingIgnoredDuringExecution" (dict "nodeSelectorTerms" $terms)) }}
{{- $affinity = mustMergeOverwrite $affinity (dict "nodeAffinity" $node) }}
{{- end }}
{{- with $affinity }}{{ toYaml . }}{{ end }}
{{- end }}

{{- define "host-exporter.apiMonitoring" -}}
{{ .apiVersion | default "monitoring.coreos.com/v1" }}
{{- end }}

{{- define "host-exporter.limits" -}}
{{- range $key := list "sampleLimit" "targetLimit" "labelLimit" "labelNameLengthLimit" "labelValueLengthLimit" }}
{{- with index $ $key }}
{{ $key }}: {{ int . }}
{{- end }}
{{- end }}
{{- end }}

{{/* Relabelings. Arguments: root, and those of the values. */}}
{{- define "host-exporter.relabelings" -}}
{{- $all := list }}
{{- if .root.Values.prometheus.instanceIsNode }}
{{- $all = append $all (dict "sourceLabels" (list "__meta_kubernetes_pod_node_name") "regex" "(.+)" "targetLabel" "instance") }}
{{- end }}
{{- with concat $all (.relabelings | default list) }}
relabelings:
  {{- tpl (toYaml .) $.root | nindent 2 }}
{{- end }}
{{- end }}
