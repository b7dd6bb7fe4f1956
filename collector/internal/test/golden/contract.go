package golden

import (
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/hostexporter/host_exporter/collector/internal/collect"
)

// A Contract is what node_exporter's users rely on of one family.
type Contract struct {
	Collector string
	Off       bool // by default
	Family    string
	Type      string
	Labels    []string // sorted, with those that depend on options
}

// Inherited returns the families that a replacement of node_exporter must have,
// by name, from testdata/compatible-families.tsv.
func Inherited(t testing.TB) map[string]Contract {
	t.Helper()
	_, here, _, _ := runtime.Caller(0)
	b, err := os.ReadFile(filepath.Join(filepath.Dir(here), "../../../../testdata/compatible-families.tsv"))
	if err != nil {
		t.Fatal(err)
	}
	families := map[string]Contract{}
	for line := range strings.Lines(string(b)) {
		f := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		if len(f) != 5 || f[0] == "collector" {
			continue
		}
		c := Contract{Collector: f[0], Off: f[1] == "off", Family: f[2], Type: f[3]}
		if f[4] != "" {
			c.Labels = strings.Split(f[4], ",")
			slices.Sort(c.Labels)
		}
		families[c.Family] = c
	}
	return families
}

// InheritedKind reports whether a name follows a pattern in which the kernel
// or a driver makes up part of the name.
func InheritedKind(name string) bool {
	for _, prefix := range []string{
		"node_memory_", "node_vmstat_", "node_netstat_", "node_sockstat_", "node_zfs_", "node_lnstat_",
		"node_hwmon_", "node_ethtool_", "node_nf_conntrack_stat_", "node_sysctl_", "node_perf_",
	} {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return false
}

// alsoServedBy returns the second collector of an inherited family that has
// two: with fewer labels, and only while the first does not serve it.
func alsoServedBy(name string) string {
	if name == "node_cpu_frequency_hertz" {
		return "cpufreq"
	}
	return ""
}

// checkContract checks the families of a unit against the contract.
func checkContract(t testing.TB, u *collect.Unit, spec collect.Spec, inherited map[string]Contract) {
	t.Helper()
	for _, f := range u.Set().Families() {
		c, ok := inherited[f.Name()]
		if !ok {
			continue
		}
		if c.Collector != spec.Name && alsoServedBy(f.Name()) != spec.Name {
			t.Errorf("%s belongs to collector %s", f.Name(), c.Collector)
		}
		if c.Type != f.Type() {
			t.Errorf("%s is a %s, want %s", f.Name(), f.Type(), c.Type)
		}
		for _, l := range f.Labels() {
			if !slices.Contains(c.Labels, l) {
				t.Errorf("%s has label %s, want only %v", f.Name(), l, c.Labels)
			}
		}
	}
}
