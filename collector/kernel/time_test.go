package kernel

import (
	"strings"
	"testing"
	"time"

	"github.com/hostexporter/host_exporter/collector/internal/host"
)

// TestTimeZone expects the zone of the clock, also with an offset of no whole
// hour.
func TestTimeZone(t *testing.T) {
	for _, test := range []struct {
		zone   string
		offset int
		want   string
	}{
		{"UTC", 0, `node_time_zone_offset_seconds{time_zone="UTC"} 0`},
		{"CEST", 7200, `node_time_zone_offset_seconds{time_zone="CEST"} 7200`},
		{"NST", -12600, `node_time_zone_offset_seconds{time_zone="NST"} -12600`},
		{"+0545", 20700, `node_time_zone_offset_seconds{time_zone="+0545"} 20700`},
	} {
		now := time.Unix(1767323045, 250e6).In(time.FixedZone(test.zone, test.offset))
		update := newUpdate(t, timeSpec, &host.Host{Sys: host.NewTree(t.TempDir()), Now: func() time.Time { return now }})
		text := string(update().AppendText(nil, nil, func(string) bool { return false }))
		if !strings.Contains(text, test.want+"\n") {
			t.Errorf("want %s, have\n%s", test.want, text)
		}
		if !strings.Contains(text, "\nnode_time_seconds 1767323045.25\n") {
			t.Errorf("the zone changes the time:\n%s", text)
		}
	}
}
