package mixin

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
)

// pages are those whose tables list metric families: of collectors, of the
// exporter itself and of expectations.
var pages = []string{"metrics/*.md", "operations.md", "expectations.md"}

// Families returns the metric families that the tables of a folder of
// documentation list.
func Families(docs string) (map[string]bool, error) {
	row := regexp.MustCompile("(?m)^\\| `([a-zA-Z_:][a-zA-Z0-9_:]*)[`{]")
	all := map[string]bool{}
	for _, pattern := range pages {
		files, err := filepath.Glob(filepath.Join(docs, pattern))
		if err != nil || len(files) == 0 {
			return nil, fmt.Errorf("%s: no such page (%v)", pattern, err)
		}
		for _, file := range files {
			b, err := os.ReadFile(file)
			if err != nil {
				return nil, err
			}
			for _, m := range row.FindAllStringSubmatch(string(b), -1) {
				all[m[1]] = true
			}
		}
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
