package hardware

import "github.com/hostexporter/host_exporter/collector/internal/metric"

// A powersupplyNumber is the family and divisor of the number in a file.
type powersupplyNumber struct {
	family  *metric.Family
	divisor float64
}

const (
	unscaled = 1
	tenths   = 10
	micro    = 1e6
)

// powersupplyNumbers declares the families of the numbers of a power supply, by
// file. Inherited charges are in ampere-hours and energies in watt-hours.
func powersupplyNumbers(m *metric.Set) map[string]powersupplyNumber {
	gauge := func(name string, divisor float64, help string) powersupplyNumber {
		return powersupplyNumber{m.Gauge(name, help, powersupplyLabel), divisor}
	}
	return map[string]powersupplyNumber{
		"authentic":                   gauge("node_power_supply_authentic", unscaled, "Whether the power supply is genuine."),
		"calibrate":                   gauge("node_power_supply_calibrate", unscaled, "Whether the battery is being calibrated."),
		"capacity":                    gauge("node_power_supply_capacity", unscaled, "Charge of the battery, in percent."),
		"capacity_alert_max":          gauge("node_power_supply_capacity_alert_max", unscaled, "Charge above which the driver raises an alert, in percent."),
		"capacity_alert_min":          gauge("node_power_supply_capacity_alert_min", unscaled, "Charge below which the driver raises an alert, in percent."),
		"cycle_count":                 gauge("node_power_supply_cyclecount", unscaled, "Charge cycles of the battery."),
		"online":                      gauge("node_power_supply_online", unscaled, "Whether the supply delivers power: 1 if fixed, 2 if programmable."),
		"present":                     gauge("node_power_supply_present", unscaled, "Whether the battery is present."),
		"time_to_empty_now":           gauge("node_power_supply_time_to_empty_seconds", unscaled, "Time until the battery is empty, at the present load."),
		"time_to_full_now":            gauge("node_power_supply_time_to_full_seconds", unscaled, "Time until the battery is full, at the present current."),
		"charge_control_limit":        gauge("node_power_supply_charge_control_limit", micro, "Limit of the charge current, in amperes."),
		"charge_control_limit_max":    gauge("node_power_supply_charge_control_limit_max", micro, "Maximum limit of the charge current, in amperes."),
		"charge_counter":              gauge("node_power_supply_charge_counter", micro, "Charge that flowed into or out of the battery, in ampere-hours."),
		"charge_empty":                gauge("node_power_supply_charge_empty", micro, "Charge of the battery when it was last empty, in ampere-hours."),
		"charge_empty_design":         gauge("node_power_supply_charge_empty_design", micro, "Charge of an empty battery by design, in ampere-hours."),
		"charge_full":                 gauge("node_power_supply_charge_full", micro, "Charge of the battery when it was last full, in ampere-hours."),
		"charge_full_design":          gauge("node_power_supply_charge_full_design", micro, "Charge of a full battery by design, in ampere-hours."),
		"charge_now":                  gauge("node_power_supply_charge_ampere", micro, "Charge of the battery, in ampere-hours."),
		"charge_term_current":         gauge("node_power_supply_charge_term_current", micro, "Current below which charging ends, in amperes."),
		"constant_charge_current":     gauge("node_power_supply_constant_charge_current", micro, "Constant charge current of the charger, in amperes."),
		"constant_charge_current_max": gauge("node_power_supply_constant_charge_current_max", micro, "Maximum constant charge current of the charger, in amperes."),
		"constant_charge_voltage":     gauge("node_power_supply_constant_charge_voltage", micro, "Constant charge voltage of the charger, in volts."),
		"constant_charge_voltage_max": gauge("node_power_supply_constant_charge_voltage_max", micro, "Maximum constant charge voltage of the charger, in volts."),
		"current_boot":                gauge("node_power_supply_current_boot", micro, "Current at boot, in amperes."),
		"current_max":                 gauge("node_power_supply_current_max", micro, "Maximum current of the supply, in amperes."),
		"current_now":                 gauge("node_power_supply_current_ampere", micro, "Current, in amperes."),
		"energy_empty":                gauge("node_power_supply_energy_empty", micro, "Energy of the battery when it was last empty, in watt-hours."),
		"energy_empty_design":         gauge("node_power_supply_energy_empty_design", micro, "Energy of an empty battery by design, in watt-hours."),
		"energy_full":                 gauge("node_power_supply_energy_full", micro, "Energy of the battery when it was last full, in watt-hours."),
		"energy_full_design":          gauge("node_power_supply_energy_full_design", micro, "Energy of a full battery by design, in watt-hours."),
		"energy_now":                  gauge("node_power_supply_energy_watthour", micro, "Energy of the battery, in watt-hours."),
		"input_current_limit":         gauge("node_power_supply_input_current_limit", micro, "Limit of the current from the charger, in amperes."),
		"power_now":                   gauge("node_power_supply_power_watt", micro, "Power, in watts."),
		"precharge_current":           gauge("node_power_supply_precharge_current", micro, "Charge current of an empty battery, in amperes."),
		"voltage_boot":                gauge("node_power_supply_voltage_boot", micro, "Voltage at boot, in volts."),
		"voltage_max":                 gauge("node_power_supply_voltage_max", micro, "Voltage when the battery was last full, in volts."),
		"voltage_max_design":          gauge("node_power_supply_voltage_max_design", micro, "Voltage of a full battery by design, in volts."),
		"voltage_min":                 gauge("node_power_supply_voltage_min", micro, "Voltage when the battery was last empty, in volts."),
		"voltage_min_design":          gauge("node_power_supply_voltage_min_design", micro, "Voltage of an empty battery by design, in volts."),
		"voltage_now":                 gauge("node_power_supply_voltage_volt", micro, "Voltage, in volts."),
		"voltage_ocv":                 gauge("node_power_supply_voltage_ocv", micro, "Voltage of the battery without a load, in volts."),
		"temp":                        gauge("node_power_supply_temp_celsius", tenths, "Temperature of the battery."),
		"temp_alert_max":              gauge("node_power_supply_temp_alert_max_celsius", tenths, "Temperature above which the driver raises an alert."),
		"temp_alert_min":              gauge("node_power_supply_temp_alert_min_celsius", tenths, "Temperature below which the driver raises an alert."),
		"temp_ambient":                gauge("node_power_supply_temp_ambient_celsius", tenths, "Temperature around the battery."),
		"temp_ambient_max":            gauge("node_power_supply_temp_ambient_max_celsius", tenths, "Temperature around the battery above which the driver raises an alert."),
		"temp_ambient_min":            gauge("node_power_supply_temp_ambient_min_celsius", tenths, "Temperature around the battery below which the driver raises an alert."),
		"temp_max":                    gauge("node_power_supply_temp_max_celsius", tenths, "Maximum operating temperature of the battery."),
		"temp_min":                    gauge("node_power_supply_temp_min_celsius", tenths, "Minimum operating temperature of the battery."),
	}
}
