package exporter

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hostexporter/host_exporter/collector/internal/test/golden"
)

// TestSuggestedExpectationsHold loads what is suggested for a recorded host, and
// evaluates it on the same host.
func TestSuggestedExpectationsHold(t *testing.T) {
	for file, want := range map[string][]string{
		"hosts/san": {"fc-ports: ", "fc-target-ports: ", "multipath-adapter: ", "mounts: ", "interfaces: "},
		// A host with a fault: what is down is a comment.
		"hba/hba.iscsi-path-failed": {"iscsi-sessions: 'count(node_hba_iscsi_session_state{state=\"logged_in\"} == 1) >= 2", "# 1 of 3 sessions are not logged in now."},
		"storage/mdadm":             {`md-md0: 'node_md_disks{device="md0",state="active"} >= 2'`, "Degraded now: 1 of 2 members are active."},
		"network/bonding":           {"bond-"},
		"kernel/loadavg":            {"expect: {}"},
	} {
		t.Run(file, func(t *testing.T) {
			h := golden.Load(t, "../../testdata/"+file+".host", t.TempDir())
			e, err := New(Config{MetricsPath: "/metrics", host: h})
			if err != nil {
				t.Fatal(err)
			}
			var out strings.Builder
			if err := e.SuggestExpectations(t.Context(), &out); err != nil {
				t.Fatal(err)
			}
			for _, w := range want {
				if !strings.Contains(out.String(), w) {
					t.Errorf("want %s in\n%s", w, out.String())
				}
			}
			path := filepath.Join(t.TempDir(), "expect.yml")
			if err := os.WriteFile(path, []byte(out.String()), 0o644); err != nil {
				t.Fatal(err)
			}
			e, err = New(Config{MetricsPath: "/metrics", host: h, File: path})
			if err != nil {
				t.Fatalf("%v\n%s", err, out.String())
			}
			var text strings.Builder
			_ = e.Once(t.Context(), &text, "text")
			for line := range strings.Lines(text.String()) {
				name, _, _ := strings.Cut(strings.TrimPrefix(line, `host_exporter_expectation_ok{name="`), `"`)
				degraded := strings.HasPrefix(name, "md-") || strings.HasPrefix(name, "bond-") // their comment says so
				if strings.HasPrefix(line, "host_exporter_expectation_ok{") && strings.HasSuffix(line, " 0\n") && !degraded {
					t.Errorf("%s does not hold:\n%s", name, out.String())
				}
			}
			if n := strings.Count(text.String(), "\nhost_exporter_expectation_ok{"); n == 0 && file != "kernel/loadavg" {
				t.Errorf("no expectation was evaluated:\n%s", out.String())
			}
		})
	}
}
