package santopo

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/hostexporter/host_exporter/collector/internal/test/exposition"
)

const hbaCases = "../../../testdata/hba/"

// parse returns the topology of a scrape in the text format.
func parse(text []byte) (*Topology, error) {
	source, err := exposition.Parse(text)
	if err != nil {
		return nil, err
	}
	samples := NewSamples()
	samples.Observe(source)
	return samples.Topology(), nil
}

func load(t testing.TB, names ...string) *Topology {
	t.Helper()
	var text []byte
	for _, name := range names {
		b, err := os.ReadFile(filepath.Join("../../../testdata", name))
		if err != nil {
			t.Fatal(err)
		}
		text = append(text, b...)
	}
	topology, err := parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return topology
}

// TestRecordedHosts compares the paths of every recorded host with what the
// collector counts: paths by health, and the ports that the usable ones lead over.
func TestRecordedHosts(t *testing.T) {
	cases, err := filepath.Glob(hbaCases + "hba*.prom")
	if err != nil || len(cases) < 50 {
		t.Fatalf("%d cases, %v", len(cases), err)
	}
	compared := 0
	for _, path := range cases {
		name := "hba/" + filepath.Base(path)
		b := load(t, name)
		counts := map[string]int{}
		targets, sasPorts := map[string][]string{}, map[string][]string{}
		luns := map[string]*LUN{}
		for _, l := range b.LUNs {
			luns[l.ID] = l
			for _, p := range l.Paths {
				counts[l.ID+" "+p.Health]++
				if isUsable(p.Health) && p.Target != "" && !slices.Contains(targets[l.ID], p.Target) {
					targets[l.ID] = append(targets[l.ID], p.Target)
				}
				if isUsable(p.Health) && strings.Contains(p.Port, " port-") && !slices.Contains(sasPorts[l.ID], p.Port) {
					sasPorts[l.ID] = append(sasPorts[l.ID], p.Port)
				}
			}
		}
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, line := range strings.Split(string(text), "\n") {
			family, labels, value := cutSample(line)
			l := luns[labels["device"]]
			switch family {
			case "node_hba_multipath_paths", "node_hba_nvme_paths":
				if l == nil && family == "node_hba_nvme_paths" && value == "0" {
					continue // a namespace without paths
				}
				if l == nil || len(l.Paths) == 0 || strings.Contains(name, "ghostpaths") {
					if l == nil {
						t.Errorf("%s: no LUN %s", name, labels["device"])
					}
					continue
				}
				if have := counts[l.ID+" "+labels["health"]]; fmt.Sprint(have) != value {
					t.Errorf("%s: %s: want %s paths that are %s, have %d", name, l.ID, value, labels["health"], have)
				}
				compared++
			case "node_hba_multipath_usable_components", "node_hba_nvme_usable_components":
				if l == nil || len(l.Paths) == 0 {
					continue
				}
				if n := len(sasPorts[l.ID]); n > 0 && labels["component"] == "initiator_port" && fmt.Sprint(n) != value {
					t.Errorf("%s: %s: want %s usable ports, have %d: %v", name, l.ID, value, n, sasPorts[l.ID])
				}
				if labels["component"] != "target_port" {
					continue
				}
				if have := len(targets[l.ID]); fmt.Sprint(have) != value {
					t.Errorf("%s: %s: want %s usable target ports, have %d: %v", name, l.ID, value, have, targets[l.ID])
				}
				compared++
			}
		}
	}
	if compared < 500 {
		t.Errorf("only %d values to compare", compared)
	}
}

// cutSample parses a line of a golden file whose labels have no escapes.
func cutSample(line string) (family string, labels map[string]string, value string) {
	family, rest, ok := strings.Cut(line, "{")
	if !ok || strings.HasPrefix(line, "#") {
		return "", nil, ""
	}
	text, value, _ := strings.Cut(rest, "} ")
	labels = map[string]string{}
	for _, pair := range strings.Split(text, `",`) {
		name, v, _ := strings.Cut(pair, `="`)
		labels[name] = strings.TrimSuffix(v, `"`)
	}
	return family, labels, value
}

// fabricLost is the change of a healthy host whose port host1 loses its link.
var fabricLost = strings.NewReplacer(
	`node_hba_fc_port_state{fc_host="host1",port_name="10000090fa000001",state="online"} 1`, `node_hba_fc_port_state{fc_host="host1",port_name="10000090fa000001",state="linkdown"} 1`,
	`node_hba_fc_port_login_info{area="10",domain="6"`, `node_hba_other_info{area="10",domain="6"`,
	`rport="rport-1:0-0",state="online"} 1`, `rport="rport-1:0-0",state="not_present"} 1`,
	`rport="rport-1:0-1",state="online"} 1`, `rport="rport-1:0-1",state="not_present"} 1`,
	`rport="rport-1:0-2",state="online"} 1`, `rport="rport-1:0-2",state="not_present"} 1`,
	`rport="rport-1:0-3",state="online"} 1`, `rport="rport-1:0-3",state="not_present"} 1`,
	`health="optimized",path="sdb0"`, `health="offline",path="sdb0"`, `health="non_optimized",path="sdd0"`, `health="offline",path="sdd0"`,
	`health="optimized",path="sdb1"`, `health="offline",path="sdb1"`, `health="non_optimized",path="sdd1"`, `health="offline",path="sdd1"`,
	`node_hba_multipath_paths{device="mpath0",health="offline",sysfs_name="dm-0"} 0`, `node_hba_multipath_paths{device="mpath0",health="offline",sysfs_name="dm-0"} 2`,
	`node_hba_multipath_paths{device="mpath1",health="offline",sysfs_name="dm-1"} 0`, `node_hba_multipath_paths{device="mpath1",health="offline",sysfs_name="dm-1"} 2`,
	`health="optimized",sysfs_name="dm-0"} 2`, `health="optimized",sysfs_name="dm-0"} 1`, `health="optimized",sysfs_name="dm-1"} 2`, `health="optimized",sysfs_name="dm-1"} 1`,
	`health="non_optimized",sysfs_name="dm-0"} 2`, `health="non_optimized",sysfs_name="dm-0"} 1`, `health="non_optimized",sysfs_name="dm-1"} 2`, `health="non_optimized",sysfs_name="dm-1"} 1`,
)

// stack is a logical volume with a file system over both maps of the healthy host,
// and a partition with another on one of them.
const stack = `# TYPE node_block_stack_info gauge
node_block_stack_info{device="dm-7",kind="lvm",name="vg-data",parent="dm-0"} 1
node_block_stack_info{device="dm-7",kind="lvm",name="vg-data",parent="dm-1"} 1
node_block_stack_info{device="dm-8",kind="partition",name="mpath1-part1",parent="dm-1"} 1
node_block_stack_info{device="dm-1",kind="multipath",name="mpath1",parent="sda1"} 1
node_block_stack_info{device="sda2",kind="partition",name="sda2",parent="sda"} 1
# TYPE node_block_stack_mount_info gauge
node_block_stack_mount_info{device="sda2",fstype="ext4",mountpoint="/"} 1
node_block_stack_mount_info{device="dm-7",fstype="xfs",mountpoint="/data"} 1
node_block_stack_mount_info{device="dm-8",fstype="ext4",mountpoint="/logs"} 1
`

// read returns the healthy host with two fabrics, with a change.
func read(t testing.TB, change func(string) string) *Topology {
	t.Helper()
	text, err := os.ReadFile(hbaCases + "hba.lpfc.prom")
	if err != nil {
		t.Fatal(err)
	}
	topology, err := parse([]byte(change(string(text) + stack)))
	if err != nil {
		t.Fatal(err)
	}
	return topology
}

func TestTree(t *testing.T) {
	for _, c := range []struct {
		name     string
		topology *Topology
		options  TreeOptions
		want     string
	}{
		{"healthy", read(t, func(s string) string { return s }), TreeOptions{}, `SAN of db1: ok, 2 ports, 8 target ports, 2 LUNs, 2 file systems

Ports
host0 fc lpfc LPe32002-M2 0000:3b:00.0 10000090fa000000           online
└─ fabric 100050eb1a000000, switch 5 port 10
   ├─ 500a098100000000                                            online
   ├─ 500a098100000001                                            online
   ├─ 500a098100000002                                            online
   └─ 500a098100000003                                            online
host1 fc lpfc LPe32002-M2 0000:3b:00.1 10000090fa000001           online
└─ fabric 100050eb1a000001, switch 6 port 10
   ├─ 500a098101000000                                            online
   ├─ 500a098101000001                                            online
   ├─ 500a098101000002                                            online
   └─ 500a098101000003                                            online

LUNs
mpath0 dm-0 naa.600a0980383030537a00000000000000 NETAPP LUN C-Mode  4 of 4 paths usable, only one adapter
├─ sda0 host0 → 500a098100000000                                  optimized
├─ sdb0 host1 → 500a098101000000                                  optimized
├─ sdc0 host0 → 500a098100000001                                  non_optimized
├─ sdd0 host1 → 500a098101000001                                  non_optimized
└─ on it: /data
mpath1 dm-1 naa.600a0980383030537a00000000000001 NETAPP LUN C-Mode  4 of 4 paths usable, only one adapter
├─ sda1 host0 → 500a098100000002                                  optimized
├─ sdb1 host1 → 500a098101000002                                  optimized
├─ sdc1 host0 → 500a098100000003                                  non_optimized
├─ sdd1 host1 → 500a098101000003                                  non_optimized
├─ on it: /data
└─ on it: /logs
`},
		{"fabric lost", read(t, fabricLost.Replace), TreeOptions{ASCII: true}, `SAN of db1: degraded, 2 ports (1 lost), 8 target ports (4 lost), 2 LUNs (2 degraded), 2 file systems (2 degraded)

Ports
host0 fc lpfc LPe32002-M2 0000:3b:00.0 10000090fa000000           online
` + "`-" + ` fabric 100050eb1a000000, switch 5 port 10
   |- 500a098100000000                                            online
   |- 500a098100000001                                            online
   |- 500a098100000002                                            online
   ` + "`-" + ` 500a098100000003                                            online
host1 fc lpfc LPe32002-M2 0000:3b:00.1 10000090fa000001           LOST, linkdown
|- 500a098101000000                                               LOST, not_present
|- 500a098101000001                                               LOST, not_present
|- 500a098101000002                                               LOST, not_present
` + "`-" + ` 500a098101000003                                               LOST, not_present

LUNs
mpath0 dm-0 naa.600a0980383030537a00000000000000 NETAPP LUN C-Mode  DEGRADED, 2 of 4 paths usable, only one adapter
|- sda0 host0 -> 500a098100000000                                 optimized
|- sdb0 host1 -> 500a098101000000                                 LOST, offline
|- sdc0 host0 -> 500a098100000001                                 non_optimized
|- sdd0 host1 -> 500a098101000001                                 LOST, offline
` + "`-" + ` on it: /data
mpath1 dm-1 naa.600a0980383030537a00000000000001 NETAPP LUN C-Mode  DEGRADED, 2 of 4 paths usable, only one adapter
|- sda1 host0 -> 500a098100000002                                 optimized
|- sdb1 host1 -> 500a098101000002                                 LOST, offline
|- sdc1 host0 -> 500a098100000003                                 non_optimized
|- sdd1 host1 -> 500a098101000003                                 LOST, offline
|- on it: /data
` + "`-" + ` on it: /logs
`},
		{"no SAN", load(t, "hba/hba.none.prom"), TreeOptions{}, "SAN of db1: unknown, this host has no storage network that the collector hba knows\n"},
	} {
		var b strings.Builder
		if err := c.topology.WriteTree(&b, "db1", c.options); err != nil {
			t.Error(err)
		}
		if b.String() != c.want {
			t.Errorf("%s: want\n%s\nhave\n%s", c.name, c.want, &b)
		}
		// Colors add escape sequences, and change nothing else.
		var colored strings.Builder
		c.options.Color = true
		if err := c.topology.WriteTree(&colored, "db1", c.options); err != nil {
			t.Error(err)
		}
		if plain := regexp.MustCompile("\x1b\\[[0-9;]*m").ReplaceAllString(colored.String(), ""); plain != c.want {
			t.Errorf("%s: without colors:\n%s", c.name, plain)
		}
	}
}

func TestHealth(t *testing.T) {
	marginal := strings.NewReplacer(`health="optimized",path="sda0"`, `health="marginal",path="sda0"`,
		`health="optimized",sysfs_name="dm-0"} 2`, `health="optimized",sysfs_name="dm-0"} 1`,
		`health="marginal",sysfs_name="dm-0"} 0`, `health="marginal",sysfs_name="dm-0"} 1`)
	targetLost := strings.NewReplacer(`rport="rport-0:0-0",state="online"} 1`, `rport="rport-0:0-0",state="blocked"} 1`)
	for _, c := range []struct {
		name     string
		topology *Topology
		want     Health
		summary  string
	}{
		{"one path marginal", read(t, marginal.Replace), Degraded, "2 ports, 8 target ports, 2 LUNs (1 degraded), 2 file systems (1 degraded)"},
		{"a target lost", read(t, targetLost.Replace), Degraded, "2 ports, 8 target ports (1 lost), 2 LUNs, 2 file systems"},
		{"iSCSI session lost", load(t, "hba/hba.iscsi-offload.prom"), Degraded, "2 ports (1 lost), 2 target ports (1 lost), 1 LUN (1 degraded)"},
		{"NVMe over TCP", load(t, "hba/hba.nvme-tcp-vlans.prom"), OK, "3 ports, 4 target ports, 2 LUNs"},
		{"SAS shelf with two cables", load(t, "hba/hba.sas-two-cables.prom"), OK, "2 ports, 2 target ports, 2 LUNs"},
		{"a map without usable paths", load(t, "hba/hba.luns-health.prom"), Lost, "2 ports, 4 target ports (1 lost, 2 degraded), 5 LUNs (2 lost, 3 degraded)"},
	} {
		if have := strings.Join(c.topology.Summary, ", "); c.topology.Health != c.want || have != c.summary {
			t.Errorf("%s: want %s, %q, have %s, %q", c.name, c.want, c.summary, c.topology.Health, have)
		}
	}
}

// TestLargeHost tests that 2,000 LUNs with 8 paths each, two of them without one
// of their paths, fold into few groups.
func TestLargeHost(t *testing.T) {
	topology, err := parse(largeHost())
	if err != nil {
		t.Fatal(err)
	}
	groups := topology.Groups()
	if len(topology.LUNs) != 2000 || len(groups) != 2 || groups[0].First().Health != Degraded || len(groups[0].LUNs) != 2 || len(groups[1].LUNs) != 1998 {
		t.Errorf("%d LUNs in %d groups", len(topology.LUNs), len(groups))
	}
	if svg := topology.AppendSVG(nil, true); len(svg) > 64<<10 {
		t.Errorf("the picture has %d bytes", len(svg))
	}
	var b strings.Builder
	if err := topology.WriteTree(&b, "db1", TreeOptions{}); err != nil || strings.Count(b.String(), "\n") > 60 {
		t.Errorf("%v, %d lines", err, strings.Count(b.String(), "\n"))
	}
}

// TestLargeHostMemory bounds what the samples and the topology of a large host take
// together: a page of it must fit beside a scrape within the limit of the unit.
func TestLargeHostMemory(t *testing.T) {
	source, err := exposition.Parse(largeHost())
	if err != nil {
		t.Fatal(err)
	}
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	samples := NewSamples()
	samples.Observe(source)
	topology := samples.Topology()
	runtime.GC()
	runtime.ReadMemStats(&after)
	const paths = 2000 * 8
	if have := (int64(after.HeapAlloc) - int64(before.HeapAlloc)) / paths; have > 1024 {
		t.Errorf("%d bytes a path", have)
	} else {
		t.Logf("%d bytes a path", have)
	}
	runtime.KeepAlive(source)
	runtime.KeepAlive(samples)
	runtime.KeepAlive(topology)
}

func BenchmarkLargeHost(b *testing.B) {
	source, err := exposition.Parse(largeHost())
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		samples := NewSamples()
		samples.Observe(source)
		samples.Topology().AppendSVG(nil, false)
	}
}

func largeHost() []byte {
	var info, health, counts bytes.Buffer
	for l := range 2000 {
		lost := 0
		for p := range 8 {
			word := "optimized"
			if p == 7 && (l == 3 || l == 1000) {
				word, lost = "failed", 1
			}
			fmt.Fprintf(&info, "node_hba_multipath_path_info{device=\"mpath%d\",fc_host=\"host%d\",hctl=\"%d:0:%d:%d\",path=\"sd%d\",rport=\"\",scsi_host=\"host%[2]d\",sysfs_name=\"dm-%[1]d\",target_port=\"500a09810000000%[4]d\"} 1\n", l, p%4, p%4, p, l, l*8+p)
			fmt.Fprintf(&health, "node_hba_multipath_path_health{device=\"mpath%d\",health=%q,path=\"sd%d\"} 1\n", l, word, l*8+p)
		}
		fmt.Fprintf(&counts, "node_hba_multipath_paths{device=\"mpath%d\",health=\"failed\",sysfs_name=\"dm-%[1]d\"} %d\nnode_hba_multipath_paths{device=\"mpath%[1]d\",health=\"optimized\",sysfs_name=\"dm-%[1]d\"} %[3]d\n", l, lost, 8-lost)
	}
	return slices.Concat([]byte("# TYPE node_hba_multipath_path_info gauge\n"), info.Bytes(), []byte("# TYPE node_hba_multipath_path_health gauge\n"), health.Bytes(), []byte("# TYPE node_hba_multipath_paths gauge\n"), counts.Bytes())
}

// TestSVG tests that the picture of every recorded host is XML, and that its boxes
// and lines have classes and no style of their own.
func TestSVG(t *testing.T) {
	cases, err := filepath.Glob(hbaCases + "hba*.prom")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range cases {
		svg := load(t, "hba/"+filepath.Base(path)).AppendSVG(nil, false)
		d := xml.NewDecoder(bytes.NewReader(svg))
		for {
			token, err := d.Token()
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatalf("%s: %v", path, err)
			}
			if e, ok := token.(xml.StartElement); ok && (e.Name.Local == "style" || slices.ContainsFunc(e.Attr, func(a xml.Attr) bool { return a.Name.Local == "style" })) {
				t.Errorf("%s: <%s> has a style", path, e.Name.Local)
			}
		}
	}
}

// TestHostileNames tests that names of targets, which others choose, change neither
// the picture nor the terminal.
func TestHostileNames(t *testing.T) {
	text := "# TYPE node_hba_iscsi_session_info gauge\n" +
		"node_hba_iscsi_session_info{portal=\"192.0.2.1:3260\",scsi_host=\"host1\",session=\"session1\",target=\"<script>x</script>\\\"\x1b[2J\"} 1\n"
	topology, err := parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	svg := string(topology.AppendSVG(nil, false))
	var tree strings.Builder
	if err := topology.WriteTree(&tree, "db1", TreeOptions{}); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(svg, "<script") || !strings.Contains(svg, "&lt;script&gt;") || strings.Contains(svg+tree.String(), "\x1b") {
		t.Errorf("%s\n%s", svg, &tree)
	}
}
