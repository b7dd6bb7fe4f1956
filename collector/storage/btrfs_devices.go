package storage

import (
	"path"
	"slices"
	"strings"

	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
	"github.com/hostexporter/host_exporter/collector/internal/scan"
)

// btrfsDeviceErrors is what sysfs says of the errors of a device.
type btrfsDeviceErrors struct {
	id   uint64
	rows btrfsRows
}

var btrfsErrorTypes = [...]string{"write", "read", "flush", "corruption", "generation"}

// readDevices reads which block devices a file system has, and the errors of
// each by its ID. Which block device has which ID is not there.
func (c *btrfsCollector) readDevices(s *btrfsFileSystem, out *metric.Sink) {
	names, err := c.sys.Names(btrfsDir, s.dir, "devices")
	if err != nil && !host.Gone(err) {
		out.Error(err)
	}
	s.devices = names
	ids, err := c.sys.Names(btrfsDir, s.dir, "devinfo") // since Linux 5.6
	if err != nil && !host.Gone(err) {
		out.Error(err)
	}
	for _, name := range ids {
		id, ok := scan.Uint([]byte(name))
		if !ok {
			continue
		}
		if id > 0 { // 0 is about to take the place of another
			s.deviceCount++
		}
		b, err := c.sys.Text(btrfsDir, s.dir, "devinfo", name, "error_stats") // since Linux 5.14
		switch {
		case err == nil:
			s.errors = append(s.errors, btrfsDeviceErrors{id, c.parseErrors(b, out)})
		case !host.Gone(err):
			out.Error(err)
		}
	}
}

func (c *btrfsCollector) parseErrors(b []byte, out *metric.Sink) btrfsRows {
	if string(b) == "invalid" { // not read from the device yet
		return btrfsRows{}
	}
	rows, err := parseBtrfsRows(b, []string{"write_errs", "read_errs", "flush_errs", "corruption_errs", "generation_errs"})
	if err != nil {
		out.Error(c.sys.At(err))
	}
	return rows
}

// A btrfsAnswer is what a file system said of its devices, and which block
// devices it had then.
type btrfsAnswer struct {
	devices []btrfsLabels
	blocks  []string
}

// btrfsLabels are the labels of the device with an ID.
type btrfsLabels struct {
	id           uint64
	uuid, device string
}

// emitDevices tells of the devices, as far as it is known which is which.
//
// A file system does not say so while a device keeps it waiting, just when
// there are errors to tell. They are told then for what it said before, as
// long as it has the same block devices.
func (c *btrfsCollector) emitDevices(s *btrfsFileSystem, answers []host.Btrfs, late bool, out *metric.Sink) {
	if i := slices.IndexFunc(answers, func(fs host.Btrfs) bool { return fs.ID.String() == s.dir }); i >= 0 {
		c.emitAnswer(s, answers[i].Devices, out)
		return
	}
	if known, ok := c.lastAnswers[s.dir]; ok && late && slices.Equal(known.blocks, s.devices) {
		for _, l := range known.devices {
			c.emitErrors(s, l, nil, out)
		}
		return
	}
	delete(c.lastAnswers, s.dir)
	for _, device := range s.devices {
		sectors, err := c.sys.Uint(btrfsDir, s.dir, "devices", device, "size")
		switch {
		case err == nil:
			out.Emit(c.deviceSize, float64(sectors)*512, "", device, s.uuid)
		case !host.Gone(err): // gone: pulled out
			out.Error(err)
		}
	}
}

func (c *btrfsCollector) emitAnswer(s *btrfsFileSystem, devices []host.BtrfsDevice, out *metric.Sink) {
	known := btrfsAnswer{blocks: s.devices}
	for i := range devices {
		d := &devices[i]
		l := btrfsLabels{d.ID, d.UUID.String(), deviceName(d.Path)}
		known.devices = append(known.devices, l)
		out.Emit(c.deviceSize, float64(d.TotalBytes), l.uuid, l.device, s.uuid)
		if d.UsedBytes <= d.TotalBytes {
			out.Emit(c.deviceUnused, float64(d.TotalBytes-d.UsedBytes), l.uuid, l.device, s.uuid)
		}
		c.emitErrors(s, l, d, out)
	}
	c.lastAnswers[s.dir] = known
}

// emitErrors tells of the errors of a device, from sysfs if they are there:
// that takes no lock. d is what the file system said of it, or nil.
func (c *btrfsCollector) emitErrors(s *btrfsFileSystem, l btrfsLabels, d *host.BtrfsDevice, out *metric.Sink) {
	var rows btrfsRows
	i := slices.IndexFunc(s.errors, func(e btrfsDeviceErrors) bool { return e.id == l.id })
	switch {
	case i >= 0:
		rows = s.errors[i].rows
	case d != nil && d.HasErrors:
		rows = btrfsRows{values: d.Errors, has: [...]bool{true, true, true, true, true}}
	}
	for i, name := range btrfsErrorTypes {
		if rows.has[i] {
			out.Emit(c.deviceErrors, float64(rows.values[i]), l.uuid, l.device, name, s.uuid)
		}
	}
}

// deviceName returns the last part of a path such as /dev/mapper/vg-lv. A
// device that is missing has no path, and no name.
func deviceName(file string) string {
	if file == "" || strings.HasSuffix(file, "/") {
		return ""
	}
	return path.Base(file)
}
