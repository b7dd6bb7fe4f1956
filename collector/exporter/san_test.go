package exporter

import (
	"strings"
	"testing"

	"github.com/hostexporter/host_exporter/collector/internal/test/golden"
)

// TestSANPageOfStackedVolumes opens the page of the SAN of a host on which /data is on
// a volume of a map: the page follows it down, unless the operator has said no, and
// no scrape has more series for it.
func TestSANPageOfStackedVolumes(t *testing.T) {
	for _, c := range []struct {
		flag string
		want bool
	}{{"", true}, {"true", true}, {"false", false}} {
		settings, flags := NewSettings()
		h := golden.Load(t, "../../testdata/storage/blockstack.host", golden.TempDir(t))
		for _, f := range flags {
			if f.Name == "collector.blockstack" && c.flag != "" {
				if err := f.Set(c.flag); err != nil {
					t.Fatal(err)
				}
			}
		}
		e := newExporter(t, Config{host: h, Settings: settings})
		if have := strings.Contains(get(e, "/san").Body.String(), "/data"); have != c.want {
			t.Errorf("blockstack %q: the page has /data: %v", c.flag, have)
		}
		if have := strings.Contains(get(e, "/metrics").Body.String(), "node_block_stack_"); have != (c.flag == "true") {
			t.Errorf("blockstack %q: a scrape has the stack of block devices: %v", c.flag, have)
		}
	}
}
