// Package hardware has the collectors of the machine: its identity, sensors,
// power, watchdogs and memory errors.
package hardware
