package scsi

import (
	"bytes"
	"strconv"
	"strings"

	"github.com/hostexporter/host_exporter/collector/hba/internal/attr"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
)

// settingsInterval is after how many readings the settings of a device, which
// udev rules and administrators set, are read again. Each reading is the turn of
// some of the devices.
const settingsInterval = 32

// settings are what a vendor's guide for hosts says how to set for its disks.
type settings struct {
	scheduler string
	timeout   string // in seconds
	known     bool
	turn      int // readings until they are read again
}

// A settingsKey is what disks with the same settings have in common.
type settingsKey struct{ vendor, model, scheduler, timeout string }

// settingsFamily counts disks by vendor and settings: a series for each kind of
// disk, and not for each disk.
type settingsFamily struct {
	count  *metric.Family
	counts []settingsCount
}

type settingsCount struct {
	settingsKey
	devices int
}

func newSettingsFamily(m *metric.Set) settingsFamily {
	return settingsFamily{count: m.Gauge("node_hba_scsi_device_settings", "Disks of a vendor and model with these settings, which are read every 32nd scrape.",
		"model", "scheduler", "timeout_seconds", "vendor")}
}

// begin starts a scrape.
func (f *settingsFamily) begin() {
	for i := range f.counts {
		f.counts[i].devices = 0
	}
}

// add counts a disk. The devices come in the order of their addresses, so that
// the one before has mostly the same settings.
func (f *settingsFamily) add(l *device) {
	k := settingsKey{l.vendor, l.model, l.settings.scheduler, l.settings.timeout}
	for i := range f.counts {
		if f.counts[i].settingsKey == k {
			f.counts[i].devices++
			return
		}
	}
	f.counts = append(f.counts, settingsCount{k, 1})
}

// emit emits the counts, and forgets settings that no disk has any more.
func (f *settingsFamily) emit(out *metric.Sink) {
	kept := f.counts[:0]
	for _, c := range f.counts {
		if c.devices > 0 {
			out.Emit(f.count, float64(c.devices), c.model, c.scheduler, c.timeout, c.vendor)
			kept = append(kept, c)
		}
	}
	clear(f.counts[len(kept):])
	f.counts = kept
}

// readSettings reads the settings of a disk when it is its turn. One that has
// no block device, or is only there for management, has none.
func (f *finder) readSettings(a attr.Reader, l *device, number int) {
	s := &l.settings
	if l.isManagement || !strings.HasPrefix(l.name, "sd") {
		s.known = false
		return
	}
	if s.known && s.turn > 0 {
		s.turn--
		return
	}
	s.turn = settingsInterval - 1
	if !s.known {
		s.turn = number % settingsInterval // so that the devices take turns
	}
	errorCount := a.ErrorCount()
	seconds, ok := a.Uint(class, l.hctl, "device/timeout")
	scheduler, _ := attr.Parsed(a, "a list of schedulers", parseScheduler, blockClass, l.name, "queue/scheduler")
	s.known = ok && a.ErrorCount() == errorCount
	if s.known {
		s.scheduler = f.wordOf(scheduler)
		var number [20]byte
		s.timeout = f.wordOf(strconv.AppendUint(number[:0], seconds, 10))
	}
}

// parseScheduler returns the I/O scheduler in use, which is the one in brackets:
//
//	[none] mq-deadline kyber
//
// A device with only one may show it without them.
func parseScheduler(b []byte) ([]byte, bool) {
	_, rest, ok := bytes.Cut(b, []byte("["))
	if !ok {
		return b, !bytes.ContainsAny(b, " ]")
	}
	name, _, ok := bytes.Cut(rest, []byte("]"))
	return name, ok && len(name) > 0
}
