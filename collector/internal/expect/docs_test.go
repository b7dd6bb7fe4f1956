package expect

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/hostexporter/host_exporter/collector/internal/document"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
)

// page returns docs/expectations.md.
func page(t *testing.T) string {
	t.Helper()
	b, err := os.ReadFile("../../../docs/expectations.md")
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// exampleHost returns the exposition of a host for which all examples of the
// page hold.
func exampleHost() string {
	var b strings.Builder
	b.WriteString("# TYPE node_hba_fc_port_speed_bits_per_second gauge\n")
	for _, host := range []string{"host1", "host2", "host3", "host4"} {
		b.WriteString("node_hba_fc_port_speed_bits_per_second{fc_host=\"" + host + "\"} 1.6e+10\n")
	}
	b.WriteString("# TYPE node_hba_multipath_usable_components gauge\n")
	for _, m := range strings.Split("abcdefghijkl", "") {
		b.WriteString("node_hba_multipath_usable_components{component=\"adapter\",device=\"mpath" + m + "\"} 1\n")
		b.WriteString("node_hba_multipath_usable_components{component=\"fabric\",device=\"mpath" + m + "\"} 2\n")
	}
	b.WriteString(`# TYPE node_filesystem_size_bytes gauge
node_filesystem_size_bytes{mountpoint="/data"} 1e+12
# TYPE node_bonding_active gauge
node_bonding_active{master="bond0"} 2
# TYPE node_network_up gauge
node_network_up{device="eth0"} 1
node_network_up{device="eth1"} 1
node_network_up{device="bond0"} 1
# TYPE backup_last_success_timestamp_seconds gauge
backup_last_success_timestamp_seconds 1767323045
# TYPE backup_failed_volumes gauge
backup_failed_volumes 0
`)
	return b.String()
}

// TestPage evaluates the examples of the page: on a host for which they hold,
// and on hosts that lack one thing each.
func TestPage(t *testing.T) {
	text := page(t)
	example := regexp.MustCompile("(?s)```yaml\n(expect:.*?)```").FindStringSubmatch(text)
	if example == nil {
		t.Fatal("the page has no example")
	}
	d := document.Parse("example.yml", []byte(example[1]))
	var s *Set
	d.Root().Fields(document.Fields{"expect": func(n document.Node) { s = NewSet(Read(n, []string{"textfile"})...) }})
	if f := d.Findings(); len(f) > 0 {
		t.Fatal(f)
	}
	const good = `ok{name="san-ports"} 1
ok{name="san-fabrics"} 1
ok{name="san-maps"} 1
ok{name="data"} 1
ok{name="bond0"} 1
ok{name="interfaces"} 1
ok{name="backup"} 1
`
	lines := func(exposition string) string {
		samples, _ := emit(t, metric.Text, true, exposition)
		var b strings.Builder
		for line := range strings.Lines(evaluate(t, s, samples, func(string, string) Source { return Source{Requested: true} })) {
			if strings.HasPrefix(line, "ok{") || strings.HasPrefix(line, "missing{") {
				b.WriteString(line)
			}
		}
		return b.String()
	}
	if have := lines(exampleHost()); have != good {
		t.Errorf("on the example host:\n%swant\n%s", have, good)
	}
	for _, tc := range []struct{ old, new, name, missing string }{
		{`speed_bits_per_second{fc_host="host3"} 1.6e+10`, `speed_bits_per_second{fc_host="host3"} 8e+09`, "san-ports", `count(node_hba_fc_port_speed_bits_per_second >= 16e9) >= 4`},
		{`node_hba_fc_port_speed_bits_per_second{fc_host="host3"} 1.6e+10`, ``, "san-ports", `count(node_hba_fc_port_speed_bits_per_second >= 16e9) >= 4`},
		{`{component="fabric",device="mpathc"} 2`, `{component="fabric",device="mpathc"} 1`, "san-fabrics", `node_hba_multipath_usable_components{component=\"fabric\",device=\"mpathc\"} >= 2`},
		{`node_hba_multipath_usable_components{component="fabric",device="mpathc"} 2`, ``, "san-maps", `count(node_hba_multipath_usable_components{component=\"fabric\"}) == 12`},
		{`mountpoint="/data"`, `mountpoint="/old"`, "data", `node_filesystem_size_bytes{mountpoint=\"/data\"}`},
		{`active{master="bond0"} 2`, `active{master="bond0"} 1`, "bond0", `node_bonding_active{master=\"bond0\"} == 2`},
		{`active{master="bond0"} 2`, `active{master="bond1"} 2`, "bond0", `node_bonding_active{master=\"bond0\"} == 2`},
		{`node_network_up{device="eth1"} 1`, ``, "interfaces", `node_network_up{device=\"eth1\"} == 1`},
		{`node_network_up{device="eth1"} 1`, `node_network_up{device="eth1"} 0`, "interfaces", `node_network_up{device=\"eth1\"} == 1`},
		{`backup_failed_volumes 0`, `backup_failed_volumes 3`, "backup", `backup_failed_volumes == 0`},
		{"# TYPE backup_last_success_timestamp_seconds gauge\nbackup_last_success_timestamp_seconds 1767323045\n", ``, "backup", `backup_last_success_timestamp_seconds > 0`},
	} {
		exposition := strings.Replace(exampleHost(), tc.old, tc.new, 1)
		if exposition == exampleHost() {
			t.Fatalf("the example host has no %s", tc.old)
		}
		want := strings.Replace(good, `ok{name="`+tc.name+`"} 1`, `ok{name="`+tc.name+`"} 0`, 1) + `missing{name="` + tc.name + `",missing="` + tc.missing + `"} 1` + "\n"
		if have := lines(exposition); have != want {
			t.Errorf("without %s:\n%swant\n%s", tc.old, have, want)
		}
	}
}

// TestPageGrammar compares the grammar of the page with the parser's comment,
// and the error of the page with the parser's.
func TestPageGrammar(t *testing.T) {
	text := page(t)
	source, err := os.ReadFile("parse.go")
	if err != nil {
		t.Fatal(err)
	}
	grammar := regexp.MustCompile(`(?s)    expectation = .*?number \.\n`).FindString(text)
	comment := regexp.MustCompile(`(?s)//\texpectation = .*?number \.\n`).FindString(string(source))
	if a, b := strings.Fields(grammar), strings.Fields(strings.ReplaceAll(comment, "//", "")); grammar == "" || strings.Join(a, " ") != strings.Join(b, " ") {
		t.Errorf("the page has\n%sthe parser\n%s", grammar, comment)
	}
	d := document.Parse("host_exporter.yml", []byte("expect:\n  # A mistake.\n  san-ports: 'count(a 16e9) > 4'\n"))
	d.Root().Fields(document.Fields{"expect": func(n document.Node) { Read(n, nil) }})
	if want := d.Findings().Detail(); want == "" || !strings.Contains(text, "\n    "+want+"\n") {
		t.Errorf("the page does not have the error %s", want)
	}
}

// TestPageNames checks that the families and labels of the examples exist in
// docs/metrics.md.
func TestPageNames(t *testing.T) {
	files, err := filepath.Glob("../../../docs/metrics/*.md")
	if err != nil || len(files) == 0 {
		t.Fatal(len(files), err)
	}
	var reference []byte
	for _, file := range files {
		page, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		reference = append(reference, page...)
	}
	example := regexp.MustCompile("(?s)```yaml\n(expect:.*?)```").FindStringSubmatch(page(t))
	d := document.Parse("example.yml", []byte(example[1]))
	var s *Set
	d.Root().Fields(document.Fields{"expect": func(n document.Node) { s = NewSet(Read(n, []string{"textfile"})...) }})
	for _, x := range s.list {
		for _, c := range x.clauses {
			row := regexp.MustCompile("(?m)^\\| `" + c.selection.metric + "` \\|[^|]*\\|([^|]*)\\|").FindStringSubmatch(string(reference))
			switch {
			case x.Collector != "": // a family of the reader's own job
				continue
			case row == nil:
				t.Errorf("%s: unknown family %s", x.Name, c.selection.metric)
				continue
			}
			labels := strings.Split(strings.ReplaceAll(row[1], " ", ""), ",")
			for _, m := range c.selection.matchers {
				if !slices.Contains(labels, m.label) {
					t.Errorf("%s: %s has no label %s", x.Name, c.selection.metric, m.label)
				}
			}
			if c.label != "" && !slices.Contains(labels, c.label) {
				t.Errorf("%s: %s has no label %s", x.Name, c.selection.metric, c.label)
			}
		}
	}
}
