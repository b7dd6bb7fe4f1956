package exporter

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func migrateText(t *testing.T, o MigrateOptions, text string) (string, error) {
	t.Helper()
	if text != "" {
		file := filepath.Join(t.TempDir(), "prometheus-node-exporter")
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		o.Files = []string{file}
	}
	o.Flags = []Flag{{Name: "web.listen-address"}, {Name: "collector.disable-defaults", Switch: true}}
	var out strings.Builder
	err := Migrate(&out, o)
	return out.String(), err
}

func TestMigrateToFlags(t *testing.T) {
	have, err := migrateText(t, MigrateOptions{Debian: "auto"},
		`ARGS="--collector.diskstats.ignored-devices=^(ram|loop)\\\\d+$ --no-collector.arp --collector.netdev.device-include=^eth --collector.textfile.directory=/srv"`+"\n")
	want := `# --collector.diskstats.ignored-devices is called --collector.diskstats.device-exclude
--collector.diskstats.device-exclude=^(ram|loop)\d+$
--no-collector.arp
--collector.netdev.device-include=^eth
--collector.textfile.directory=/srv
# a default of Debian's package
--collector.filesystem.mount-points-exclude=^/(dev|proc|run|sys|mnt|media|var/lib/docker/.+|var/lib/containers/storage/.+)($|/)
`
	if err != nil || have != want {
		t.Errorf("have\n%s%v, want\n%s", have, err, want)
	}
}

func TestMigrateToEnvironment(t *testing.T) {
	have, err := migrateText(t, MigrateOptions{Debian: "no", Format: "environment"},
		`ARGS="--collector.diskstats.ignored-devices=^(ram|loop)\\\\d+$ --web.listen-address=:9101 --no-such.flag"`+"\n")
	want := `# --collector.diskstats.device-exclude: --collector.diskstats.ignored-devices is called --collector.diskstats.device-exclude
HOST_EXPORTER_OPTS="\
--collector.diskstats.device-exclude=^(ram|loop)\\\\d+\$ \
--web.listen-address=:9101"
# not migrated: --no-such.flag: host_exporter has no such flag
`
	if err == nil || have != want {
		t.Errorf("have\n%s%v, want\n%s", have, err, want)
	}
}

// TestMigrateToConfig also loads the file that Migrate writes.
func TestMigrateToConfig(t *testing.T) {
	have, err := migrateText(t, MigrateOptions{Debian: "no", Format: "config", Args: []string{
		"--collector.disable-defaults", "--collector.loadavg", "--no-collector.arp", "--web.listen-address=:9101", "--collector.ntp", "--collector.cpu.guest=false", "--no-such.flag",
	}}, "")
	want := `# flag of the command line: --web.listen-address=:9101
# ntp: use the timex collector, and the check chrony of docs/checks for the offset of the time server
disable-defaults: true
collectors:
  cpu:
    guest: false
  arp:
    enabled: false
  loadavg:
    enabled: true
# not migrated: --no-such.flag: host_exporter has no such flag
`
	if err == nil || err.Error() != "1 arguments are not migrated" || have != want {
		t.Errorf("have\n%s%v, want\n%s", have, err, want)
	}
	file := filepath.Join(t.TempDir(), "c.yml")
	if err := os.WriteFile(file, []byte(have), 0o644); err != nil {
		t.Fatal(err)
	}
	e, err := New(Config{File: file, MetricsPath: "/metrics"})
	if err != nil {
		t.Fatal(err)
	}
	if names := strings.Join(e.Names(), ","); names != "loadavg" {
		t.Errorf("the file enables %s", names)
	}
}

func TestCompareDashboards(t *testing.T) {
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	ours := file("ours", `# TYPE node_load1 gauge
node_load1 1
# TYPE node_scrape_collector_duration_seconds gauge
node_scrape_collector_duration_seconds{collector="cpu"} 1
node_scrape_collector_duration_seconds{collector="md"} 1
node_scrape_collector_duration_seconds{collector="mdadm"} 1
# TYPE host_exporter_collector_state gauge
host_exporter_collector_state{collector="hba",reason="no_data"} 1
`)
	rules := file("rules.yml", `groups: [{rules: [
  {alert: A, expr: node_load1 > node_forks_total},
  {alert: B, expr: node_cpu_flag_info + up},
  {alert: C, expr: node_md_state == 1},
  {alert: D, expr: node_nothing_at_all},
  {alert: E, expr: node_hba_info}]}]
`)
	var out strings.Builder
	err := Compare(t.Context(), &out, CompareOptions{Ours: ours, Rules: []string{rules}})
	want := strings.ReplaceAll(`RULES: alert A: no node_forks_total: enable --collector.stat
RULES: alert B: no node_cpu_flag_info: enable --collector.cpu.info
RULES: alert C: no node_md_state: collector mdadm is enabled and has no such data on this host (host_exporter doctor mdadm)
RULES: alert D: no node_nothing_at_all: no collector exports it
RULES: alert E: no node_hba_info: collector hba is enabled and has no such data on this host (host_exporter doctor hba)
`, "RULES", rules)
	if err == nil || err.Error() != "5 differences" || out.String() != want {
		t.Errorf("have\n%s%v, want\n%s", out.String(), err, want)
	}
}
