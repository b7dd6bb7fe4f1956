package definition

import (
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/hostexporter/host_exporter/collector/checks/internal/output"
	"github.com/hostexporter/host_exporter/collector/checks/internal/sandbox"
	"github.com/hostexporter/host_exporter/collector/internal/document"
	"github.com/hostexporter/host_exporter/collector/internal/test/golden"
)

func parse(text string) ([]Definition, document.Findings) {
	d := document.Parse("x.yml", []byte(text))
	all := Read(d.Root())
	return all, d.Findings()
}

func TestReadsAllKeys(t *testing.T) {
	all, findings := parse(`
raid:
  command: [/usr/local/bin/raid, --brief]
  interval: 5m
  timeout: 30s
  kill-grace: 1s
  ttl: 1h
  memory: 64MiB
  cpu: 5s
  open-files: 64
  file-size: 4096
  stdout-limit: 1KiB
  max-series: 10
  user: nobody
  group: disk
  env: {LANGUAGE: C, SECRET_FILE: /run/secret}
  format: kv
  metrics:
  - {name: raid_state, from: state, help: The state., type: gauge, labels: [disk], min: 0, max: 2, enum: {Online: 1}}
  - {name: raid_age_seconds, unit: h}
  accept-codes: [1, 4-255]
  labels: {controller: "0"}
  slow: true
  allow-unsafe-path: true
  sandbox: net
  sandbox-required: true
  writable: [/var/lib/raid, /var/log/raid]
  enabled: false
  description: State of the controller's disks.
nightly:
  shell: true && false
  at: 30 2 * * *
`)
	if len(findings) > 0 {
		t.Fatal(findings)
	}
	zero, two := 0.0, 2.0
	raid := Definition{
		Name: "raid", Description: "State of the controller's disks.", Enabled: false,
		Command: []string{"/usr/local/bin/raid", "--brief"}, User: "nobody", Group: "disk",
		Env: map[string]string{"LANGUAGE": "C", "SECRET_FILE": "/run/secret"}, AllowUnsafePath: true,
		Sandbox: sandbox.Net, SandboxRequired: true, Writable: []string{"/var/lib/raid", "/var/log/raid"},
		Interval: 5 * time.Minute, Slow: true, TTL: time.Hour,
		Timeout: 30 * time.Second, KillGrace: time.Second, Memory: 64 << 20, CPU: 5 * time.Second,
		OpenFiles: 64, FileSize: 4096, StdoutLimit: 1024,
		Labels: map[string]string{"controller": "0"}, AcceptCodes: []Codes{{1, 1}, {4, 255}},
		Output: output.Options{Format: output.KV, MaxSeries: 10, JQTimeout: 250 * time.Millisecond, Metrics: []output.Metric{
			{Name: "raid_state", From: "state", Help: "The state.", Type: "gauge", Labels: []string{"disk"}, Min: &zero, Max: &two, Enum: map[string]float64{"Online": 1}},
			{Name: "raid_age_seconds", Unit: "h"},
		}},
	}
	nightly := New("nightly")
	nightly.Command, nightly.Shell = []string{"/bin/sh", "-c", "true && false"}, true
	nightly.Interval, nightly.At = 0, "30 2 * * *"
	for i, want := range []Definition{raid, nightly} {
		if !reflect.DeepEqual(all[i], want) {
			t.Errorf("have %+v\nwant %+v", all[i], want)
		}
	}
	if w := all[1].Warnings(); len(w) != 1 || !strings.Contains(w[0], "check nightly: runs a shell") {
		t.Errorf("warnings: %v", w)
	}
	if w := all[0].Warnings(); len(w) != 1 || !strings.Contains(w[0], "allow-unsafe-path") {
		t.Errorf("warnings: %v", w)
	}
}

func TestFindings(t *testing.T) {
	for _, tc := range []struct{ text, want string }{
		{"a:\n  command: [/bin/true]\n", ""},
		{"a:\n  command: /bin/true\n", ""},
		{"a:\n  command: /bin/true -x\n", "x.yml:2:12: want a list such as [/usr/bin/uptime, -p], have a string with spaces"},
		{"a:\n  command: [true]\n", `x.yml:2:12: want the absolute path of a program, have "true"`},
		{"a:\n  command: []\n", "x.yml:2:12: want a program and its arguments, have none"},
		{"a:\n  shell: ''\n", "x.yml:2:10: want a script for the shell, have none"},
		{"a: {}\n", "x.yml:1:4: check a: want command or shell, have neither"},
		{"a: {command: /bin/a, shell: a}\n", "x.yml:1:29: check a: want command or shell, have both"},
		{"a: {command: /bin/a, intervall: 1m}\n", `x.yml:1:22: unknown key "intervall", do you mean interval?`},
		{"a: {command: /bin/a, interval: 500ms}\n", "x.yml:1:32: want at least 1s, have 500ms"},
		{"a: {command: /bin/a, interval: soon}\n", `x.yml:1:32: want a time span such as 10s, have "soon"`},
		{"a: {command: /bin/a, interval: 5s}\n", ""},
		{"a: {command: /bin/a, interval: 5s, timeout: 6s}\n", "x.yml:1:45: want at most the interval, 5s, have 6s"},
		{"a: {command: /bin/a, at: '@daily', timeout: 6h}\n", ""},
		{"a: {command: /bin/a, at: '@daily', interval: 6h}\n", "x.yml:1:26: check a: want interval or at, have both"},
		{"a: {command: /bin/a, memory: lots}\n", `x.yml:1:30: want a number of bytes such as 128MiB, have "lots"`},
		{"a: {command: /bin/a, memory: 9999999999GiB}\n", `x.yml:1:30: want a number of bytes such as 128MiB, have "9999999999GiB"`},
		{"a: {command: /bin/a, max-series: 0}\n", `x.yml:1:34: want a whole number of at least 1, have "0"`},
		{"a: {command: /bin/a, slow: maybe}\n", `x.yml:1:28: want true or false, have "maybe"`},
		{"a: {command: /bin/a, format: xml}\n", `x.yml:1:30: want one of prometheus, kv, json, regexp, nagios, number, exit, have "xml"`},
		{"a: {command: /bin/a, sandbox: partial}\n", `x.yml:1:31: want one of none, net, strict, have "partial"`},
		{"a: {command: /bin/a, sandbox: strict, writable: [/a, b]}\n", `x.yml:1:49: want absolute paths, have "b"`},
		{"a: {command: /bin/a, writable: [/a]}\n", "x.yml:1:32: want sandbox: strict or net, have none"},
		{"a: {command: /bin/a, sandbox-required: true}\n", "x.yml:1:40: want sandbox: strict or net, have none"},
		{"a: {command: /bin/a, sandbox-required: false}\n", ""},
		{"a: {command: /bin/a, env: {CHECK_NAME: b}}\n", `x.yml:1:40: want the name of a variable without the prefix CHECK_, have "CHECK_NAME"`},
		{"a: {command: /bin/a, labels: {__a: b}}\n", `x.yml:1:36: want the name of a label, have "__a"`},
		{"a: {command: /bin/a, exit-codes: {0: 1}}\n", "x.yml:1:34: want the format exit, have prometheus"},
		{"a: {command: /bin/a, format: exit, metric: a b}\n", `x.yml:1:44: want the name of a metric, have "a b"`},
		{"a: {command: /bin/a, format: number}\n", "x.yml:1:30: check a: metric: want metric or metrics with the format number, have neither"},
		{"a: {command: /bin/a, format: exit}\n", ""},
		{"a: {command: /bin/a, format: exit, exit-codes: {0: 1}}\n", "x.yml:1:48: want a metric for the values, have none"},
		{"a: {command: /bin/a, format: exit, metric: go_a}\n", "x.yml:1:44: check a: want a name without the reserved prefix go_, have go_a"},
		{"a: {command: /bin/a, format: exit, metric: a, exit-codes: {0: 1, 1: 0}}\n", ""},
		{"a: {command: /bin/a, format: exit, metrics: [{name: a}], exit-codes: {0: 1}}\n", "x.yml:1:70: want exit-codes or the enum of a metric, have both"},
		{"a: {command: /bin/a, accept-codes: 256}\n", `x.yml:1:36: want an exit code from 1 to 255, or a range such as 4-255, have "256"`},
		{"a: {command: /bin/a, accept-codes: [5-4, 0]}\n", `x.yml:1:37: want an exit code from 1 to 255, or a range such as 4-255, have "5-4"` + "\n" + `x.yml:1:42: want an exit code from 1 to 255, or a range such as 4-255, have "0"`},
		{"a: {command: /bin/a, format: exit, metric: a, accept-codes: [1]}\n", "x.yml:1:61: want another format: exit takes every exit code as a value"},
		{"a: {command: /bin/a, metrics: [{name: a}, {name: b, pattern: b}]}\n", "x.yml:1:62: check a: want the format regexp, have prometheus"},
		{"a: {command: /bin/a, metrics: [{nam: a}]}\n", "x.yml:1:33: unknown key \"nam\", do you mean name?\nx.yml:1:32: want the name of a metric, have none"},
		{"-a: {command: /bin/a}\n", `x.yml:1:5: check "-a": want a name of up to 63 letters, digits, dots, dashes and underscores`},
		{"a: {command: /bin/a, slow: x}\nb: {command: b}\n", "x.yml:1:28: want true or false, have \"x\"\nx.yml:2:14: want the absolute path of a program, have \"b\""},
	} {
		_, findings := parse(tc.text)
		if have := findings.Detail(); have != tc.want {
			t.Errorf("%s\nhave %s\nwant %s", tc.text, have, tc.want)
		}
	}
}

// TestDefaults compares the documented defaults with those of the code: a check
// with all documented defaults equals a check without them.
func TestDefaults(t *testing.T) {
	plain, _ := parse("a:\n  command: /bin/a\n")
	var b strings.Builder
	b.WriteString("a:\n  command: /bin/a\n")
	for _, o := range new(Definition).options() {
		if o.def != "" && !strings.Contains(o.def, "t") || o.def == "prometheus" || o.def == "true" {
			b.WriteString("  " + o.name + ": " + o.def + "\n")
		}
	}
	explicit, findings := parse(b.String())
	if len(findings) > 0 || !explicit[0].Equal(plain[0]) || strings.Count(b.String(), "\n") < 12 {
		t.Errorf("%s%v\nhave %+v\nwant %+v", b.String(), findings, explicit, plain)
	}
}

func TestMeaning(t *testing.T) {
	a := New("a")
	limits := a
	limits.Timeout, limits.Memory, limits.TTL, limits.Interval, limits.Description = 1, 2, 3, 4, "x"
	limits.Sandbox, limits.Writable = sandbox.Strict, []string{"/a"}
	if !a.SameMeaning(limits) || a.Equal(limits) || a.SameSchedule(limits) {
		t.Error("want the same meaning with other limits and another schedule")
	}
	labels := a
	labels.Labels = map[string]string{"a": "b"}
	if a.SameMeaning(labels) || !a.SameSchedule(labels) {
		t.Error("want another meaning with other labels")
	}
}

func TestAccepts(t *testing.T) {
	all, findings := parse("a: {command: /bin/a, accept-codes: [1, 4-6]}\nb: {command: /bin/a, format: exit, metric: b}\nc: {command: /bin/a, format: exit, accept-codes: 4}\n")
	if len(findings) > 0 {
		t.Fatal(findings)
	}
	for code, want := range map[int][3]bool{-1: {}, 0: {true, true, true}, 1: {true, true}, 2: {false, true}, 4: {true, true, true}, 6: {true, true}, 7: {false, true}} {
		if have := [3]bool{all[0].Accepts(code), all[1].Accepts(code), all[2].Accepts(code)}; have != want {
			t.Errorf("exit code %d: have %v, want %v", code, have, want)
		}
	}
}

func TestPage(t *testing.T) { golden.Compare(t, "../../../../docs/check-options.md", page()) }

// page returns docs/check-options.md.
func page() string {
	var b strings.Builder
	b.WriteString("<!-- Generated by `go test ./collector/checks/internal/definition -update`. Do not edit. -->\n\n" +
		"# Options of checks\n\nFor authors of checks: every key with its default value. [checks.md](checks.md) says how to\n" +
		"define and run a check, [check-formats.md](check-formats.md) what becomes of its output.\n\n" +
		"## Keys of a check\n\nEach entry of `checks:` is the name of a check with these keys:\n\n")
	table(&b, new(Definition).options())
	b.WriteString("\n## Keys of a metric\n\nEach item of `metrics` has these keys:\n\n")
	table(&b, metricOptions(new(output.Metric)))
	return b.String()
}

func table(b *strings.Builder, options []option) {
	b.WriteString("| key | default | |\n|---|---|---|\n")
	for _, o := range options {
		fmt.Fprintf(b, "| `%s` | %s | %s |\n", o.name, o.def, o.help)
	}
}

// TestExample reads the example of docs/checks.md.
func TestExample(t *testing.T) {
	page, err := os.ReadFile("../../../../docs/checks.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(page), "```yaml\nchecks:\n")
	example, _, found := strings.Cut(rest, "```")
	all, findings := parse(example)
	if !found || len(all) != 3 || len(findings) > 0 {
		t.Errorf("%d checks, %v", len(all), findings)
	}
}

// TestImportedCrontab reads the checks of an imported crontab.
func TestImportedCrontab(t *testing.T) {
	text, err := os.ReadFile("../crontab/testdata/user.yaml")
	if err != nil {
		t.Fatal(err)
	}
	doc := document.Parse("user.yaml", text)
	var all []Definition
	doc.Root().Fields(document.Fields{"checks": func(n document.Node) { all = Read(n) }})
	if len(all) == 0 {
		t.Error("no checks")
	}
	for _, f := range doc.Findings() { // the import does not find all programs
		if !strings.HasPrefix(f.Text, "want the absolute path of a program") {
			t.Error(f)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add("a:\n  command: [/bin/true]\n  metrics:\n  - {name: a}\n")
	f.Add("a: {shell: x, at: '* * * * *', labels: {a: b}, enum: {a: 1}}")
	f.Fuzz(func(t *testing.T, text string) {
		all, findings := parse(text)
		if len(findings) > 0 {
			return
		}
		for _, d := range all {
			if len(d.Command) == 0 || d.Command[0][0] != '/' || (d.At == "") == (d.Interval == 0) || d.At == "" && d.Timeout > d.Interval {
				t.Errorf("%q is read as %+v", text, d)
			}
		}
	})
}
