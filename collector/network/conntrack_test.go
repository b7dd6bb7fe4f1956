package network

import (
	"strings"
	"testing"

	"github.com/hostexporter/host_exporter/collector/internal/test/golden"
)

const conntrackNames = "entries  clashres found new invalid ignore delete chainlength insert insert_failed drop early_drop icmp_error  expect_new expect_create expect_delete search_restart\n"

// TestConntrackMatchesProcfs compares the sums with those of procfs, which
// finds columns by position.
func TestConntrackMatchesProcfs(t *testing.T) {
	for _, archive := range []string{"conntrack.recorded.host", "conntrack.host", "conntrack.old-kernel.host"} {
		b := golden.NewWorkbench(t, conntrack.Build, nil)
		b.Proc("sys/net/netfilter/nf_conntrack_count", "1\n")
		b.Proc("sys/net/netfilter/nf_conntrack_max", "2\n")
		b.Proc("net/stat/nf_conntrack", golden.Content(t, testdata+"/"+archive, "proc/net/stat/nf_conntrack"))
		have, errs := b.Update()
		if errs != nil {
			t.Fatal(errs)
		}
		cpus, err := procfsOf(t, b).ConntrackStat()
		if err != nil {
			t.Fatal(err)
		}
		want := map[string]uint64{"_entries": 1, "_entries_limit": 2}
		for _, c := range cpus {
			want["_stat_found"] += c.Found
			want["_stat_invalid"] += c.Invalid
			want["_stat_ignore"] += c.Ignore
			want["_stat_insert"] += c.Insert
			want["_stat_insert_failed"] += c.InsertFailed
			want["_stat_drop"] += c.Drop
			want["_stat_early_drop"] += c.EarlyDrop
			want["_stat_search_restart"] += c.SearchRestart
		}
		if len(have) != len(want) {
			t.Errorf("%s: have %v, want %v", archive, have, want)
		}
		for name, v := range want {
			if have["node_nf_conntrack"+name] != float64(v) {
				t.Errorf("%s: %s is %v, want %v", archive, name, have["node_nf_conntrack"+name], v)
			}
		}
	}
}

func TestConntrackTable(t *testing.T) {
	many := strings.Repeat("x ", maxConntrackColumns)
	for _, c := range []struct {
		name, text string
		drop       uint64
		ok         bool
		err        string
	}{
		{"two CPUs", "entries drop\n1 a\n1 1f\n", 0x29, true, ""},
		{"no CPU", "entries drop\n", 0, true, ""},
		{"no such column", "entries found\n1 2\n", 0, false, ""},
		{"an empty file", "", 0, false, "1: want column names"},
		{"no names", "00000001 00000002\n", 0, false, "1: want column names"},
		{"too many names", "entries " + many + "\n", 0, false, "1: want column names"},
		{"too many numbers", "entries drop\n1 2 3\n", 0, false, "2: want a number for each name"},
		{"far too many numbers", "entries drop\n1 2 " + many + many + "\n", 0, false, "2: want a number for each name"},
		{"too few numbers", "entries drop\n1 2\n1\n", 0, false, "3: want a number for each name"},
		{"a word", "entries drop\n1 some\n", 0, false, "2: want hexadecimal"},
	} {
		var table conntrackTable
		err := table.parse([]byte(c.text))
		if c.err != "" {
			if err == nil || !strings.Contains(err.Error(), c.err) {
				t.Errorf("%s: error %v, want %q", c.name, err, c.err)
			}
			continue
		}
		column, ok := table.column("drop")
		var drop uint64
		for cpu := range table.cpus() {
			if ok {
				drop += table.values[cpu*table.columns+column]
			}
		}
		if err != nil || drop != c.drop || ok != c.ok {
			t.Errorf("%s: %d, %v, %v, want %d, %v", c.name, drop, ok, err, c.drop, c.ok)
		}
	}
}

// FuzzConntrack checks that the parser does not panic and sums up complete lines only,
// as procfs does.
func FuzzConntrack(f *testing.F) {
	f.Add(conntrackNames + strings.Repeat("00000001 ", 17) + "\n")
	f.Add("entries drop\n1 2\n1\n")
	f.Add("entries\n\n")
	f.Fuzz(func(t *testing.T, text string) {
		var table conntrackTable
		if err := table.parse([]byte(text)); err == nil && table.cpus() != len(strings.Split(strings.TrimSuffix(text, "\n"), "\n"))-1 {
			t.Errorf("%d lines counted in %q", table.cpus(), text)
		}
		lines, isRecorded := strings.CutPrefix(text, conntrackNames)
		if !isRecorded || !golden.IsPlain(text) {
			return
		}
		b := golden.NewWorkbench(t, conntrack.Build, nil)
		b.Proc("sys/net/netfilter/nf_conntrack_count", "1\n")
		b.Proc("sys/net/netfilter/nf_conntrack_max", "2\n")
		b.Proc("net/stat/nf_conntrack", text)
		have, errs := b.Update()
		cpus, err := procfsOf(t, b).ConntrackStat()
		if errs != nil || err != nil {
			return
		}
		var found, drop uint64
		for _, c := range cpus {
			found += c.Found
			drop += c.Drop
		}
		if have["node_nf_conntrack_stat_found"] != float64(found) || have["node_nf_conntrack_stat_drop"] != float64(drop) {
			t.Errorf("%q: have %v, procfs has %d and %d", lines, have, found, drop)
		}
	})
}

func BenchmarkConntrack(b *testing.B) {
	n := golden.NewWorkbench(b, conntrack.Build, nil)
	n.Proc("sys/net/netfilter/nf_conntrack_count", "1\n")
	n.Proc("sys/net/netfilter/nf_conntrack_max", "2\n")
	n.Proc("net/stat/nf_conntrack", conntrackNames+strings.Repeat(strings.Repeat("0000000f ", 17)+"\n", 64))
	n.Steady()
}
