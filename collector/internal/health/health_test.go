package health

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hostexporter/host_exporter/collector/internal/document"
	"github.com/hostexporter/host_exporter/collector/internal/expect"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
	"github.com/hostexporter/host_exporter/docs"
)

// read returns a configuration with a section of a file.
func read(t testing.TB, text string) (*Config, error) {
	t.Helper()
	c := shipped(t)
	d := document.Parse("c.yml", []byte(text))
	d.Root().Fields(document.Fields{"health": c.Read})
	if f := d.Findings(); len(f) > 0 {
		return nil, fmt.Errorf("%s", f.Detail())
	}
	return c, nil
}

func problems(r *Report) string {
	var b strings.Builder
	for _, p := range r.Problems {
		fmt.Fprintf(&b, "%s %s: %s\n", p.Rule.Severity, p.Rule.Name, p.Text)
	}
	return b.String()
}

const sick = `node_bonding_slaves{master="bond0"} 2
node_bonding_active{master="bond0"} 1
node_infiniband_state_id{device="mlx5_0",port="1"} 1
node_infiniband_state_id{device="mlx5_0",port="2"} 1
node_nf_conntrack_entries 60
node_nf_conntrack_entries_limit 100
backup_age_seconds{volume="a"} 90001
backup_age_seconds{volume="b"} 2
`

func TestConfig(t *testing.T) {
	for _, tc := range []struct{ name, text, want string }{
		{"no section", "", `warning bond-degraded: Bond bond0 has 1 of 2 interfaces up.
info infiniband-port-down: InfiniBand port 1 of mlx5_0 is down.
info infiniband-port-down: InfiniBand port 2 of mlx5_0 is down.
`},
		{"an empty section", "health: {}", `warning bond-degraded: Bond bond0 has 1 of 2 interfaces up.
info infiniband-port-down: InfiniBand port 1 of mlx5_0 is down.
info infiniband-port-down: InfiniBand port 2 of mlx5_0 is down.
`},
		{"disabled rules", "health: {bond-degraded: false, infiniband-port-down: {enabled: false}}", ""},
		{"a severity, a threshold and a device to ignore", `health:
  bond-degraded: {severity: critical}
  conntrack-full: {threshold: 0.5}
  infiniband-port-down: {ignore: 'device=~"mlx.*",port="2"'}
`, `critical bond-degraded: Bond bond0 has 1 of 2 interfaces up.
warning conntrack-full: The connection tracking table is filled to 60.0 %.
info infiniband-port-down: InfiniBand port 1 of mlx5_0 is down.
`},
		{"new rules", `health:
  infiniband-port-down: false
  backup:
    severity: critical
    expect: backup_age_seconds < 90000
    problem: Backup of {volume} is {value} s old, more than {limit}.
    hides: [bond-degraded]
  plain: {expect: 'backup_age_seconds{volume="b"} == 1'}
  absent: {expect: no_such_metric == 1}
`, `critical backup: Backup of a is 90001 s old, more than 90000.
warning bond-degraded: Bond bond0 has 1 of 2 interfaces up.
warning plain: backup_age_seconds{volume="b"} == 1 does not hold, the value is 2.
`},
	} {
		c, err := read(t, tc.text)
		if err != nil {
			t.Errorf("%s: %v", tc.name, err)
			continue
		}
		if have := problems(judge(t, c, samplesOf(t, sick))); have != tc.want {
			t.Errorf("%s:\n%swant\n%s", tc.name, have, tc.want)
		}
		// What /config shows is a configuration with the same rules.
		text := string(c.AppendYAML(nil, false))
		again, err := read(t, text)
		if err != nil {
			t.Errorf("%s: %v:\n%s", tc.name, err, text)
			continue
		}
		if have := problems(judge(t, again, samplesOf(t, sick))); have != tc.want {
			t.Errorf("%s, from its own output:\n%swant\n%s", tc.name, have, tc.want)
		}
		if have := string(again.AppendYAML(nil, false)); have != text {
			t.Errorf("%s: the output changes:\n%s\nwant\n%s", tc.name, have, text)
		}
	}
	c, err := read(t, "health: {metrics: true}")
	if err != nil || !c.Metrics || !strings.HasPrefix(string(c.AppendYAML(nil, false)), "health:\n  metrics: true\n") {
		t.Errorf("metrics: %v", err)
	}
}

func TestConfigErrors(t *testing.T) {
	for text, want := range map[string]string{
		"health: {fc-port-dwn: false}":                                     `c.yml:1:23: unknown rule "fc-port-dwn", do you mean fc-port-down?`,
		"health: {fc-port-dwn: {severity: info}}":                          `c.yml:1:23: unknown rule "fc-port-dwn", do you mean fc-port-down?; a new rule needs expect: and an expression`,
		"health: {bond-down: {severity: bad}}":                             `c.yml:1:32: want critical, warning or info, have "bad"`,
		"health: {bond-down: {expects: a}}":                                `c.yml:1:22: unknown key "expects", do you mean expect?`,
		"health: {bond-down: {threshold: 1}}":                              `c.yml:1:21: bond-down: the expression has no $threshold`,
		"health: {conntrack-full: {threshold: much}}":                      `c.yml:1:38: want a number, have "much"`,
		"health: {a: {expect: 'b > $threshold'}}":                          `c.yml:1:22: a: want threshold: and a number for $threshold`,
		"health: {a: {expect: b >}}":                                       `c.yml:1:22: a: position 4: want a number or a metric, have the end`,
		"health: {a: {expect: b, problem: '{c'}}":                          `c.yml:1:34: a: want braces around the name of a label, value, limit or ratio, have "{c"`,
		"health: {a: {expect: b, action: 'c}'}}":                           `c.yml:1:33: a: want braces around the name of a label, value, limit or ratio, have "}"`,
		"health: {bond-down: {ignore: ['master=bond0']}}":                  `c.yml:1:21: bond-down: ignore: "master=bond0": position 8: want a text in quotes, have "bond0"`,
		"health: {bond-down: {hides: [bond-degradet]}}":                    `c.yml:1:9: bond-down: hides: unknown rule "bond-degradet", do you mean bond-degraded?`,
		"health: {metrics: perhaps}":                                       `c.yml:1:19: want true or false, have "perhaps"`,
		"health: [bond-down]":                                              `c.yml:1:9: want a mapping of keys to values, have a list`,
		"health: {a: {expect: b, problem: 'x'}, a: {expect: c}}":           `c.yml:1:40: mapping key "a" already defined at [1:10]`,
		"health: {a: {expect: 'count(b) > 1 and', severity: information}}": "c.yml:1:52: want critical, warning or info, have \"information\"\nc.yml:1:22: a: position 17: want a metric, count, sum, min, max or any, have the end",
	} {
		if _, err := read(t, text); err == nil || err.Error() != want {
			t.Errorf("%s:\nhave %v\nwant %s", text, err, want)
		}
	}
}

// TestLimits has more problems than a report names, and texts that are too long.
func TestLimits(t *testing.T) {
	var b strings.Builder
	for i := range 30 {
		fmt.Fprintf(&b, "node_hba_multipath_paths{device=\"m%02d\",health=\"failed\"} 1\n", i)
		fmt.Fprintf(&b, "node_hba_multipath_paths{device=\"m%02d\",health=\"optimized\"} 0\n", i)
	}
	fmt.Fprintf(&b, "node_bonding_active{master=\"%s\"} 0\n", strings.Repeat("ä", 400))
	r := judge(t, shipped(t), samplesOf(t, b.String()))
	if n := r.Count(Critical); n != 31 {
		t.Errorf("%d critical problems, want those of 30 maps and a bond", n)
	}
	if n := r.Count(Warning); n != 0 {
		t.Errorf("%d warnings, want none: lost paths of maps without paths are hidden", n)
	}
	groups := r.Groups()
	if len(groups) != 2 || len(groups[0].Problems) != 20 || groups[0].More != 10 {
		t.Errorf("groups %+v", groups)
	}
	if text := groups[1].Problems[0].Text; len(text) > maxText+len("…") || !strings.HasSuffix(text, "ä…") {
		t.Errorf("text of %d bytes: %s", len(text), text)
	}
	text, _ := r.Format("text", "host")
	if !strings.Contains(string(text), "\n  And 10 more.\n") {
		t.Errorf("have\n%s", text)
	}
}

// TestUnjudged has a collector that failed.
func TestUnjudged(t *testing.T) {
	rules := shipped(t).Rules()
	e := rules.Begin()
	e.Observe(samplesOf(t, "host_exporter_collector_state{collector=\"bonding\",reason=\"timeout\"} 1\n"))
	r := rules.Report(e, func(_, family string) expect.Source {
		if strings.HasPrefix(family, "node_bonding_") {
			return expect.Source{Requested: true, Declared: true, Collector: "bonding", Reason: "timeout"}
		}
		return expect.Source{Requested: true, Declared: true}
	})
	const want = `host: warning, 1 warning

warning: collector-failing
  Collector bonding fails: timeout.
    The rules on its metrics cannot be judged. "host_exporter doctor bonding" says why.
    https://github.com/hostexporter/host_exporter/blob/main/docs/operations.md#hostexportercollectorfailing

Not judged, because collectors failed: what needs bonding (timeout).
`
	if have, _ := r.Format("text", "host"); string(have) != want {
		t.Errorf("have\n%s\nwant\n%s", have, want)
	}
}

func TestJSON(t *testing.T) {
	r := judge(t, shipped(t), samplesOf(t, `node_bonding_slaves{master="bond0"} 2
node_bonding_active{master="bond0"} 1
node_bonding_slaves{master="bond1"} NaN
node_bonding_active{master="bond1"} NaN
node_timex_sync_status 1
`))
	(&History{}).Record(r, time.Unix(1767323045, 0))
	b, err := r.Format("json", "san01")
	if err != nil {
		t.Fatal(err)
	}
	var have struct {
		Host, Verdict string
		Problems      []struct {
			Rule, Severity, Problem, Since, Action, Docs string
			Labels                                       map[string]string
			Value                                        any
		}
		Passed []string
	}
	if err := json.Unmarshal(b, &have); err != nil {
		t.Fatalf("%v:\n%s", err, b)
	}
	if have.Host != "san01" || have.Verdict != "critical" || len(have.Problems) != 2 || !slices.Equal(have.Passed, []string{"clock-not-synchronized"}) {
		t.Fatalf("have %+v", have)
	}
	p := have.Problems[1]
	if p.Rule != "bond-degraded" || p.Severity != "warning" || p.Problem != "Bond bond0 has 1 of 2 interfaces up." || p.Value != 1.0 || p.Labels["master"] != "bond0" ||
		p.Since != "2026-01-02T03:04:05Z" || p.Docs != docs.URL+"alerts.md#nodebondingdegraded" || !strings.Contains(p.Action, "/proc/net/bonding/bond0 ") {
		t.Errorf("have %+v", p)
	}
	if have.Problems[0].Value != "NaN" {
		t.Errorf("have %+v", have.Problems[0])
	}
	if _, err := r.Format("yaml", "san01"); err == nil {
		t.Error("no error for an unknown format")
	}
}

// TestHistory judges a port that goes down, changes its state, cannot be judged,
// and recovers.
func TestHistory(t *testing.T) {
	var h History
	start := time.Unix(1767323045, 0)
	step := 0
	judged := func(state string, failed bool) (changes []Change, since string) {
		rules := shipped(t).Rules()
		e := rules.Begin()
		text := ""
		for _, s := range []string{"online", "linkdown", "offline"} {
			text += fmt.Sprintf("node_hba_fc_port_state{fc_host=\"host1\",port_name=\"1\",state=%q} %d\n", s, map[bool]int{true: 1}[s == state])
		}
		if !failed {
			e.Observe(samplesOf(t, text+"node_hba_fc_remote_ports{fc_host=\"host1\",role=\"fcp_target\",state=\"online\"} 1\n"))
		}
		r := rules.Report(e, func(string, string) expect.Source {
			s := expect.Source{Requested: true, Declared: true}
			if failed {
				s.Collector, s.Reason = "hba", "timeout"
			}
			return s
		})
		changes = h.Record(r, start.Add(time.Duration(step)*time.Minute))
		step++
		if len(r.Problems) > 0 {
			since = r.Problems[0].Since.Sub(start).String()
		}
		return changes, since
	}
	down := Change{Rule: "fc-port-down", Severity: Warning, Text: "Fibre Channel port 1 (host1) is down: linkdown.", Count: 1}
	for _, tc := range []struct {
		state   string
		failed  bool
		changes []Change
		since   string
	}{
		{"online", false, nil, ""},
		{"linkdown", false, []Change{down}, "1m0s"},
		{"linkdown", false, nil, "1m0s"},
		{"offline", false, nil, "1m0s"},
		{"", true, nil, ""},
		{"online", false, []Change{{Rule: "fc-port-down", Severity: Warning, Recovered: true}}, ""},
		{"online", false, nil, ""},
	} {
		if changes, since := judged(tc.state, tc.failed); !slices.Equal(changes, tc.changes) || since != tc.since {
			t.Errorf("%s: changes %+v, since %q, want %+v, %q", tc.state, changes, since, tc.changes, tc.since)
		}
	}
}

func TestEmit(t *testing.T) {
	r := judge(t, shipped(t), samplesOf(t, sick+"node_timex_sync_status 1\n"))
	set := metric.NewSet()
	f, out := Declare(set), metric.NewSink(set)
	r.Emit(f, out)
	const want = `# HELP host_exporter_health Whether the health rule finds no problem; absent if there is nothing to judge.
# TYPE host_exporter_health gauge
host_exporter_health{rule="infiniband-port-down"} 0
host_exporter_health{rule="bond-down"} 1
host_exporter_health{rule="bond-degraded"} 0
host_exporter_health{rule="conntrack-full"} 1
host_exporter_health{rule="clock-not-synchronized"} 1
`
	if have := string(out.AppendText(nil, nil, func(string) bool { return false })); have != want {
		t.Errorf("have\n%s\nwant\n%s", have, want)
	}
}

// BenchmarkManyMaps judges a host with 2000 multipath maps, half of which have lost
// a path.
func BenchmarkManyMaps(b *testing.B) {
	set := metric.NewSet()
	paths := set.Gauge("node_hba_multipath_paths", "Paths.", "device", "health", "sysfs_name")
	components := set.Gauge("node_hba_multipath_usable_components", "Components.", "component", "device", "sysfs_name")
	out := metric.NewSink(set)
	for i := range 2000 {
		device, dm := fmt.Sprintf("mpath%d", i), fmt.Sprintf("dm-%d", i)
		for j, health := range []string{"failed", "offline", "blocked", "standby", "marginal", "non_optimized", "optimized"} {
			out.Emit(paths, float64((i+j)%2), device, health, dm)
		}
		for _, component := range []string{"initiator_port", "target_port", "fabric", "adapter"} {
			out.Emit(components, 2, component, device, dm)
		}
	}
	rules := shipped(b).Rules()
	b.ReportAllocs()
	for b.Loop() {
		e := rules.Begin()
		e.Observe(func(name string, fn metric.SampleFunc) {
			out.VisitSamples(name, func(string) bool { return false }, fn)
		})
		rules.Report(e, func(string, string) expect.Source { return expect.Source{Requested: true, Declared: true} })
	}
}
