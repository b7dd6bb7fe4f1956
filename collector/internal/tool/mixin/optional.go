package mixin

import (
	"fmt"
	"os"
	"regexp"
)

// Families returns the names in the list of all families, metrics.md.
func Families(file string) (map[string]bool, error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	all := map[string]bool{}
	for _, m := range regexp.MustCompile("(?m)^\\| `([^`]+)`").FindAllStringSubmatch(string(b), -1) {
		all[m[1]] = true
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("%s: has no families", file)
	}
	return all, nil
}

// Optional returns families that rules and dashboards ask for although no
// recorded host shows them, and why. What costs commands to the hardware has
// to be asked for: recorded hosts show it where the exporter has it at all.
func Optional(known map[string]bool) map[string]string {
	const multipath = "needs root or multipathd"
	optional := map[string]string{
		"node_hba_multipath_queue_if_no_path":    multipath,
		"node_hba_multipath_path_failures_total": multipath,
		"node_hba_multipathd_up":                 multipath,
	}
	for _, name := range []string{
		"node_hba_sfp_alarm", "node_hba_sfp_rx_power_watts", "node_hba_sfp_tx_power_watts", "node_hba_sfp_temperature_celsius",
		"node_hba_temperature_celsius", "node_hba_enclosure_slot_status",
		"node_hba_sas_phy_invalid_dwords_total", "node_hba_sas_phy_loss_of_dword_sync_total",
	} {
		if !known[name] {
			optional[name] = "has to be asked for"
		}
	}
	return optional
}
