package kernel

import (
	"strings"
	"testing"

	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
	"github.com/hostexporter/host_exporter/collector/internal/test/golden"
)

// TestSysctlMatchesProcfs compares values with procfs, which knows decimal numbers
// of 64 bits with a sign.
func TestSysctlMatchesProcfs(t *testing.T) {
	for name, text := range map[string]string{
		"fs.file-nr": "1024\t0\t1631329\n", "kernel.pid_max": "32768\n", "kernel.panic_print": "0x1f\n",
		"kernel.sched_rt_runtime_us": "-1\n", "net.ipv4.ip_local_port_range": "32768 60999",
	} {
		file := "sys/" + strings.ReplaceAll(name, ".", "/")
		want, err := golden.Procfs(t, file, text).SysctlInts(name)
		if err != nil {
			t.Fatal(err)
		}
		w := golden.NewWorkbench(t, sysctl.Build, map[string][]string{"include": {name}})
		w.Proc(file, text)
		have, errs := w.Update()
		if errs != nil || len(have) != len(want) {
			t.Errorf("%s: %v, %v, want %v", name, have, errs, want)
		}
		for series, v := range have {
			i := 0
			if _, index, ok := strings.Cut(series, `{index="`); ok {
				i = int(index[0] - '0')
			}
			if v != float64(want[i]) {
				t.Errorf("%s is %v, procfs has %d", series, v, want[i])
			}
		}
	}
}

func TestSysctlOptions(t *testing.T) {
	type options = map[string][]string
	for _, test := range []struct {
		options options
		fails   string
	}{
		{options{"include": {"kernel.pid_max", "kernel.pid_max"}}, ""},
		{options{"include": {"kernel.pid_max"}, "include-info": {"kernel.pid_max"}}, ""},
		{options{"include": {"fs.file-nr", "fs.file-nr:total,current,max"}}, ""},
		{options{"include": {"kernel.pid_max", "kernel/pid_max"}}, "kernel.pid_max and kernel/pid_max would both be node_sysctl_kernel_pid_max"},
		{options{"include": {"a.b:c", "a.b.c"}}, "would both be node_sysctl_a_b_c"},
		{options{"include": {"a.b:c-d,c_d"}}, "would both be node_sysctl_a_b_c_d"},
		{options{"include": {"a.b", "a.b:"}}, `have "a.b:"`},
		{options{"include": {"a.b:x,,y"}}, `have "a.b:x,,y"`},
		{options{"include": {""}}, `have ""`},
		{options{"include": {"kernel"}}, `have the directory "kernel"`},
		{options{"include": {"kernel..pid_max"}}, `have "kernel..pid_max"`},
		{options{"include": {"net/../../1/environ"}}, `have "net/../../1/environ"`},
		{options{"include": {"net.//.//.1.environ"}}, `have "net.//.//.1.environ"`},
		{options{"include-info": {"/etc/passwd"}}, `have "/etc/passwd"`},
		{options{"include-info": {"kernel/"}}, `have "kernel/"`},
	} {
		_, err := sysctl.Build.New(&collect.Env{Host: &host.Host{}, Metrics: metric.NewSet()}, test.options)
		switch {
		case test.fails == "" && err != nil:
			t.Errorf("%v: %v", test.options, err)
		case test.fails != "" && (err == nil || !strings.Contains(err.Error(), test.fails)):
			t.Errorf("%v: %v, want %q", test.options, err, test.fails)
		}
	}
}

func TestSysctlPath(t *testing.T) {
	for name, want := range map[string]string{
		"kernel.pid_max":                         "kernel/pid_max",
		"net.ipv4.conf.eth0/1.forwarding":        "net/ipv4/conf/eth0.1/forwarding",
		"net/ipv4/conf/eth0.1/forwarding":        "net/ipv4/conf/eth0.1/forwarding",
		"net.ipv6.neigh.br-lan/2/3.retrans_time": "net/ipv6/neigh/br-lan.2.3/retrans_time",
		"kernel":                                 "kernel",
	} {
		if have := sysctlPath(name); have != want {
			t.Errorf("%s is at %s, want %s", name, have, want)
		}
	}
}

func TestParseSysctlNumber(t *testing.T) {
	for text, want := range map[string]float64{
		"0": 0, "-1": -1, "18446744073709551615": 1<<64 - 1, "-9223372036854775808": -1 << 63, "0x1f": 31, "0xffffffffffffffff": 1<<64 - 1,
	} {
		if v, ok := parseSysctlNumber([]byte(text)); !ok || v != want {
			t.Errorf("%s is %v, %v, want %v", text, v, ok, want)
		}
	}
	for _, text := range []string{"", "00", "007", "0x", "0X1", "1.5", "ff", "0-3", "1e3", "18446744073709551616", "-"} {
		if v, ok := parseSysctlNumber([]byte(text)); ok {
			t.Errorf("%s is %v, want none", text, v)
		}
	}
}
