package exporter

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/hostexporter/host_exporter/collector/internal/test/golden"
)

// FuzzConfiguration loads a configuration file with all of its sections. What it
// accepts, it shows as the effective configuration, which it accepts, and shows again.
func FuzzConfiguration(f *testing.F) {
	examples, err := filepath.Glob("../../docs/*.yml")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range examples {
		text, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(text))
	}
	f.Add("disable-defaults: true\nmax-series: 5\ncollectors: {stat: true, hba: {timeout: 3s, interval: 1m, luns: all, max-series: 0}}\n")
	f.Add("collectors: {netdev: {device-include: '^eth'}, textfile: {directory: [/a, /b]}, sysctl: {include: [kernel.pid_max]}}\n")
	f.Add("checks: {raid: {command: [/bin/true], interval: 5m, timeout: 30s, format: kv, labels: {a: b}}}\n")
	f.Add("expect: {two-paths: 'node_dmmultipath_device_paths == 2'}\nhealth: {bond-down: false}\n")
	f.Add("a: &a {b: *a}\n<<: *a\n")
	file := filepath.Join(golden.TempDir(f), "host_exporter.yml")
	includes := regexp.MustCompile(`(^|[^-])include`) // the key of the file, not that of an option
	load := func(t *testing.T, text string) (*Exporter, error) {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return New(Config{MetricsPath: "/metrics", File: file})
	}
	f.Fuzz(func(t *testing.T, text string) {
		if includes.MatchString(text) && strings.ContainsAny(text, "*?[") {
			return // it may find any file of this machine
		}
		e, err := load(t, text)
		if err != nil {
			if err.Error() == "" {
				t.Error("an error without a text")
			}
			return
		}
		effective := string(e.effective())
		again, err := load(t, effective)
		if err != nil {
			t.Fatalf("%v in the effective configuration:\n%s", err, effective)
		}
		if have := string(again.effective()); have != effective {
			t.Errorf("%q is in effect as\n%s\nand that as\n%s", text, effective, have)
		}
	})
}
