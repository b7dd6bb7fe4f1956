package network

import (
	"reflect"
	"strings"
	"testing"

	"github.com/hostexporter/host_exporter/collector/internal/metric"
	"github.com/hostexporter/host_exporter/collector/internal/test/golden"
)

// allFields exports every counter.
var allFields = map[string][]string{"fields": {"."}}

// TestNetstatMatchesProcfs compares the counters of a recorded host with those
// that procfs has.
func TestNetstatMatchesProcfs(t *testing.T) {
	b := golden.NewWorkbench(t, netstat.Build, allFields)
	for _, dir := range []string{"net/", "1/net/"} { // procfs reads the files of a process
		for _, f := range []string{"netstat", "snmp", "snmp6"} {
			b.Proc(dir+f, golden.Content(t, testdata+"/netstat.recorded.host", "proc/net/"+f))
		}
	}
	have, errs := b.Update()
	if errs != nil {
		t.Fatal(errs)
	}
	proc, err := procfsOf(t, b).Proc(1)
	if err != nil {
		t.Fatal(err)
	}
	netstat, err1 := proc.Netstat()
	snmp, err2 := proc.Snmp()
	snmp6, err3 := proc.Snmp6()
	if err1 != nil || err2 != nil || err3 != nil {
		t.Fatal(err1, err2, err3)
	}
	compared := 0
	for _, protocols := range []any{netstat, snmp, snmp6} {
		v := reflect.ValueOf(protocols)
		for i := range v.NumField() {
			if v.Field(i).Kind() != reflect.Struct {
				continue // the process ID
			}
			for j := range v.Field(i).NumField() {
				want, ok := v.Field(i).Field(j).Interface().(*float64)
				if !ok || want == nil {
					continue
				}
				key := "node_netstat_" + v.Type().Field(i).Name + "_" + v.Field(i).Type().Field(j).Name
				if got, ok := have[key]; !ok || got != *want {
					t.Errorf("%s is %v, want %v", key, got, *want)
				}
				compared++
			}
		}
	}
	if compared < 200 {
		t.Errorf("only %d counters compared", compared)
	}
}

// TestNetstatLinesChange gives one collector files whose lines come, go and
// change places, so that its tables never fit.
func TestNetstatLinesChange(t *testing.T) {
	b := golden.NewWorkbench(t, netstat.Build, allFields)
	b.Proc("net/snmp", "")
	for i, step := range []struct {
		content string
		want    map[string]float64
	}{
		{"A: x y\nA: 1 2\nB: z\nB: 3\n", map[string]float64{"A_x": 1, "A_y": 2, "B_z": 3}},
		{"B: z\nB: 4\nA: x y\nA: 5 6\n", map[string]float64{"A_x": 5, "A_y": 6, "B_z": 4}},
		{"A: y x\nA: 7 8\n", map[string]float64{"A_y": 7, "A_x": 8}},
		{"", map[string]float64{}},
		{"A: y x w\nA: 7 8 9\nC:\nC:\nB: z\nB: -1\n", map[string]float64{"A_y": 7, "A_x": 8, "A_w": 9, "B_z": -1}},
	} {
		b.Proc("net/netstat", step.content)
		have, errs := b.Update()
		if errs != nil {
			t.Errorf("step %d: %v", i, errs)
		}
		want := map[string]float64{}
		for k, v := range step.want {
			want["node_netstat_"+k] = v
		}
		if !reflect.DeepEqual(have, want) {
			t.Errorf("step %d: have %v, want %v", i, have, want)
		}
	}
}

func TestSplitKey6(t *testing.T) {
	for name, want := range map[string]string{
		"Ip6InReceives": "Ip6_InReceives", "Icmp6OutType133": "Icmp6_OutType133", "UdpLite6InErrors": "UdpLite6_InErrors",
		"6": "6_", "InReceives": "", "": "",
	} {
		if key, ok := splitKey6(name); key != want || ok != (want != "") {
			t.Errorf("%q: %q, %v, want %q", name, key, ok, want)
		}
	}
}

// FuzzNetstat checks that no lines cause a panic, or the loss of the samples of
// a well-formed pair before them.
func FuzzNetstat(f *testing.F) {
	f.Add("Udp: InErrors NoPorts\nUdp: 1 2\n", "Udp6InErrors 3\n")
	f.Add("Udp: InErrors NoPorts\nUdp: 1\nTcp: a\nTcp: -1\n", "Udp6InErrors\n")
	f.Add("Udp:\nUdp:\n:\n:", "6")
	f.Add("Good: x\n", "\x00")
	f.Fuzz(func(t *testing.T, pairs, lines6 string) {
		b := golden.NewWorkbench(t, netstat.Build, allFields)
		b.Proc("net/netstat", "Good: a b\nGood: 1 2\n"+pairs)
		b.Proc("net/snmp", "")
		b.Proc("net/snmp6", "Good6c 3\n"+lines6)
		for range 2 {
			b.Out.Reset(metric.Text)
			_ = b.Collector.Update(t.Context(), b.Out)
			text := string(b.Out.AppendText(nil, nil, func(string) bool { return false }))
			for _, sample := range []string{"Good_a 1\n", "Good_b 2\n", "Good6_c 3\n"} {
				if !strings.Contains(text, "\nnode_netstat_"+sample) {
					t.Errorf("%q is missing:\n%s", sample, text)
				}
			}
		}
	})
}

func BenchmarkNetstat(b *testing.B) {
	n := golden.NewWorkbench(b, netstat.Build, nil)
	for _, f := range []string{"netstat", "snmp", "snmp6"} {
		n.Proc("net/"+f, golden.Content(b, testdata+"/netstat.recorded.host", "proc/net/"+f))
	}
	n.Steady()
}

func TestNetstatAllocates(t *testing.T) {
	n := golden.NewWorkbench(t, netstat.Build, allFields)
	for _, f := range []string{"netstat", "snmp", "snmp6"} {
		n.Proc("net/"+f, golden.Content(t, testdata+"/netstat.recorded.host", "proc/net/"+f))
	}
	n.Allocs(0)
}
