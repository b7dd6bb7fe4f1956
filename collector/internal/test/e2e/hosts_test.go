package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hostexporter/host_exporter/collector/internal/tool/mixin"
)

// recordedHosts are the golden cases that have what this machine may lack, with the
// collectors to run on them.
func recordedHosts() map[string][]string {
	return map[string][]string{
		"hardware/edac":     {"edac"},
		"hardware/hwmon":    {"hwmon"},
		"kernel/os.fedora":  {"os"},
		"kernel/pressure":   {"pressure", "meminfo"}, // whose meminfo is no meminfo, so that it fails
		"network/bonding":   {"bonding"},
		"network/conntrack": {"conntrack"},
		"network/netclass":  {"netclass"},
		"storage/btrfs":     {"btrfs"},
		"storage/mdadm":     {"mdadm"},
		"storage/zfs":       {"zfs"},
	}
}

// TestEndToEndHosts scrapes this machine and recorded hosts with a real Prometheus. Each
// query of the dashboards of hosts has to find something.
func TestEndToEndHosts(t *testing.T) {
	parallelUnlessShort(t)
	prometheus := program(t, "prometheus")
	binary := build(t)
	dir := t.TempDir()
	textfiles, config := filepath.Join(dir, "textfile"), filepath.Join(dir, "host_exporter.yml")
	if err := os.Mkdir(textfiles, 0o755); err != nil {
		t.Fatal(err)
	}
	for file, text := range map[string]string{
		filepath.Join(textfiles, "a.prom"): "a 1\n",
		filepath.Join(dir, "firing.yml"):   "groups: [{name: test, rules: [{alert: Firing, expr: up == 1}]}]\n",
		config:                             "checks:\n  works:\n    command: [/bin/echo, '1']\n    interval: 5s\n    format: number\n    metric: works_value\nexpect:\n  unmet:\n    expect: node_load1 < 0\n",
	} {
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	var targets []string
	serve := func(instance string, flags ...string) {
		address := freeAddress(t)
		run(t, binary, append([]string{"--web.listen-address=" + address}, flags...)...)
		get(t, "http://"+address+"/metrics")
		targets = append(targets, fmt.Sprintf("{targets: [%q], labels: {instance: %q}}", address, instance))
	}
	serve("live", "--checks.user=", "--collector.textfile.directory="+textfiles, "--config.file="+config)
	for name, collectors := range recordedHosts() {
		x := newTree(t, testdata+name+".host")
		flags := []string{"--collector.disable-defaults", "--path.procfs=" + x.root + "/proc", "--path.sysfs=" + x.root + "/sys", "--path.rootfs=" + x.root}
		for _, c := range collectors {
			flags = append(flags, "--collector."+c)
		}
		replace(t, x.root+"/proc/version", "Linux version 6.18.0\n") // an empty procfs is refused
		if slices.Contains(collectors, "meminfo") {
			replace(t, x.root+"/proc/meminfo", "no meminfo\n")
		}
		serve(strings.ReplaceAll(name, "/", "-"), flags...)
	}
	p := scrapeAll(t, prometheus, targets, filepath.Join(dir, "firing.yml"))
	var open []mixin.Query
	for _, name := range []string{"host", "host-fleet", "host-disks", "host-network", "host-exporter"} {
		d, err := mixin.LoadDashboard(docs + "dashboards/" + name + ".json")
		if err != nil {
			t.Fatal(err)
		}
		open = append(open, d.Queries()...)
	}
	all := len(open)
	found := map[string]int{} // series by dashboard
	eventually(2*time.Minute, func() bool {
		open = slices.DeleteFunc(open, func(q mixin.Query) bool {
			n, err := p.query(concrete(q.Expr))
			if err != nil {
				t.Errorf("%s: %v\n%s", q.Where, err, q.Expr)
			}
			board, _, _ := strings.Cut(q.Where, ",")
			found[board] += n
			return n > 0 || err != nil
		})
		return len(open) <= 1
	})
	for _, q := range open {
		if strings.Contains(q.Expr, "node_btrfs_device_errors_total") {
			t.Logf("%s finds nothing: needs a mounted btrfs", q.Where)
			continue
		}
		t.Errorf("%s finds nothing:\n%s", q.Where, q.Expr)
	}
	t.Logf("%d of %d queries found something, series by dashboard: %v", all-len(open), all, found)
}
