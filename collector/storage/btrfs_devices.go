package storage

import (
	"path"
	"slices"
	"strings"

	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
	"github.com/hostexporter/host_exporter/collector/internal/scan"
)

// btrfsDeviceErrors has the errors of a device from sysfs.
type btrfsDeviceErrors struct {
	id   uint64
	rows btrfsRows
}

var btrfsErrorTypes = [...]string{"write", "read", "flush", "corruption", "generation"}

// readDevices reads the block devices of a file system, and the errors of each
// device by its ID. Sysfs does not have the IDs of block devices.
func (c *btrfsCollector) readDevices(s *btrfsFileSystem, out *metric.Sink) {
	names, err := c.sys.Names(btrfsDir, s.dir, "devices")
	host.ReportUnlessGone(err, out.Error)
	s.devices = names
	ids, err := c.sys.Names(btrfsDir, s.dir, "devinfo") // since Linux 5.6
	s.membersUnknown = !host.ReportUnlessGone(err, out.Error) && !host.Gone(err)
	for _, name := range ids {
		id, ok := scan.Uint([]byte(name))
		if !ok {
			continue
		}
		if id > 0 { // 0 is the target of a replacement in progress
			s.deviceCount++
		}
		b, err := c.sys.Text(btrfsDir, s.dir, "devinfo", name, "error_stats") // since Linux 5.14
		if host.ReportUnlessGone(err, out.Error) {
			s.errors = append(s.errors, btrfsDeviceErrors{id, c.parseErrors(b, out)})
		}
	}
}

func (c *btrfsCollector) parseErrors(b []byte, out *metric.Sink) btrfsRows {
	if string(b) == "invalid" { // the kernel has not read them from the device yet
		return btrfsRows{}
	}
	rows, err := parseBtrfsRows(b, []string{"write_errs", "read_errs", "flush_errs", "corruption_errs", "generation_errs"}, scan.Counter) // printed as signed
	if err != nil {
		out.Error(c.sys.At(err))
	}
	return rows
}

// A btrfsAnswer has the devices in an answer of a file system, and its block
// devices at that time.
type btrfsAnswer struct {
	devices      []btrfsLabels
	blockDevices []string
}

// btrfsLabels are the labels of the device with an ID.
type btrfsLabels struct {
	id           uint64
	uuid, device string
}

// emitDevices emits the devices of a file system from its answer, or without
// one the block devices from sysfs.
//
// While a device hangs, and errors matter most, the file system does not
// answer. Then the errors get the labels of the last answer, as long as the
// block devices are the same.
func (c *btrfsCollector) emitDevices(s *btrfsFileSystem, answers []host.Btrfs, answerMissing bool, out *metric.Sink) {
	if i := slices.IndexFunc(answers, func(fs host.Btrfs) bool { return fs.ID.String() == s.dir }); i >= 0 {
		c.emitAnswer(s, answers[i].Devices, out)
		return
	}
	if last, ok := c.lastAnswers[s.dir]; ok && answerMissing && slices.Equal(last.blockDevices, s.devices) {
		for _, l := range last.devices {
			c.emitErrors(s, l, nil, out)
		}
		return
	}
	delete(c.lastAnswers, s.dir)
	for _, device := range s.devices {
		sectors, err := c.sys.Uint(btrfsDir, s.dir, "devices", device, "size")
		if host.ReportUnlessGone(err, out.Error) {
			out.Emit(c.deviceSize, float64(sectors)*sectorSize, "", device, s.uuid)
		}
	}
}

func (c *btrfsCollector) emitAnswer(s *btrfsFileSystem, devices []host.BtrfsDevice, out *metric.Sink) {
	answer := btrfsAnswer{blockDevices: s.devices}
	for i := range devices {
		d := &devices[i]
		l := btrfsLabels{d.ID, d.UUID.String(), deviceName(d.Path)}
		answer.devices = append(answer.devices, l)
		out.Emit(c.deviceSize, float64(d.TotalBytes), l.uuid, l.device, s.uuid)
		if d.UsedBytes <= d.TotalBytes {
			out.Emit(c.deviceUnused, float64(d.TotalBytes-d.UsedBytes), l.uuid, l.device, s.uuid)
		}
		c.emitErrors(s, l, d, out)
	}
	c.lastAnswers[s.dir] = answer
}

// emitErrors emits the errors of a device, from sysfs if it has them, because
// sysfs takes no lock, and else from d, the device in the answer of the file
// system, or nil.
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

// deviceName returns the last element of a path such as /dev/mapper/vg-lv. A
// missing device has no path, and the name "".
func deviceName(file string) string {
	if file == "" || strings.HasSuffix(file, "/") {
		return ""
	}
	return path.Base(file)
}
