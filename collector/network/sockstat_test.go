package network

import (
	"strings"
	"testing"

	"github.com/hostexporter/host_exporter/collector/internal/test/golden"
)

// TestSockstatMatchesProcfs compares the numbers of a recorded host with those
// of procfs.
func TestSockstatMatchesProcfs(t *testing.T) {
	b := golden.NewWorkbench(t, sockstat.Build, nil)
	for _, f := range []string{"net/sockstat", "net/sockstat6"} {
		b.Proc(f, golden.Content(t, testdata+"/sockstat.recorded.host", "proc/"+f))
	}
	have, errs := b.Update()
	if errs != nil {
		t.Fatal(errs)
	}
	v4, err4 := procfsOf(t, b).NetSockstat()
	v6, err6 := procfsOf(t, b).NetSockstat6()
	if err4 != nil || err6 != nil {
		t.Fatal(err4, err6)
	}
	want := map[string]int{"sockets_used": *v4.Used}
	for _, p := range append(v4.Protocols, v6.Protocols...) {
		want[p.Protocol+"_inuse"] = p.InUse
		for key, v := range map[string]*int{"orphan": p.Orphan, "tw": p.TW, "alloc": p.Alloc, "mem": p.Mem, "memory": p.Memory} {
			if v != nil {
				want[p.Protocol+"_"+key] = *v
			}
		}
		if p.Mem != nil {
			want[p.Protocol+"_mem_bytes"] = 4096 * *p.Mem
		}
	}
	if len(have) != len(want) {
		t.Errorf("have %v, want %v", have, want)
	}
	for key, v := range want {
		if got, ok := have["node_sockstat_"+key]; !ok || got != float64(v) {
			t.Errorf("%s is %v, want %v", key, got, v)
		}
	}
}

// FuzzSockstat checks that no line causes a panic, or the loss of the sample of
// a well-formed line behind it, that a malformed line is reported, and that numbers are
// those of procfs.
func FuzzSockstat(f *testing.F) {
	f.Add("TCP: inuse 1 mem 2")
	f.Add("TCP: inuse")
	f.Add(": a 1 a 2")
	f.Add("TCP: inuse 18446744073709551615")
	f.Fuzz(func(t *testing.T, line string) {
		if strings.Contains(line, "\n") {
			t.Skip("not one line")
		}
		b := golden.NewWorkbench(t, sockstat.Build, nil)
		b.Proc("net/sockstat", line+"\nGOOD: inuse 1\n")
		have, errs := b.Update()
		if len(have) == 0 {
			t.Error("the sample of the next line is missing")
		}
		if len(have) == 1 && errs == nil && strings.Trim(line, " \t\r\v\f") != "" {
			t.Errorf("%q has no sample and no error", line)
		}
		stat, err := procfsOf(t, b).NetSockstat()
		if errs != nil || err != nil || !golden.IsPlain(line) {
			return
		}
		for _, p := range stat.Protocols {
			for key, want := range map[string]*int{"inuse": &p.InUse, "orphan": p.Orphan, "tw": p.TW, "alloc": p.Alloc, "mem": p.Mem, "memory": p.Memory} {
				if v, ok := have["node_sockstat_"+p.Protocol+"_"+key]; ok && want != nil && v != float64(*want) {
					t.Errorf("%q: %s %s is %v, procfs has %d", line, p.Protocol, key, v, *want)
				}
			}
		}
	})
}

func BenchmarkSockstat(b *testing.B) {
	n := golden.NewWorkbench(b, sockstat.Build, nil)
	for _, f := range []string{"net/sockstat", "net/sockstat6"} {
		n.Proc(f, golden.Content(b, testdata+"/sockstat.recorded.host", "proc/"+f))
	}
	n.Steady()
}
