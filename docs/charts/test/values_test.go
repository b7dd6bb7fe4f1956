package chart

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	monitoring "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	apps "k8s.io/api/apps/v1"
	core "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"
)

// renderText renders the chart for values as a text.
func renderText(t *testing.T, values string) (string, error) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "values.yaml")
	if err := os.WriteFile(file, []byte(values), 0o644); err != nil {
		t.Fatal(err)
	}
	return tryRender(file)
}

// defaultSet returns the first DaemonSet for values as a text.
func defaultSet(t *testing.T, values string) *apps.DaemonSet {
	t.Helper()
	text, err := renderText(t, values)
	if err != nil {
		t.Fatal(err)
	}
	return decode(t, text).daemonSets()[0]
}

// TestCommunityKeys checks that the chart knows each key of the values of a user of the
// community's chart. Helm ignores others without a word.
func TestCommunityKeys(t *testing.T) {
	read := func(file string) map[string]any {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var values map[string]any
		if err := yaml.Unmarshal(text, &values); err != nil {
			t.Fatal(err)
		}
		return values
	}
	withoutEffect := []string{"rbac.pspEnabled", "rbac.pspAnnotations", "version"} // Kubernetes has no such policies any more
	var compare func(path string, user, own map[string]any)
	compare = func(path string, user, own map[string]any) {
		for key, value := range user {
			at := strings.TrimPrefix(path+"."+key, ".")
			have, ok := own[key]
			if !ok && !slices.Contains(withoutEffect, at) {
				t.Errorf("values.yaml has no %s", at)
			}
			users, isMap := value.(map[string]any)
			if owns, ok := have.(map[string]any); ok && isMap && len(owns) > 0 {
				compare(at, users, owns)
			}
		}
	}
	own := read(chartDir + "/values.yaml")
	user := read("testdata/community.values.yaml")
	for _, free := range []string{"env", "podLabels", "commonLabels", "podAnnotations"} { // the user's own keys
		delete(user, free)
	}
	compare("", user, own)
}

// TestExplicitArguments checks that an argument of the user takes precedence over that of
// the chart: host_exporter refuses most flags if they come twice.
func TestExplicitArguments(t *testing.T) {
	for _, c := range []struct{ values, want, unwanted string }{
		{"{}", "--collector.filesystem.mount-points-exclude=", "--no-collector.filesystem"},
		{"excludePodMounts: false", "--path.rootfs=/host/root", "mount-points-exclude"},
		{"extraArgs: ['--collector.filesystem.mount-points-exclude=^/x$']", "--collector.filesystem.mount-points-exclude=^/x$", "mount-points-exclude=^/("},
		{"extraArgs: ['--collector.filesystem.mount-points-include=^/$']", "--collector.filesystem.mount-points-include=^/$", "mount-points-exclude"},
		{"config: {collectors: {filesystem: {mount-points-include: ^/$}}}", "--config.file=", "mount-points-exclude"},
		{"config: {collectors: {filesystem: false}}", "--config.file=", "--no-collector"},
		{"extraArgs: [--path.procfs=/proc]", "--path.procfs=/proc", "--path.procfs=/host/proc"},
		{"{extraArgs: [--collector.filesystem], hostRootFsMount: {enabled: false}}", "--collector.filesystem", "--no-collector.filesystem"},
		{"{hostRootFsMount: {enabled: false}}", "--no-collector.filesystem", "mount-points-exclude"},
	} {
		set := defaultSet(t, c.values)
		args := strings.Join(exporterOf(set).Args, "\n")
		if !strings.Contains(args, c.want) || strings.Contains(args, c.unwanted) {
			t.Errorf("%s: want %s and not %s, have\n%s", c.values, c.want, c.unwanted, args)
		}
		checkArguments(t, set, objects{})
	}
}

// TestMountPoints checks that the chart excludes all mount points that the collector
// excludes by default, and those of pods.
func TestMountPoints(t *testing.T) {
	reference, err := os.ReadFile(root + "docs/host_exporter.yml")
	if err != nil {
		t.Fatal(err)
	}
	alternatives := func(text string) []string {
		m := regexp.MustCompile(`mount-points-exclude[:=] ?'?\^/\((.*)\)\(\$\|/\)`).FindStringSubmatch(text)
		if m == nil {
			t.Fatalf("no mount-points-exclude in %.100q", text)
		}
		return strings.Split(strings.ReplaceAll(m[1], "(k3s/)?", ""), "|")
	}
	have := alternatives(strings.Join(exporterOf(defaultSet(t, "{}")).Args, "\n"))
	for _, want := range append(alternatives(string(reference)), "var/lib/kubelet/pods/.+", "run/containerd/.+") {
		if !slices.Contains(have, want) {
			t.Errorf("does not exclude %s", want)
		}
	}
}

// TestPoolsPartition checks that each node has exactly one pod, whatever its labels.
func TestPoolsPartition(t *testing.T) {
	text := render(t, "testdata/pools.values.yaml")
	sets := decode(t, text).daemonSets()
	for _, pool := range []string{"", "storage", "database", "other"} {
		for _, place := range []string{"", "edge", "other"} {
			labels := map[string]string{"example.com/pool": pool, "example.com/place": place}
			var pods []string
			for _, set := range sets {
				if selects(set, labels) {
					pods = append(pods, set.Name)
				}
			}
			want := "host-exporter"
			if pool == "storage" || pool == "database" {
				want = "host-exporter-san"
			} else if place == "edge" {
				want = "host-exporter-edge"
			}
			if !slices.Equal(pods, []string{want}) {
				t.Errorf("pool %q, place %q: %v, want %s", pool, place, pods, want)
			}
		}
	}
}

// selects evaluates the first term of the node affinity. A label without a value stands
// for none.
func selects(set *apps.DaemonSet, labels map[string]string) bool {
	terms := set.Spec.Template.Spec.Affinity.NodeAffinity.RequiredDuringSchedulingIgnoredDuringExecution.NodeSelectorTerms
	for _, e := range terms[0].MatchExpressions {
		in := labels[e.Key] != "" && slices.Contains(e.Values, labels[e.Key])
		if in != (e.Operator == core.NodeSelectorOpIn) {
			return false
		}
	}
	return true
}

// TestChecksum checks that pods are replaced when their configuration changes, and only
// then.
func TestChecksum(t *testing.T) {
	checksum := func(values string) string {
		return defaultSet(t, values).Spec.Template.Annotations["checksum/config"]
	}
	base := checksum("config: {max-series: 1}")
	if base == "" || base == checksum("config: {max-series: 2}") {
		t.Errorf("checksum %q does not depend on the configuration", base)
	}
	if have := checksum("{config: {max-series: 1}, commonLabels: {team: sre}}"); have != base {
		t.Error("the checksum depends on labels")
	}
	if have := checksum("{config: {max-series: 1}, configReloader: {enabled: true}}"); have != "" {
		t.Error("a pod that reloads its configuration has a checksum")
	}
}

// TestNumbers checks that large numbers keep their form on the way to the file.
func TestNumbers(t *testing.T) {
	text, err := renderText(t, "{config: {collectors: {textfile: {max-bytes: 123456789}}}, configPerNode: [{name: a, label: l, values: [v], config: {max-series: 10000000}}]}")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"max-bytes: 123456789\n", "max-series: 10000000\n"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
}

// TestRefused checks that values that could not work are errors, which name the key.
func TestRefused(t *testing.T) {
	for _, c := range []struct{ values, want string }{
		{"{config: {max-series: 1}, configReloader: {enabled: true}, webConfig: {basic_auth_users: {a: b}}}", "configReloader"},
		{"configPerNode: [{name: san}]", "configPerNode"},
		{"configPerNode: [{name: default, label: l, values: [v]}]", "configPerNode"},
		{"collectorsMounts: {mutlipathd: true}", "mutlipathd"},
		{"extraArgs: [collector.systemd]", "extraArgs"},
		{"configFiles: {conf.d/san.yml: ''}", "conf.d/san.yml"},
		{"config: [1]", "config"},
	} {
		if _, err := renderText(t, c.values); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: want an error with %s, have %v", c.values, c.want, err)
		}
	}
}

// TestRulesAndDashboards checks that the rules are those of docs/mixin without disabled
// alerts, and each dashboard is that of docs/dashboards.
func TestRulesAndDashboards(t *testing.T) {
	all := decode(t, render(t, "testdata/monitoring.values.yaml"))
	text, err := os.ReadFile(root + "docs/mixin/all.yml")
	if err != nil {
		t.Fatal(err)
	}
	var want monitoring.PrometheusRuleSpec
	if err := yaml.UnmarshalStrict(text, &want); err != nil {
		t.Fatal(err)
	}
	names := func(spec monitoring.PrometheusRuleSpec) []string {
		var names []string
		for _, g := range spec.Groups {
			for _, r := range g.Rules {
				if r.Alert != "NodeCPUHighUsage" {
					duration := ""
					if r.For != nil {
						duration = string(*r.For)
					}
					names = append(names, fmt.Sprint(g.Name, r.Alert, r.Record, duration, r.Labels, r.Annotations, r.Expr))
				}
			}
		}
		return names
	}
	have := all["PrometheusRule/host-exporter"].(*monitoring.PrometheusRule).Spec
	if !slices.Equal(names(have), names(want)) {
		t.Errorf("the rules are not those of all.yml: %d, want %d", len(names(have)), len(names(want)))
	}
	rendered, err := yaml.Marshal(have)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(rendered), "alert: NodeCPUHighUsage\n") {
		t.Error("a disabled alert is rendered")
	}
	files, err := filepath.Glob(root + "docs/dashboards/*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("no dashboards: %v", err)
	}
	for _, file := range files {
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		base := filepath.Base(file)
		m, ok := all["ConfigMap/host-exporter-"+strings.TrimSuffix(base, ".json")].(*core.ConfigMap)
		if !ok || m.Data[base] != string(want) {
			t.Errorf("%s: the ConfigMap differs", base)
		}
	}
}
