// Package fpin names the counters of fabric performance impact notifications,
// which switches send about an impaired port. The kernel counts them in memory,
// for its own ports and for remote ports, in files of the same names. See
// Documentation/ABI/testing/sysfs-class-fc_host and -fc_remote_ports of Linux.
package fpin

// A Notification is a kind of notification.
type Notification struct {
	File string // counts all of them, even if the kernel does not know the event
	Name string
}

// The kinds of notifications, as indexes of Notifications.
const (
	Delivery = iota
	LinkIntegrity
	Congestion
	NumNotifications
)

// Notifications are the kinds of notifications.
var Notifications = [NumNotifications]Notification{
	Delivery:      {"fpin_dn", "delivery"},
	LinkIntegrity: {"fpin_li", "link_integrity"},
	Congestion:    {"fpin_cn", "congestion"},
}

// An Event is what a notification reports.
type Event struct {
	File string
	Of   int // the kind of notification
	Name string
}

// NumEvents is the number of events.
const NumEvents = 17

// Events are the events, grouped by kind of notification.
var Events = [NumEvents]Event{
	{"fpin_dn_unknown", Delivery, "unknown"},
	{"fpin_dn_timeout", Delivery, "timeout"},
	{"fpin_dn_unable_to_route", Delivery, "unable_to_route"},
	{"fpin_dn_device_specific", Delivery, "device_specific"},
	{"fpin_li_failure_unknown", LinkIntegrity, "unknown"},
	{"fpin_li_link_failure_count", LinkIntegrity, "link_failure"},
	{"fpin_li_loss_of_sync_count", LinkIntegrity, "loss_of_sync"},
	{"fpin_li_loss_of_signals_count", LinkIntegrity, "loss_of_signal"},
	{"fpin_li_prim_seq_err_count", LinkIntegrity, "primitive_sequence_protocol_error"},
	{"fpin_li_invalid_tx_word_count", LinkIntegrity, "invalid_tx_word"},
	{"fpin_li_invalid_crc_count", LinkIntegrity, "invalid_crc"},
	{"fpin_li_device_specific", LinkIntegrity, "device_specific"},
	{"fpin_cn_clear", Congestion, "clear"},
	{"fpin_cn_lost_credit", Congestion, "lost_credit"},
	{"fpin_cn_credit_stall", Congestion, "credit_stall"},
	{"fpin_cn_oversubscription", Congestion, "oversubscription"},
	{"fpin_cn_device_specific", Congestion, "device_specific"},
}
