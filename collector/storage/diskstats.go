package storage

import (
	"context"
	"time"

	"github.com/hostexporter/host_exporter/collector/internal/collect"
	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
	"github.com/hostexporter/host_exporter/collector/internal/scan"
)

var diskstats = collect.Spec{
	Name: "diskstats",
	Help: "I/O of block devices, and their model, serial number, file system and volume from udev.",
	Reads: []string{
		"/proc/diskstats",
		"/run/udev/data/b*:*",
		"/sys/block/*/queue/rotational",
		"/sys/class/block/*/../queue/rotational",
	},
	Build: collect.With(diskstatsOptions{devices: defaultDisks()}, newDiskstats),
}

type diskstatsOptions struct{ devices collect.Filter }

func defaultDisks() collect.Filter {
	return collect.Filter{Exclude: collect.Pattern(`^(z?ram|loop|fd|(h|s|v|xv)d[a-z]|nvme\d+n\d+p)\d+$`)}
}

// Fields returns the options of the collector.
func (o *diskstatsOptions) Fields() []collect.Field {
	fields := o.devices.ExclusiveFields("device")
	fields[1].Aliases = []string{"collector.diskstats.ignored-devices"}
	return fields
}

// diskstatsCollector reads /proc/diskstats, a line for each block device:
//
//	8 0 sda 325 0 12970 1203 3 0 9 18 0 1176 1230 0 0 0 0 3 7
//
// Major, minor and name are followed by 11 numbers, by 15 since Linux 4.18, and
// by 17 since Linux 5.5. See https://docs.kernel.org/admin-guide/iostats.html.
type diskstatsCollector struct {
	proc    *host.Reader
	facts   *diskFactsReader
	now     func() time.Time
	devices collect.Filter

	stats  [diskColumns]diskStat
	info   diskInfo
	disks  []*disk          // in the order of the file
	byName map[string]*disk // the same disks
	run    uint64           // counts scrapes
}

// A diskStat is a column of the file. A sample is the number times the factor.
type diskStat struct {
	family *metric.Family
	factor float64
}

// secondsPerMilli is the factor of times. To divide by 1000 would round better,
// but a sample that is one bit less than the one that node_exporter exported
// before it was replaced is a counter reset to rate().
const secondsPerMilli = 0.001

// A disk is a block device. It is kept from one scrape to the next.
type disk struct {
	name      string
	excluded  bool
	lastRun   uint64 // the last scrape that read its line
	line      diskLine
	facts     diskFacts
	factsTime time.Time // when the facts were read; zero: read them again
}

func newDiskstats(env *collect.Env, o diskstatsOptions) (*diskstatsCollector, error) {
	if err := o.devices.Check("device", defaultDisks()); err != nil {
		return nil, err
	}
	return &diskstatsCollector{
		proc:    env.Host.Proc.Reader().KeepOpen(),
		facts:   &diskFactsReader{sys: env.Host.Sys.Reader(), udev: env.Host.Udev.Reader()},
		now:     env.Host.Now,
		devices: o.devices,
		stats:   newDiskColumns(env.Metrics),
		info:    newDiskInfo(env.Metrics),
		byName:  map[string]*disk{},
	}, nil
}

// newDiskColumns declares the columns in the order of the file.
func newDiskColumns(m *metric.Set) [diskColumns]diskStat {
	count := func(name, help string) diskStat { return diskStat{m.Counter(name, help, "device"), 1} }
	sectors := func(name, help string) diskStat { return diskStat{m.Counter(name, help, "device"), sectorSize} }
	millis := func(name, help string) diskStat { return diskStat{m.Counter(name, help, "device"), secondsPerMilli} }
	return [diskColumns]diskStat{
		count("node_disk_reads_completed_total", "Reads completed by the device."),
		count("node_disk_reads_merged_total", "Reads merged with an adjacent one before they went to the device."),
		sectors("node_disk_read_bytes_total", "Bytes read from the device."),
		millis("node_disk_read_time_seconds_total", "Duration of all reads, each from queueing to completion."),
		count("node_disk_writes_completed_total", "Writes completed by the device."),
		count("node_disk_writes_merged_total", "Writes merged with an adjacent one before they went to the device."),
		sectors("node_disk_written_bytes_total", "Bytes written to the device."),
		millis("node_disk_write_time_seconds_total", "Duration of all writes, each from queueing to completion."),
		{m.Gauge("node_disk_io_now", "Requests in progress.", "device"), 1},
		millis("node_disk_io_time_seconds_total", "Time with at least one request in progress."),
		millis("node_disk_io_time_weighted_seconds_total", "Time with requests in progress, multiplied by their number."),
		count("node_disk_discards_completed_total", "Discards completed by the device."),
		count("node_disk_discards_merged_total", "Discards merged with an adjacent one before they went to the device."),
		count("node_disk_discarded_sectors_total", "Discarded sectors of 512 bytes."),
		millis("node_disk_discard_time_seconds_total", "Duration of all discards, each from queueing to completion."),
		count("node_disk_flush_requests_total", "Flushes completed by the device."),
		millis("node_disk_flush_requests_time_seconds_total", "Duration of all flushes."),
	}
}

func (c *diskstatsCollector) Update(_ context.Context, out *metric.Sink) error {
	b, err := c.proc.Read("diskstats")
	if err != nil {
		return collect.OrNoData(err)
	}
	c.run++
	c.facts.begin(c.now())
	count, lines := 0, 0 // count: of disks
	for len(b) > 0 {
		var line []byte
		line, b = scan.Line(b)
		lines++
		d, err := c.parse(count, line)
		switch {
		case err != nil:
			out.Error(c.proc.At(host.Bad(lines, err.Error(), line)))
		case d != nil:
			c.disks[count] = d
			count++
			if !d.excluded {
				c.emit(d, out)
			}
		}
	}
	c.dropRemoved(count)
	switch {
	case lines == 0: // a container on an emulated kernel
		return collect.ErrNoData
	case count == 0:
		return c.proc.At(host.Bad(1, "block devices", nil))
	}
	return nil
}

// parse parses a line into its disk, which is expected at index i. It returns
// nil for a line without statistics.
func (c *diskstatsCollector) parse(i int, line []byte) (*disk, error) {
	head, rest, err := parseDiskName(line)
	if err != nil || head.name == nil {
		return nil, err
	}
	d := c.disk(i, head.name)
	if d.lastRun == c.run {
		return nil, errDiskTwice
	}
	if !d.excluded {
		if err := d.line.parse(rest); err != nil {
			return nil, err
		}
		if d.line.columns == 0 { // a partition of a kernel before 2.6.25
			return nil, nil
		}
		if d.line.major != head.major || d.line.minor != head.minor {
			d.line.major, d.line.minor = head.major, head.minor
			d.factsTime = time.Time{}
		}
	}
	d.lastRun = c.run
	return d, nil
}

// disk returns the disk of a name. The order of the file rarely changes, so
// that it is mostly the disk at index i.
func (c *diskstatsCollector) disk(i int, name []byte) *disk {
	if i == len(c.disks) {
		c.disks = append(c.disks, nil)
	}
	if d := c.disks[i]; d != nil && d.name == string(name) {
		return d
	}
	d := c.byName[string(name)]
	if d == nil {
		d = &disk{name: string(name)}
		d.excluded = c.devices.Ignores(d.name)
		c.byName[d.name] = d
	}
	return d
}

// dropRemoved drops the disks that this scrape did not read. It read the first
// n of c.disks.
func (c *diskstatsCollector) dropRemoved(n int) {
	clear(c.disks[n:])
	c.disks = c.disks[:n]
	if len(c.byName) == n {
		return
	}
	for name, d := range c.byName {
		if d.lastRun != c.run {
			delete(c.byName, name)
		}
	}
}

func (c *diskstatsCollector) emit(d *disk, out *metric.Sink) {
	for i, v := range d.line.stats[:d.line.columns] {
		s := &c.stats[i]
		out.Emit(s.family, float64(v)*s.factor, d.name)
	}
	c.facts.refresh(d, out)
	c.info.emit(d, out)
}
