package exporter

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/test/golden"
)

// TestFaultsOfOthers makes a system call of one collector of a whole host fail or hang.
// The samples of all others stay as they are, the failure is counted, and the next
// scrape is whole again.
func TestFaultsOfOthers(t *testing.T) {
	root := golden.TempDir(t)
	root, err := filepath.EvalSymlinks(root)
	if err != nil {
		t.Fatal(err)
	}
	h := golden.Load(t, "../../testdata/hosts/san.host", root)
	var failing string
	var fault func() error
	intercept := func(_ host.Call, path string, size int) (int, error) {
		if path == failing {
			return size, fault()
		}
		return size, nil
	}
	h.Proc, h.Sys = host.InterceptCalls(h.Proc, intercept), host.InterceptCalls(h.Sys, intercept)
	e, err := New(Config{MetricsPath: "/metrics", host: h})
	if err != nil {
		t.Fatal(err)
	}
	scrape := func(query string) string { return get(e, "/metrics"+query).Body.String() }
	whole := stable(scrape(""))
	for name, file := range blockedFiles {
		own := stable(scrape("?collect[]=" + name))
		others := slices.DeleteFunc(slices.Clone(whole), func(line string) bool { return slices.Contains(own, line) })
		for _, f := range []func() error{
			func() error { return unix.EIO },
			func() error { return unix.ENOMEM },
			func() error { return unix.EMFILE },
			func() error { return unix.EPERM },
			func() error { time.Sleep(200 * time.Millisecond); return unix.EIO }, // a slow device
		} {
			failing, fault = filepath.Join(root, file), f
			text := scrape("")
			failing = ""
			have := stable(text)
			for _, line := range others {
				if !slices.Contains(have, line) {
					t.Errorf("%s: %v: a sample of another collector is missing: %s", name, f(), line)
				}
			}
			if state := `host_exporter_collector_state{collector="` + name + `",reason="`; !strings.Contains(text, state+"error") && !strings.Contains(text, state+"partial") {
				t.Errorf("%s: %v: want the state error or partial", name, f())
			}
			if !strings.Contains(text, `host_exporter_collector_errors_total{collector="`+name+`"}`) {
				t.Errorf("%s: %v: want the error counted", name, f())
			}
			if again := stable(scrape("")); !slices.Equal(again, whole) {
				t.Errorf("%s: after %v: the next scrape is not whole", name, f())
			}
		}
	}
}

// stable returns the sorted samples of a text that are the same in each scrape of a host
// that does not change.
func stable(text string) []string {
	return slices.DeleteFunc(slices.Sorted(strings.Lines(text)), func(line string) bool {
		for _, prefix := range []string{"#", "host_exporter_collector_", "node_scrape_collector_", "go_", "process_"} {
			if strings.HasPrefix(line, prefix) {
				return true
			}
		}
		return false
	})
}
