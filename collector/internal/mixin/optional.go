package mixin

// Optional returns families that rules and dashboards ask for although hosts
// do not have them without more ado, and why. No recorded host shows them.
func Optional() map[string]string {
	const (
		asked     = "has to be asked for, because it costs commands to the hardware"
		multipath = "needs root or multipathd"
	)
	return map[string]string{
		"node_hba_sfp_alarm":                              asked,
		"node_hba_sfp_rx_power_watts":                     asked,
		"node_hba_sfp_tx_power_watts":                     asked,
		"node_hba_sfp_temperature_celsius":                asked,
		"node_hba_temperature_celsius":                    asked,
		"node_hba_sas_phy_invalid_dwords_total":           asked,
		"node_hba_sas_phy_loss_of_dword_sync_total":       asked,
		"node_hba_enclosure_slot_status":                  asked,
		"node_hba_multipath_queue_if_no_path":             multipath,
		"node_hba_multipath_path_failures_total":          multipath,
		"node_hba_multipathd_up":                          multipath,
		"node_hba_multipathd_queueing_seconds_total":      multipath,
		"node_hba_multipathd_checker_state":               multipath,
		"node_hba_sas_phy_running_disparity_errors_total": asked,
	}
}
