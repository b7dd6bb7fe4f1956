package e2e

import (
	"io"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hostexporter/host_exporter/collector/internal/test/growth"
)

// TestEndToEndLargeSAN asks for everything of a host with 500 LUNs of 8 paths at once,
// pages and metrics in each format, within 56 MiB: four times as many are within the limit
// of the unit. The files are in memory, since the cache of a disk counts, and that of
// sysfs is small.
func TestEndToEndLargeSAN(t *testing.T) {
	requireE2E(t)
	root, err := os.MkdirTemp("/dev/shm", "host_exporter-e2e")
	if err != nil {
		t.Skip(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(root) })
	if err := growth.WriteSAN(root, 500, 8); err != nil {
		t.Fatal(err)
	}
	e := withMemory(t, 56<<20, "checks: {}\n", "--path.sysfs="+root)
	e.until(time.Minute, "all paths are exported", func(s samples) bool { return s.sum("node_hba_multipath_path_info") == 500*8 })
	var wg sync.WaitGroup
	for _, r := range []struct {
		path, accept string
		want         int
	}{
		{"/", "text/html", 200}, {"/san", "text/html", 200}, {"/expectations", "text/html", 200}, {"/collectors/hba", "text/html", 200},
		{"/metrics", "text/plain", 200}, {"/metrics", "application/openmetrics-text", 406}, {"/metrics?checked=1", "text/plain", 406},
		{"/metrics", "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited", 406},
	} {
		wg.Go(func() {
			for range 3 {
				code, body := e.ask(r.path, r.accept)
				if code != r.want || r.path == "/san" && !strings.Contains(body, "500 LUNs") {
					t.Errorf("%s %s: %d, want %d: %.2000s", r.path, r.accept, code, r.want, body)
				}
			}
		})
	}
	wg.Wait()
}

// ask returns the status of a response and its body; 0 for none.
func (e *exporter) ask(path, accept string) (code int, body string) {
	req, err := http.NewRequest(http.MethodGet, e.url+path, nil)
	if err != nil {
		return 0, err.Error()
	}
	req.Header.Set("Accept", accept)
	resp, err := (&http.Client{Timeout: time.Minute}).Do(req)
	if err != nil {
		return 0, err.Error()
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		return 0, err.Error()
	}
	return resp.StatusCode, string(b)
}
