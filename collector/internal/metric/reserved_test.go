package metric

import "testing"

func TestReservedPrefix(t *testing.T) {
	for name, want := range map[string]string{
		"host_exporter_x": "host_exporter_", "host_check_up": "host_check_", "node_exporter_build_info": "node_exporter_build_info",
		"go_goroutines": "go_", "process_cpu_seconds_total": "process_", "promhttp_x": "promhttp_",
		"up": "up", "up_x": "", "scrape_duration_seconds": "scrape_", "ALERTS": "ALERTS", "ALERTS_FOR_STATE": "ALERTS", "alerts": "",
		"golang_x": "", "my_go_x": "", "node_load1": "", "": "",
	} {
		if have := ReservedPrefix(name); have != want {
			t.Errorf("%s: have %q, want %q", name, have, want)
		}
	}
}
