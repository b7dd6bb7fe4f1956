package network

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/procfs"

	"github.com/hostexporter/host_exporter/collector/internal/test/golden"
)

// wantLnstat returns the samples of files as procfs parses them.
func wantLnstat(files []procfs.NetStat) map[string]float64 {
	want := map[string]float64{}
	for _, f := range files {
		for column, values := range f.Stats {
			for cpu, v := range values {
				want[fmt.Sprintf("node_lnstat_%s_total{cpu=%q,subsystem=%q}", column, fmt.Sprint(cpu), f.Filename)] = float64(v)
			}
		}
	}
	return want
}

func TestLnstatMatchesProcfs(t *testing.T) {
	for archive, files := range map[string][]string{
		"lnstat.host":                   {"arp_cache", "ndisc_cache", "nf_conntrack", "rt_cache"},
		"lnstat.recorded-synproxy.host": {"arp_cache", "ndisc_cache", "nf_conntrack", "rt_cache", "synproxy"},
		"lnstat.old-kernel.host":        {"ip_conntrack", "rt_cache"},
	} {
		b := golden.NewWorkbench(t, lnstat.Build, nil)
		for _, name := range files {
			b.Proc("net/stat/"+name, golden.Content(t, testdata+"/"+archive, "proc/net/stat/"+name))
		}
		have, errs := b.Update()
		if errs != nil {
			t.Fatal(errs)
		}
		parsed, err := procfsOf(t, b).NetStat()
		if err != nil {
			t.Fatal(err)
		}
		golden.SameSamples(t, have, wantLnstat(parsed))
	}
}

// TestLnstatColumns checks that each inherited family is declared, and no other.
func TestLnstatColumns(t *testing.T) {
	var have, want []string
	for _, c := range lnstatColumns() {
		have = append(have, "node_lnstat_"+c.name+"_total")
	}
	for name, c := range golden.Inherited(t) {
		if c.Collector == lnstat.Name {
			want = append(want, name)
		}
	}
	slices.Sort(have)
	slices.Sort(want)
	if !slices.Equal(have, want) {
		t.Errorf("have %v, want %v", have, want)
	}
}

// lnstatFile returns a file with all columns and distinct values.
func lnstatFile(cpus int) string {
	var b strings.Builder
	for _, c := range lnstatColumns() {
		b.WriteString(c.name + " ")
	}
	for cpu := range cpus {
		b.WriteByte('\n')
		for i := range lnstatColumns() {
			fmt.Fprintf(&b, "%08x ", cpu<<16+i)
		}
	}
	b.WriteByte('\n')
	return b.String()
}

func manyCPUsLnstat(t testing.TB) *golden.Workbench {
	b := golden.NewWorkbench(t, lnstat.Build, nil)
	for _, name := range []string{"arp_cache", "ndisc_cache"} {
		b.Proc("net/stat/"+name, lnstatFile(256))
	}
	return b
}

func TestLnstatAllocates(t *testing.T) { manyCPUsLnstat(t).Allocs(0) }

func BenchmarkLnstat(b *testing.B) { manyCPUsLnstat(b).Steady() }

// FuzzLnstat checks that no file causes a panic or a duplicate sample, and that
// the samples of another file are complete.
func FuzzLnstat(f *testing.F) {
	f.Add("entries allocs\n00000001 00000002\n1 2 3\n")
	f.Add("a a\n1 2\n\n-1 0x\n")
	f.Add("wq_add\n-3\n")
	f.Fuzz(func(t *testing.T, text string) {
		b := golden.NewWorkbench(t, lnstat.Build, nil)
		b.Proc("net/stat/arp_cache", text)
		b.Proc("net/stat/nf_flowtable", text)
		b.Proc("net/stat/rt_cache", "in_brd\n0000000a\n0000000b\n")
		have, _ := b.Update()
		if have[`node_lnstat_in_brd_total{cpu="1",subsystem="rt_cache"}`] != 11 {
			t.Errorf("a sample of the well-formed file is missing: %v", have)
		}
	})
}
