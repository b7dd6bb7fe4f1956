package storage

import (
	"bytes"
	"strconv"
	"strings"
	"time"

	"github.com/hostexporter/host_exporter/collector/internal/host"
	"github.com/hostexporter/host_exporter/collector/internal/metric"
	"github.com/hostexporter/host_exporter/collector/internal/scan"
)

// diskFacts are what a disk is, as opposed to what it does: they change when a
// disk is exchanged, formatted or renamed, not from scrape to scrape.
type diskFacts struct {
	major, minor string // as label values

	rotational string
	udevFacts
}

// A diskFactsReader reads the facts of disks, and knows when to read them
// again:
//
//   - for a disk that is new, or has new numbers,
//   - for all disks when udev's database changed. udev replaces the file of a
//     device by renaming a new one over it, which changes the time of the
//     folder: one stat a scrape notices every update,
//   - for every disk a minute after the last time, since nobody tells when a
//     hand writes to queue/rotational,
//   - for a disk where something could not be read, at every scrape.
type diskFactsReader struct {
	sys, udev *host.Reader

	now            time.Time // of this run
	dirTime        time.Time // udev's folder, when it was last looked at
	mayHaveChanged bool      // it had changed just before that
	rereadAll      bool      // in this run, for all disks
}

const (
	factsAge = time.Minute

	// dirTimeResolution is how old a change of udev's folder has to be, so that another
	// one would show: the kernel's times move in steps of up to 10 ms.
	dirTimeResolution = time.Second
)

// begin starts a run.
func (r *diskFactsReader) begin(now time.Time) {
	r.now = now
	changed, _ := r.udev.Modified() // no folder: no files, which is told when they are read
	r.rereadAll = r.mayHaveChanged || !changed.Equal(r.dirTime)
	r.mayHaveChanged = now.Sub(changed) < dirTimeResolution
	r.dirTime = changed
}

// refresh reads the facts of a disk if it is time to. What cannot be read
// keeps its last value.
func (r *diskFactsReader) refresh(d *disk, out *metric.Sink) {
	if age := r.now.Sub(d.factsTime); !d.factsTime.IsZero() && !r.rereadAll && age >= 0 && age < factsAge {
		return
	}
	d.factsTime = r.now
	major, minor := strconv.FormatUint(d.line.major, 10), strconv.FormatUint(d.line.minor, 10)
	if d.facts.major != major || d.facts.minor != minor { // another device under the same name
		// Dashboards know a device that has no queue by a rotational of 0.
		d.facts = diskFacts{major: major, minor: minor, rotational: "0"}
	}
	if err := r.readUdev(&d.facts); err != nil {
		out.Error(err)
		d.factsTime = time.Time{}
	}
	rotational, err := r.rotational(d.name)
	if err == nil {
		d.facts.rotational = rotational
	} else if !host.Gone(err) {
		out.Error(err)
		d.factsTime = time.Time{}
	}
}

// rotational returns 1 for a disk that turns. A partition has no queue of its
// own: its disk has, in the folder above.
func (r *diskFactsReader) rotational(name string) (string, error) {
	// The names of some RAID controllers' disks have a slash, such as
	// cciss/c0d0, which sysfs writes as an exclamation mark.
	name = strings.ReplaceAll(name, "/", "!")
	v, err := r.sys.Uint("block", name, "queue/rotational")
	if err != nil && host.Gone(err) {
		v, err = r.sys.Uint("class/block", name, "../queue/rotational")
	}
	return strconv.FormatUint(v, 10), err
}

func (r *diskFactsReader) readUdev(f *diskFacts) error {
	b, err := r.udev.Read("b" + f.major + ":" + f.minor)
	if err != nil {
		if host.Gone(err) { // no udev here, or a device that it leaves alone
			f.udevFacts = udevFacts{}
			return nil
		}
		return err
	}
	facts, err := parseUdev(b)
	f.udevFacts = facts
	return r.udev.At(err)
}

// udevFacts are what udev knows of a disk.
type udevFacts struct {
	path, wwn, model, serial, revision string
	fs                                 struct{ typ, usage, uuid, version string }
	dm                                 struct{ name, uuid, vg, lv, layer string }
	ata                                [3]ataFact // in the order of diskInfo.ata
}

// An ataFact is a number that udev's ata_id asked an ATA disk for.
type ataFact struct {
	ok    bool
	value float64
}

// parseUdev reads a file of udev's database. Its properties look like
//
//	E:ID_MODEL=ST4000NM0035
//
// and are the only lines of interest. See the man page of udevadm, at
// --export-db. The error is about one line, the others are good.
func parseUdev(b []byte) (f udevFacts, err error) {
	var ident, short, long string // serial numbers, best first
	var ata [3][]byte
	var ataLine [3]int
	isATA := false
	for n := 1; len(b) > 0; n++ {
		var line []byte
		line, b = scan.Line(b)
		if len(line) < 2 || line[1] != ':' {
			err = host.Bad(n, "a line such as E:KEY=VALUE", line)
			continue
		}
		if line[0] != 'E' {
			continue
		}
		key, value, _ := bytes.Cut(line[2:], []byte("="))
		switch string(key) {
		case "ID_PATH":
			f.path = string(value)
		case "ID_WWN":
			f.wwn = string(value)
		case "ID_MODEL":
			f.model = string(value)
		case "ID_REVISION":
			f.revision = string(value)
		case "SCSI_IDENT_SERIAL": // what is printed on the disk
			ident = string(value)
		case "ID_SERIAL_SHORT":
			short = string(value)
		case "ID_SERIAL": // with vendor and model before it; all that virtio has
			long = string(value)
		case "ID_FS_TYPE":
			f.fs.typ = string(value)
		case "ID_FS_USAGE":
			f.fs.usage = string(value)
		case "ID_FS_UUID":
			f.fs.uuid = string(value)
		case "ID_FS_VERSION":
			f.fs.version = string(value)
		case "DM_NAME":
			f.dm.name = string(value)
		case "DM_UUID":
			f.dm.uuid = string(value)
		case "DM_VG_NAME":
			f.dm.vg = string(value)
		case "DM_LV_NAME":
			f.dm.lv = string(value)
		case "DM_LV_LAYER":
			f.dm.layer = string(value)
		case "ID_ATA":
			isATA = len(value) > 0
		case "ID_ATA_WRITE_CACHE":
			ata[0], ataLine[0] = value, n
		case "ID_ATA_WRITE_CACHE_ENABLED":
			ata[1], ataLine[1] = value, n
		case "ID_ATA_ROTATION_RATE_RPM":
			ata[2], ataLine[2] = value, n
		}
	}
	for _, serial := range []string{long, short, ident} {
		if serial != "" {
			f.serial = serial
		}
	}
	for i, n := range ataLine {
		if !isATA || n == 0 {
			continue
		}
		v, ok := scan.Float(ata[i])
		if !ok {
			err = host.Bad(n, "a number", ata[i])
			continue
		}
		f.ata[i] = ataFact{true, v}
	}
	return f, err
}
