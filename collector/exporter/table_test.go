package exporter

import (
	"bytes"
	"regexp"
	"strings"
	"testing"

	"github.com/hostexporter/host_exporter/collector"
	"github.com/hostexporter/host_exporter/collector/internal/test/golden"
)

// TestTable writes the table of a recorded host.
func TestTable(t *testing.T) {
	settings, _ := NewSettings()
	if err := settings.Only(collector.Catalog(), []string{"loadavg", "meminfo", "diskstats"}); err != nil {
		t.Fatal(err)
	}
	e, err := New(Config{MetricsPath: "/metrics", Settings: settings, host: golden.Load(t, "../../testdata/hosts/san.host", t.TempDir())})
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := e.Once(t.Context(), &out, "table"); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`(?m)^node_load1 +\d+(\.\d+)? +Load average over 1 minute`,
		`(?m)^node_memory_MemTotal_bytes +\d+ \(\d+(\.\d+)? [GM]iB\) +Field`,
		`(?m)^node_disk_read_bytes_total: .*\n  DEVICE +VALUE\n  dm-0 +\d+`,
	} {
		if !regexp.MustCompile(want).MatchString(out.String()) {
			t.Errorf("want %s in\n%s", want, &out)
		}
	}
	if strings.Contains(out.String(), "build_info") {
		t.Errorf("the exporter itself is in\n%s", &out)
	}
}

func TestBinaryBytes(t *testing.T) {
	for v, want := range map[float64]string{1024: "1 KiB", 1536: "1.5 KiB", 5 << 40: "5 TiB", 1 << 52: "4 PiB", 1 << 62: "4096 PiB"} {
		if have := binaryBytes(v); have != want {
			t.Errorf("%v: have %s, want %s", v, have, want)
		}
	}
}
