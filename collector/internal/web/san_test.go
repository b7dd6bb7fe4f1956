package web

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/go-kit/log"

	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/santopo"
	"github.com/hostexporter/host_exporter/collector/internal/scrape"
	"github.com/hostexporter/host_exporter/collector/internal/test/exposition"
)

// sanHandler returns the handler of a server with the topology of a scrape.
func sanHandler(t *testing.T, text []byte) http.Handler {
	t.Helper()
	metrics := NewMetrics(MetricsConfig{Engine: scrape.NewEngine(), Log: log.NewNopLogger(), Connections: NewConnections(100), MaxRequests: 1, MaxWaiting: 8 << 20})
	h, err := NewHandler(Config{Metrics: metrics, MetricsPath: "/metrics", Hostname: "db1", Now: time.Now, Units: func() []*collect.Unit { return nil }, SAN: func(context.Context) (*santopo.Topology, error) {
		if text == nil {
			return nil, errors.New("no scrape")
		}
		source, err := exposition.Parse(text)
		if err != nil {
			return nil, err
		}
		samples := santopo.NewSamples()
		samples.Observe(source)
		return samples.Topology(), nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func getSAN(h http.Handler, hostname string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodGet, "/san", nil)
	r.Host = hostname
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

var styleElement = regexp.MustCompile(`(?s)<style>(.*?)</style>`)

func TestSANPage(t *testing.T) {
	text, err := os.ReadFile("../../../testdata/hba/hba.luns-linkdown.prom")
	if err != nil {
		t.Fatal(err)
	}
	w := getSAN(sanHandler(t, text), "localhost")
	page := w.Body.String()
	for _, want := range []string{"<title>SAN · db1</title>", `<svg class="san"`, `<tr id="port-2"><td>host8</td>`, "linkdown", "not_present", "mpatha", "1 of 2 paths usable", "2000525400cc0002"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page has no %s:\n%s", want, page)
		}
	}
	for _, not := range []string{"<script>", "style=", "ZgotmplZ"} {
		if strings.Contains(page, not) {
			t.Errorf("the page has %s", not)
		}
	}
	if have, want := w.Header().Get("Content-Security-Policy"), contentSecurityPolicy(styleElement.FindStringSubmatch(page)[1]); have != want {
		t.Errorf("the policy is %s, the style of the page needs %s", have, want)
	}
	if w := getSAN(sanHandler(t, text), "evil.example"); w.Code != http.StatusForbidden {
		t.Errorf("another name: %d", w.Code)
	}
	if w := getSAN(sanHandler(t, nil), "localhost"); w.Code != http.StatusInternalServerError {
		t.Errorf("without a scrape: %d", w.Code)
	}
}

// TestSANPageOfLargeHost tests that the page of 2,000 LUNs with 8 paths each has
// less than 1 MiB, and each path: whether they share the ports of an array, or each
// is a disk with ports of its own.
func TestSANPageOfLargeHost(t *testing.T) {
	testLargePage(t, func(_, p int) string { return fmt.Sprintf("500a09810000000%d", p) })
	testLargePage(t, func(l, p int) string { return fmt.Sprintf("5000c5000%04d%04d", l, p) })
}

func testLargePage(t *testing.T, target func(lun, path int) string) {
	t.Helper()
	var paths, counts bytes.Buffer
	for l := range 2000 {
		for p := range 8 {
			fmt.Fprintf(&paths, "node_hba_multipath_path_info{device=\"mpath%d\",path=\"sd%d\",fc_host=\"host%d\",scsi_host=\"host%[3]d\",sysfs_name=\"dm-%[1]d\",target_port=\"%[4]s\"} 1\n", l, l*8+p, p%4, target(l, p))
		}
		fmt.Fprintf(&counts, "node_hba_multipath_paths{device=\"mpath%d\",health=\"optimized\",sysfs_name=\"dm-%[1]d\"} 8\n", l)
	}
	text := "# TYPE node_hba_multipath_path_info gauge\n" + paths.String() + "# TYPE node_hba_multipath_paths gauge\n" + counts.String()
	w := getSAN(sanHandler(t, []byte(text)), "localhost")
	if n := w.Body.Len(); w.Code != http.StatusOK || n > 1<<20 || !strings.Contains(w.Body.String(), "<td>sd15999") {
		t.Errorf("%d, %d bytes", w.Code, n)
	}
}
