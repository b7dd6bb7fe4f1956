package kernel

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"testing"

	"github.com/hostexporter/host_exporter/collector/internal/test/golden"
)

// FuzzLoadavg compares with procfs on texts that both accept.
func FuzzLoadavg(f *testing.F) {
	f.Add("0.20 0.18 0.12 1/80 11206\n")
	f.Add("1e3 -0 0x1p-2")
	f.Add("1 2 NaN")
	oracle := golden.NewOracle(f, "loadavg")
	f.Fuzz(func(t *testing.T, text string) {
		loads, err := parseLoadavg([]byte(text))
		if err != nil {
			return
		}
		for _, v := range loads {
			if v < 0 || math.IsNaN(v) || math.IsInf(v, 0) {
				t.Errorf("%q: have %v", text, loads)
			}
		}
		if want, err := oracle.Set(t, text).LoadAvg(); err == nil && loads != [3]float64{want.Load1, want.Load5, want.Load15} {
			t.Errorf("%q: have %v, procfs has %+v", text, loads, want)
		}
	})
}

// FuzzFilefd checks that numbers survive.
func FuzzFilefd(f *testing.F) {
	f.Add("1376\t0\t9223372036854775807\n")
	f.Add("-1 0 18446744073709551615")
	f.Add("1 2")
	f.Fuzz(func(t *testing.T, text string) {
		allocated, maximum, err := parseFilefd([]byte(text))
		if err != nil {
			return
		}
		a, m, err := parseFilefd(fmt.Appendf(nil, "%d 0 %d", allocated, maximum))
		if a != allocated || m != maximum || err != nil {
			t.Errorf("%q: have %d, %d, then %d, %d, %v", text, allocated, maximum, a, m, err)
		}
	})
}

// FuzzCgroupsLine compares with procfs on lines that both accept.
func FuzzCgroupsLine(f *testing.F) {
	f.Add("cpuset\t11\t2\t1")
	f.Add("a 0 4294967295 0")
	f.Add("a 1 2 3 4")
	oracle := golden.NewOracle(f, "cgroups")
	f.Fuzz(func(t *testing.T, line string) {
		name, groups, enabled, ok := parseCgroupsLine([]byte(line))
		if !ok || strings.ContainsAny(line, "\n\r\v\f#\u0085\u00a0") || len(line) > 1000 {
			return
		}
		all, err := oracle.Set(t, line+"\n").CgroupSummarys()
		if err != nil || len(all) != 1 {
			return
		}
		if want := all[0]; want.SubsysName != string(name) || want.Cgroups != int(groups) || want.Enabled != int(enabled) {
			t.Errorf("%q: have %s %d %d, procfs has %+v", line, name, groups, enabled, want)
		}
	})
}

// FuzzSysctl checks that an option leads to no file outside of /proc/sys, and that
// numbers are what strconv has.
func FuzzSysctl(f *testing.F) {
	f.Add("kernel.pid_max", "4194304")
	f.Add("net/ipv4/conf/eth0.1/forwarding", "-1")
	f.Add("net.ipv4.tcp_rmem:min,default,max", "0x1f")
	f.Add("kernel...x", "00")
	f.Fuzz(func(t *testing.T, option, number string) {
		if e, err := parseSysctlOption(option); err == nil {
			for element := range strings.SplitSeq(e.path, "/") {
				if element == "" || element == "." || element == ".." {
					t.Errorf("%q leads to %q", option, e.path)
				}
			}
			for _, name := range e.familyNames() {
				if !strings.HasPrefix(name, "node_sysctl_") || strings.ContainsAny(name, ".-/ ") {
					t.Errorf("%q has the family %q", option, name)
				}
			}
		}
		if v, ok := parseSysctlNumber([]byte(number)); ok {
			want, err := strconv.ParseInt(number, 0, 64)
			unsigned, err2 := strconv.ParseUint(number, 0, 64)
			if (err != nil || float64(want) != v) && (err2 != nil || float64(unsigned) != v) {
				t.Errorf("%q: have %v, strconv has %d, %v and %d, %v", number, v, want, err, unsigned, err2)
			}
		}
	})
}
