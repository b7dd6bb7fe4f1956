package exporter

import (
	"context"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/hostexporter/host_exporter/collector"
	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/config"
	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/scrape"
	"github.com/hostexporter/host_exporter/collector/internal/snapshot"
	"github.com/hostexporter/host_exporter/collector/internal/test/golden"
)

// durations are the samples of how long a collector took.
var durations = regexp.MustCompile(`(?m)^(node_scrape_collector_duration_seconds\{.*\}) .*$`)

// replayed returns the text of the collectors on a snapshot.
func replayed(t *testing.T, file string) (*Exporter, string) {
	t.Helper()
	e := newExporter(t, Config{From: file})
	text := e.engine.AppendText(context.Background(), nil, scrape.Request{Units: e.units()})
	return e, string(durations.ReplaceAll(text, []byte("$1")))
}

// write writes an archive to a file.
func write(t *testing.T, a *snapshot.Archive) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "x.host")
	if err := os.WriteFile(file, a.Format(), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// sameText compares two texts of a scrape by lines.
func sameText(t *testing.T, have, want string) {
	t.Helper()
	if have == want {
		return
	}
	lines := func(s string) []string { return slices.Sorted(strings.Lines(s)) }
	a, b := lines(want), lines(have)
	for _, l := range a {
		if _, ok := slices.BinarySearch(b, l); !ok {
			t.Errorf("- %s", l)
		}
	}
	for _, l := range b {
		if _, ok := slices.BinarySearch(a, l); !ok {
			t.Errorf("+ %s", l)
		}
	}
	if !t.Failed() {
		t.Error("the lines are in another order")
	}
}

// TestSnapshotOfThisMachine records this machine with all collectors, and replays it: the
// text is the same, values included.
func TestSnapshotOfThisMachine(t *testing.T) {
	settings := config.New()
	var names []string
	for _, spec := range collector.Catalog() {
		names = append(names, spec.Name)
	}
	if err := settings.Only(collector.Catalog(), names); err != nil {
		t.Fatal(err)
	}
	a, text, err := record(context.Background(), Config{
		Settings: settings, MetricsPath: "/metrics",
		Paths: host.Paths{Procfs: "/proc", Sysfs: "/sys", Rootfs: "/", UdevData: "/run/udev/data"},
	})
	if err != nil {
		t.Fatal(err)
	}
	_, have := replayed(t, write(t, a))
	sameText(t, have, string(durations.ReplaceAll(text, []byte("$1"))))
	if n := strings.Count(have, "\n"); n < 500 {
		t.Errorf("only %d lines", n)
	}
}

// TestSnapshotOfRecordedHost records a host with a SAN, whole and redacted, and has each
// command read it.
func TestSnapshotOfRecordedHost(t *testing.T) {
	h := golden.Load(t, "../../testdata/hosts/san.host", golden.TempDir(t))
	a, text, err := record(context.Background(), Config{MetricsPath: "/metrics", host: h})
	if err != nil {
		t.Fatal(err)
	}
	file := write(t, a)
	e, have := replayed(t, file)
	sameText(t, have, string(durations.ReplaceAll(text, []byte("$1"))))

	var doctor, san, tree strings.Builder
	_ = e.Doctor(context.Background(), &doctor, DoctorOptions{}) // the host has problems
	for _, want := range []string{"snapshot " + file, "hba ", "kinds of files exist"} {
		if !strings.Contains(doctor.String(), want) {
			t.Errorf("doctor lacks %q:\n%s", want, doctor.String())
		}
	}
	if err := e.SAN(context.Background(), &tree, SANOptions{ASCII: true}); err != nil || strings.Count(tree.String(), "\n") < 20 {
		t.Errorf("san: %v:\n%s", err, tree.String())
	}
	if err := snapshot.Redact(a); err != nil {
		t.Fatal(err)
	}
	redacted := newExporter(t, Config{From: write(t, a)})
	if err := redacted.SAN(context.Background(), &san, SANOptions{ASCII: true}); err != nil || strings.Count(san.String(), "\n") != strings.Count(tree.String(), "\n") {
		t.Errorf("san of what is redacted: %v, %d lines", err, strings.Count(san.String(), "\n"))
	}
	var health strings.Builder
	if err := e.Health(context.Background(), &health, HealthOptions{Format: "text"}); err == nil || !strings.Contains(health.String(), "warning: fc-no-targets") {
		t.Errorf("health: %v\n%s", err, health.String())
	}
}

// TestMovedSnapshot makes a golden case of a snapshot by its name alone.
func TestMovedSnapshot(t *testing.T) {
	live := golden.Load(t, "../../testdata/hosts/san.host", golden.TempDir(t))
	b, _, err := Snapshot(context.Background(), Config{MetricsPath: "/metrics", host: live}, SnapshotOptions{Compress: true})
	if err != nil {
		t.Fatal(err)
	}
	spec, err := config.Find(collector.Catalog(), "loadavg")
	if err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile("../../testdata/hosts/san.prom")
	if err != nil {
		t.Fatal(err)
	}
	var prom strings.Builder
	for line := range strings.Lines(string(want)) {
		if strings.Contains(line, "node_load") {
			prom.WriteString(line)
		}
	}
	dir := t.TempDir()
	for name, content := range map[string]string{"loadavg.host": string(b), "loadavg.prom": prom.String() + "# state: ok\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	golden.Run(t, dir, []collect.Spec{spec})
}

// TestBrokenSnapshots checks that errors name the file and the entry.
func TestBrokenSnapshots(t *testing.T) {
	dir := t.TempDir()
	whole := "A host.\nends with = -- end --\n-- proc/loadavg --\n1 2 3 4/5 6\n-- end --\n"
	for name, c := range map[string]struct{ text, want string }{
		"cut-off":     {strings.TrimSuffix(whole, "-- end --\n"), "the file is cut off after proc/loadavg"},
		"upward":      {"A host.\n-- proc/../../etc/passwd --\nx\n", `entry "proc/../../etc/passwd": want a path below the root`},
		"absolute":    {"A host.\n-- /etc/passwd --\nx\n", `entry "/etc/passwd": want a path below the root`},
		"bad-setting": {"A host.\nclock = noon\n-- proc/loadavg --\n", "clock: "},
		"bad-escape":  {"A host.\n-- proc/loadavg escaped --\n\\z\n", "proc/loadavg: "},
		"after-end":   {whole + "more\n", "want nothing after"},
		"cut-off.gz":  {"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\x01", "the file is cut off"},
	} {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := New(Config{From: file})
		if err == nil || !strings.Contains(err.Error(), file) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %s", name, err, c.want)
		}
	}
	if _, err := New(Config{From: filepath.Join(dir, "absent")}); err == nil || !strings.Contains(err.Error(), "absent") {
		t.Errorf("an absent file: %v", err)
	}
}

// TestHostileSnapshot reads a snapshot whose links and names lead out of the tree: nothing
// of this machine is in the answer.
func TestHostileSnapshot(t *testing.T) {
	secret := filepath.Join(t.TempDir(), "os-release")
	if err := os.WriteFile(secret, []byte("NAME=stolen\nVERSION_ID=1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	up := strings.Repeat("../", 20)
	file := filepath.Join(t.TempDir(), "hostile.host")
	text := "A host.\ncollectors = os loadavg netclass\n-- etc/os-release -> " + up[:len(up)-1] + secret + " --\n" +
		"-- proc/loadavg -> " + secret + " --\n-- sys/class/net/eth0 -> " + up + "../sys/class/net/lo --\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	e, have := replayed(t, file)
	if strings.Contains(have, "stolen") || strings.Contains(have, `device="lo"`) || strings.Contains(have, "node_load1") {
		t.Errorf("%s", have)
	}
	if names := e.Names(); len(names) != 3 {
		t.Errorf("enabled: %v", names)
	}
}
