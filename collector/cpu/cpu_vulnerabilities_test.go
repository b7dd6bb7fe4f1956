package cpu

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/prometheus/procfs/sysfs"

	"github.com/hostexporter/host_exporter/collector/internal/test/golden"
)

// TestCPUVulnerabilitiesMatchProcfs compares states and mitigations with procfs. That
// does not know the state in texts such as "KVM: Vulnerable".
func TestCPUVulnerabilitiesMatchProcfs(t *testing.T) {
	for _, name := range []string{"", ".linux-6.1", ".states"} {
		w := golden.NewWorkbench(t, cpuVulnerabilities.Build, nil)
		golden.Load(t, filepath.Join(testdata, "cpu_vulnerabilities"+name+".host"), w.Root)
		have, errs := w.Update()
		if errs != nil {
			t.Fatal(errs)
		}
		fs, err := sysfs.NewFS(filepath.Join(w.Root, "sys"))
		if err != nil {
			t.Fatal(err)
		}
		all, err := fs.CPUVulnerabilities()
		if err != nil {
			t.Fatal(err)
		}
		want := map[string]float64{}
		for _, v := range all {
			state := sysfs.VulnerabilityHumanEncoding[v.State]
			switch {
			case v.Mitigation == "KVM: Vulnerable", v.Mitigation == "Processor vulnerable":
				state = "vulnerable"
			case strings.HasPrefix(v.Mitigation, "KVM: Mitigation: "):
				state = "mitigation"
			}
			want[fmt.Sprintf("node_cpu_vulnerabilities_info{codename=%q,state=%q,mitigation=%q}", v.CodeName, state, v.Mitigation)] = 1
		}
		golden.SameSamples(t, have, want)
	}
}

func TestCPUVulnerabilitiesDoNotAllocate(t *testing.T) {
	w := golden.NewWorkbench(t, cpuVulnerabilities.Build, nil)
	golden.Load(t, filepath.Join(testdata, "cpu_vulnerabilities.host"), w.Root)
	w.Allocs(0)
}
