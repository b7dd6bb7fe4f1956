package exporter

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/test/golden"
)

// explained returns the doctor's report on metrics of a recorded host, with some flags.
func explained(t *testing.T, file string, flags map[string]string, metrics ...string) string {
	t.Helper()
	root := t.TempDir()
	return explainedOn(t, golden.Load(t, "../../testdata/"+file+".host", root), root, flags, metrics...)
}

// explainedOn is explained for a host whose files are below a root.
func explainedOn(t *testing.T, h *host.Host, root string, flags map[string]string, metrics ...string) string {
	t.Helper()
	settings, all := NewSettings()
	for _, f := range all {
		if v, ok := flags[f.Name]; ok {
			if err := f.Set(v); err != nil {
				t.Fatal(err)
			}
		}
	}
	c := Config{MetricsPath: "/metrics", Settings: settings, ProcessMetrics: true, host: h}
	c.Paths = host.Paths{Procfs: filepath.Join(root, "proc"), Sysfs: filepath.Join(root, "sys"), Rootfs: root, UdevData: filepath.Join(root, "run/udev/data")}
	e, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	err = e.Doctor(t.Context(), &out, DoctorOptions{Names: metrics})
	if missing := strings.Contains(out.String(), ": missing\n"); missing != (err != nil) {
		t.Errorf("%q: error %v, report\n%s", metrics, err, &out)
	}
	return out.String()
}

// TestExplain has a metric for each reason why one can be missing.
func TestExplain(t *testing.T) {
	for _, tc := range []struct {
		file, metric string
		flags        map[string]string
		want         []string
	}{
		{"kernel/loadavg", "node_load1", nil, []string{"node_load1: present, 1 series", "from: the collector loadavg", "    node_load1 0.2"}},
		{"kernel/loadavg", `node_load1{a="b"}`, nil, []string{"node_load1: present"}},
		{"kernel/loadavg", "node_load2", nil, []string{"no collector has a metric of this name, do you mean node_load1?"}},
		{"kernel/loadavg", "node_md_disks", nil, []string{"whose last run was: no data", "/proc/mdstat: no such file", "fix:  it takes the module md_mod"}},
		{"kernel/loadavg", "node_ksmd_run", nil, []string{"the collector ksmd is disabled", "fix:  --collector.ksmd,"}},
		{"kernel/loadavg", "node_load1", map[string]string{"collector.loadavg": "false"}, []string{"the collector loadavg is disabled", "fix:  --collector.loadavg,"}},
		{"kernel/loadavg", "node_cpu", nil, []string{"renamed in node_exporter 0.16", "query node_cpu_seconds_total"}},
		{"kernel/loadavg", "node_memory_MemTotal", nil, []string{"query node_memory_MemTotal_bytes"}},
		{"kernel/loadavg", "node_ntp_stratum", nil, []string{"does not have the collector ntp", "fix:  use the timex collector"}},
		{"kernel/loadavg", "up", nil, []string{"Prometheus writes it"}},
		{"kernel/loadavg", "host_check_up", nil, []string{"declare checks in the configuration file"}},
		{"kernel/loadavg", "go_goroutines", nil, []string{"go_goroutines: present"}},
		{"memory/meminfo", "node_memory_Nonsense_bytes", nil, []string{"names of the collector meminfo come from the kernel"}},
		{"network/netdev", "node_network_address_info", nil, []string{"perhaps --collector.netdev.address-info, which is off"}},
		{"network/netdev", "node_network_receive_bytes_total", map[string]string{"collector.max-series": "netdev=1"}, []string{"series were dropped: the collector has more than the maximum of 1", "--collector.max-series=netdev=N"}},
	} {
		have := explained(t, tc.file, tc.flags, tc.metric)
		for _, want := range tc.want {
			if !strings.Contains(have, want) {
				t.Errorf("%s %v: want %q in\n%s", tc.metric, tc.flags, want, have)
			}
		}
	}
}

// TestExplainUnreadable has a file that exists and cannot be read.
func TestExplainUnreadable(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Skip("root can read every file")
	}
	root := t.TempDir()
	h := golden.Load(t, "../../testdata/memory/slabinfo.host", root)
	if err := os.Chmod(filepath.Join(root, "proc/slabinfo"), 0); err != nil {
		t.Fatal(err)
	}
	have := explainedOn(t, h, root, nil, "node_slabinfo_active_objects")
	if !strings.Contains(have, "cannot be read (mode 0") {
		t.Errorf("have\n%s", have)
	}
}

func TestKernelNote(t *testing.T) {
	for _, tc := range []struct{ help, release, want string }{
		{"Kernel stacks, since Linux 4.8.", "4.4.0-generic", "kernels since Linux 4.8 have it, this one is 4.4.0-generic"},
		{"Kernel stacks, since Linux 4.8.", "6.1.0", ""},
		{"As kernels before Linux 4.5 count.", "6.1.0", "kernels before Linux 4.5 have it, this one is 6.1.0"},
		{"As kernels before Linux 4.5 count.", "4.4", ""},
		{"Kernel stacks.", "4.4", ""},
	} {
		if have := kernelNote(tc.help, tc.release); have != tc.want {
			t.Errorf("%s on %s: have %q", tc.help, tc.release, have)
		}
	}
}

// TestCatalog checks that the pages of metrics have the families of the collectors.
func TestCatalog(t *testing.T) {
	names := map[string]bool{}
	for _, name := range MetricNames() {
		names[name] = true
	}
	for _, name := range []string{"node_load1", "node_memory_MemTotal_bytes", "node_hba_fc_port_state", "host_check_up"} {
		if !names[name] {
			t.Errorf("there is no %s", name)
		}
	}
	for old, current := range oldNames() {
		if !names[current] {
			t.Errorf("%s: there is no %s", old, current)
		}
	}
}
