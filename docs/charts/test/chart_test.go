// Package chart tests the Helm chart without a cluster: what it renders is decoded
// strictly into the types of the API, its arguments are those that host_exporter accepts,
// and its pod runs as a process. It is a module of its own, so that the libraries of Helm
// and Kubernetes are none of the product's.
package chart

import (
	"bytes"
	"flag"
	"fmt"
	"io"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	monitoring "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	"helm.sh/helm/v3/pkg/chart/loader"
	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/cli/values"
	"helm.sh/helm/v3/pkg/engine"
	"helm.sh/helm/v3/pkg/getter"
	apps "k8s.io/api/apps/v1"
	core "k8s.io/api/core/v1"
	networking "k8s.io/api/networking/v1"
	rbac "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/util/yaml"
	strict "sigs.k8s.io/yaml"
)

const (
	chartDir = "../host-exporter"
	root     = "../../../"
)

var update = flag.Bool("update", false, "write the golden files")

// render returns the manifests that helm template prints for a file of values, in order
// of their names; an empty name is that of no file.
func render(t *testing.T, valuesFile string) string {
	t.Helper()
	text, err := tryRender(valuesFile)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func tryRender(valuesFile string) (string, error) {
	chart, err := loader.LoadDir(chartDir)
	if err != nil {
		return "", err
	}
	var options values.Options
	if valuesFile != "" {
		options.ValueFiles = []string{valuesFile}
	}
	given, err := options.MergeValues(getter.Providers{})
	if err != nil {
		return "", err
	}
	release := chartutil.ReleaseOptions{Name: "host-exporter", Namespace: "monitoring", Revision: 1, IsInstall: true}
	all, err := chartutil.ToRenderValues(chart, given, release, chartutil.DefaultCapabilities)
	if err != nil {
		return "", err
	}
	files, err := engine.Render(chart, all)
	if err != nil {
		return "", err
	}
	var names []string
	for name := range files {
		if strings.HasSuffix(name, ".yaml") && strings.TrimSpace(files[name]) != "" {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	var b strings.Builder
	for _, name := range names {
		text := strings.TrimPrefix(strings.TrimSpace(files[name]), "---\n")
		fmt.Fprintf(&b, "---\n# Source: %s\n%s\n", name, text)
	}
	return b.String(), nil
}

// Objects are the manifests by kind and name, such as DaemonSet/host-exporter.
type objects map[string]any

// decode decodes each manifest into the type of the API that it names. A field that the
// type does not have is an error.
func decode(t *testing.T, manifests string) objects {
	t.Helper()
	kinds := map[string]func() any{
		"apps/v1 DaemonSet":                  func() any { return new(apps.DaemonSet) },
		"v1 ConfigMap":                       func() any { return new(core.ConfigMap) },
		"v1 Secret":                          func() any { return new(core.Secret) },
		"v1 Service":                         func() any { return new(core.Service) },
		"v1 ServiceAccount":                  func() any { return new(core.ServiceAccount) },
		"v1 Endpoints":                       func() any { return new(core.Endpoints) },
		"networking.k8s.io/v1 NetworkPolicy": func() any { return new(networking.NetworkPolicy) },
		"rbac.authorization.k8s.io/v1 ClusterRole":        func() any { return new(rbac.ClusterRole) },
		"rbac.authorization.k8s.io/v1 ClusterRoleBinding": func() any { return new(rbac.ClusterRoleBinding) },
		"monitoring.coreos.com/v1 ServiceMonitor":         func() any { return new(monitoring.ServiceMonitor) },
		"monitoring.coreos.com/v1 PodMonitor":             func() any { return new(monitoring.PodMonitor) },
		"monitoring.coreos.com/v1 PrometheusRule":         func() any { return new(monitoring.PrometheusRule) },
		"autoscaling.k8s.io/v1 VerticalPodAutoscaler":     func() any { return new(map[string]any) },
	}
	all := objects{}
	for _, document := range strings.Split("\n"+manifests, "\n---\n") {
		if strings.TrimSpace(document) == "" {
			continue
		}
		var head struct {
			APIVersion, Kind string
			Metadata         struct{ Name, Namespace string }
		}
		if err := yaml.Unmarshal([]byte(document), &head); err != nil {
			t.Fatalf("%v\n%s", err, document)
		}
		newObject := kinds[head.APIVersion+" "+head.Kind]
		if newObject == nil {
			t.Fatalf("no type for %s %s", head.APIVersion, head.Kind)
		}
		object := newObject()
		if err := strict.UnmarshalStrict([]byte(document), object); err != nil {
			t.Fatalf("%s %s: %v\n%s", head.Kind, head.Metadata.Name, err, document)
		}
		key := head.Kind + "/" + head.Metadata.Name
		if all[key] != nil {
			t.Errorf("%s: twice", key)
		}
		all[key] = object
	}
	return all
}

// daemonSets returns all DaemonSets, in the order of their names.
func (o objects) daemonSets() []*apps.DaemonSet {
	var names []string
	for key := range o {
		if strings.HasPrefix(key, "DaemonSet/") {
			names = append(names, key)
		}
	}
	slices.Sort(names)
	var all []*apps.DaemonSet
	for _, name := range names {
		all = append(all, o[name].(*apps.DaemonSet))
	}
	return all
}

// binary builds host_exporter, once.
var binary = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "chart")
	if err != nil {
		return "", err
	}
	file := filepath.Join(dir, "host_exporter")
	build := exec.Command("go", "build", "-o", file, ".")
	build.Dir = root
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build: %v\n%s", err, out)
	}
	return file, nil
})

func hostExporter(t *testing.T) string {
	t.Helper()
	file, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	return file
}

// TestMain runs the pod where the test of the pod asks for it, and removes the binary.
func TestMain(m *testing.M) {
	if file := os.Getenv(podVariable); file != "" {
		fmt.Fprintln(os.Stderr, becomePod(file))
		os.Exit(1)
	}
	log.SetOutput(io.Discard) // Helm logs each link of the chart
	code := m.Run()
	if file, err := binary(); err == nil {
		_ = os.RemoveAll(filepath.Dir(file)) // a temporary directory
	}
	os.Exit(code)
}

// TestRender compares what the chart renders for each file of values with its golden
// file, and checks each DaemonSet and its configuration.
func TestRender(t *testing.T) {
	cases, err := filepath.Glob("testdata/*.values.yaml")
	if err != nil || len(cases) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	for _, file := range cases {
		name := strings.TrimSuffix(filepath.Base(file), ".values.yaml")
		t.Run(name, func(t *testing.T) {
			text := render(t, file)
			golden(t, "testdata/"+name+".golden.yaml", withoutFiles(text))
			all := decode(t, text)
			for _, set := range all.daemonSets() {
				checkPod(t, set)
				checkArguments(t, set, all)
			}
		})
	}
}

// withoutFiles leaves out the texts of rules and dashboards, which have their own tests.
func withoutFiles(manifests string) string {
	var kept []string
	for _, document := range strings.SplitAfter(manifests, "\n---\n") {
		if strings.Contains(document, "templates/dashboards.yaml") || strings.Contains(document, "kind: PrometheusRule") ||
			strings.Contains(document, "grafana_dashboard") {
			for _, cut := range []string{"\ndata:", "\nspec:"} {
				if i := strings.Index(document, cut); i >= 0 {
					document = document[:i] + cut + " # left out\n---\n"
				}
			}
		}
		kept = append(kept, document)
	}
	return strings.Join(kept, "")
}

func golden(t *testing.T, file, have string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(have), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if string(want) != have {
		t.Errorf("%s is not current: run go test . -update and read the difference\n%s", file, firstDifference(string(want), have))
	}
}

func firstDifference(want, have string) string {
	wants, haves := strings.Split(want, "\n"), strings.Split(have, "\n")
	for i := range min(len(wants), len(haves)) {
		if wants[i] != haves[i] {
			return fmt.Sprintf("line %d: want %q, have %q", i+1, wants[i], haves[i])
		}
	}
	return fmt.Sprintf("want %d lines, have %d", len(wants), len(haves))
}

// checkPod checks what the API server would refuse although it decodes, and what must be
// true of each pod of the chart.
func checkPod(t *testing.T, set *apps.DaemonSet) {
	t.Helper()
	labels := set.Spec.Template.Labels
	for key, value := range set.Spec.Selector.MatchLabels {
		if labels[key] != value {
			t.Errorf("%s: its selector has %s=%s, which its pods do not have", set.Name, key, value)
		}
	}
	pod := set.Spec.Template.Spec
	volumes := map[string]bool{}
	for _, v := range pod.Volumes {
		if volumes[v.Name] {
			t.Errorf("%s: volume %s twice", set.Name, v.Name)
		}
		volumes[v.Name] = true
	}
	ports := map[int32]bool{}
	for _, c := range pod.Containers {
		paths := map[string]bool{}
		for _, m := range c.VolumeMounts {
			if !volumes[m.Name] {
				t.Errorf("%s: %s mounts %s, which is no volume", set.Name, c.Name, m.Name)
			}
			if paths[m.MountPath] {
				t.Errorf("%s: %s has two mounts at %s", set.Name, c.Name, m.MountPath)
			}
			paths[m.MountPath] = true
			if strings.HasPrefix(m.MountPath, "/host/") && !m.ReadOnly {
				t.Errorf("%s: %s is mounted writable", set.Name, m.MountPath)
			}
		}
		for _, p := range c.Ports {
			if ports[p.ContainerPort] {
				t.Errorf("%s: port %d twice", set.Name, p.ContainerPort)
			}
			ports[p.ContainerPort] = true
		}
		security := c.SecurityContext
		if security == nil || security.AllowPrivilegeEscalation == nil || *security.AllowPrivilegeEscalation {
			continue
		}
		if security.Privileged != nil && *security.Privileged {
			t.Errorf("%s: %s is privileged, and allowPrivilegeEscalation is false", set.Name, c.Name)
		}
		if security.Capabilities != nil && slices.Contains(security.Capabilities.Add, "SYS_ADMIN") {
			t.Errorf("%s: %s has SYS_ADMIN, and allowPrivilegeEscalation is false", set.Name, c.Name)
		}
	}
}

// exporterOf returns the container of the exporter.
func exporterOf(set *apps.DaemonSet) core.Container {
	containers := set.Spec.Template.Spec.Containers
	i := slices.IndexFunc(containers, func(c core.Container) bool { return c.Name == "host-exporter" })
	return containers[i]
}

// checkArguments has check-config read the arguments with the configuration of the pod.
func checkArguments(t *testing.T, set *apps.DaemonSet, all objects) {
	t.Helper()
	dir := t.TempDir()
	file := filepath.Join(dir, "host_exporter.yml")
	if err := os.WriteFile(file, []byte("{}\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, v := range set.Spec.Template.Spec.Volumes {
		if v.Name != "config" {
			continue
		}
		m, ok := all["ConfigMap/"+v.ConfigMap.Name].(*core.ConfigMap)
		if !ok {
			continue // one that the operator made
		}
		for name, text := range m.Data {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	var args []string
	for _, arg := range exporterOf(set).Args {
		arg = strings.ReplaceAll(arg, "$(HOST_IP)", "127.0.0.1")
		if !strings.HasPrefix(arg, "--config.file=") {
			args = append(args, arg)
		}
	}
	out, err := exec.Command(hostExporter(t), append(args, "check-config", file)...).CombinedOutput()
	if err != nil {
		t.Errorf("%s: check-config: %v\n%s\narguments: %q", set.Name, err, out, args)
	}
}

// TestPlain compares the DaemonSet for those without Helm with the chart.
func TestPlain(t *testing.T) {
	text := "# host_exporter on each node, for those without Helm: kubectl apply -f daemonset.yaml.\n" +
		"# Rendered from the chart by go test . -update in test/. Do not edit.\n" +
		"---\napiVersion: v1\nkind: Namespace\nmetadata:\n  name: monitoring\n" + render(t, "")
	text = regexp.MustCompile(`(?m)^ *(# Source: .*|helm\.sh/chart: .*|app\.kubernetes\.io/managed-by: .*)\n`).ReplaceAllString(text, "")
	golden(t, "../daemonset.yaml", text)
}

// TestVersion compares the versions of the chart with that of the product.
func TestVersion(t *testing.T) {
	version, err := os.ReadFile(root + "VERSION")
	if err != nil {
		t.Fatal(err)
	}
	chart, err := loader.LoadDir(chartDir)
	if err != nil {
		t.Fatal(err)
	}
	want := strings.TrimSpace(string(version))
	if chart.Metadata.Version != want || chart.Metadata.AppVersion != want {
		t.Errorf("version %s, appVersion %s: want %s for both", chart.Metadata.Version, chart.Metadata.AppVersion, want)
	}
}

// TestFiles checks that the chart has the rules and dashboards of docs/, which are links.
func TestFiles(t *testing.T) {
	chart, err := loader.LoadDir(chartDir)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"files/rules.yml": root + "docs/mixin/all.yml"}
	dashboards, err := filepath.Glob(root + "docs/dashboards/*.json")
	if err != nil || len(dashboards) == 0 {
		t.Fatalf("no dashboards: %v", err)
	}
	for _, file := range dashboards {
		want["files/dashboards/"+filepath.Base(file)] = file
	}
	for _, have := range chart.Files {
		if !strings.HasPrefix(have.Name, "files/") {
			continue
		}
		text, err := os.ReadFile(want[have.Name])
		if err != nil || !bytes.Equal(text, have.Data) {
			t.Errorf("%s is not %s: %v", have.Name, want[have.Name], err)
		}
		delete(want, have.Name)
	}
	for name := range want {
		t.Errorf("the chart has no %s", name)
	}
}
