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

// diskFacts are the properties of a disk, which change only when it is
// replaced, formatted or renamed.
type diskFacts struct {
	major, minor string // as label values

	rotational string
	udevFacts
}

// A diskFactsReader caches the facts of disks. It reads them again
//
//   - for a disk that is new, or has another device number,
//   - for all disks when the database of udev changes. udev renames a new file over
//     that of a device, which changes the modification time of the directory, so that
//     one stat per scrape detects every update,
//   - for every disk after a minute, because a write to queue/rotational has no event,
//   - for a disk with a read error in every scrape.
type diskFactsReader struct {
	sys, udev *host.Reader

	now           time.Time // of this scrape
	dirTime       time.Time // modification time of the directory of udev
	dirTimeRecent bool      // dirTime may be the time of a later change as well
	rereadAll     bool      // in this scrape
}

const (
	factsAge = time.Minute

	// dirTimeResolution is the age from which dirTime is the time of one change only:
	// the times of files move in steps of up to 10 ms.
	dirTimeResolution = time.Second
)

// begin starts a scrape.
func (r *diskFactsReader) begin(now time.Time) {
	r.now = now
	dirTime, _ := r.udev.Modified() // without a directory there are no files
	r.rereadAll = r.dirTimeRecent || !dirTime.Equal(r.dirTime)
	r.dirTimeRecent = now.Sub(dirTime) < dirTimeResolution
	r.dirTime = dirTime
}

// refresh reads the facts of a disk if they are due. A fact that is unreadable
// keeps its last value.
func (r *diskFactsReader) refresh(d *disk, out *metric.Sink) {
	if age := r.now.Sub(d.factsTime); !d.factsTime.IsZero() && !r.rereadAll && age >= 0 && age < factsAge {
		return
	}
	d.factsTime = r.now
	major, minor := strconv.FormatUint(d.line.major, 10), strconv.FormatUint(d.line.minor, 10)
	if d.facts.major != major || d.facts.minor != minor { // another device of the same name
		// Dashboards expect rotational="0" for a device without a queue.
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

// rotational returns "1" for a rotating disk and "0" for another. A partition
// uses the queue of its disk, in the directory above.
func (r *diskFactsReader) rotational(name string) (string, error) {
	// Disks of some RAID controllers have a slash in their names, such as cciss/c0d0,
	// which sysfs replaces by an exclamation mark.
	name = strings.ReplaceAll(name, "/", "!")
	v, err := r.sys.Uint("block", name, "queue/rotational")
	if host.Gone(err) {
		v, err = r.sys.Uint("class/block", name, "../queue/rotational")
	}
	return strconv.FormatUint(v, 10), err
}

func (r *diskFactsReader) readUdev(f *diskFacts) error {
	b, err := r.udev.Read("b" + f.major + ":" + f.minor)
	if err != nil {
		if host.Gone(err) { // there is no udev, or it skips the device
			f.udevFacts = udevFacts{}
			return nil
		}
		return err
	}
	facts, err := parseUdev(b)
	f.udevFacts = facts
	return r.udev.At(err)
}

// udevFacts are the properties of a disk in the database of udev.
type udevFacts struct {
	path, wwn, model, serial, revision string
	fs                                 struct{ typ, usage, uuid, version string }
	dm                                 struct{ name, uuid, vg, lv, layer string }
	ata                                [3]ataFact // in the order of diskInfo.ata
}

// An ataFact is a number that ata_id of udev queried from an ATA disk.
type ataFact struct {
	ok    bool
	value float64
}

// parseUdev parses the properties in a file of the database of udev, lines such
// as
//
//	E:ID_MODEL=ST4000NM0035
//
// See --export-db in udevadm(8). With the error of a malformed line it returns
// the properties in the other lines.
func parseUdev(b []byte) (f udevFacts, err error) {
	var ident, short, long string // serial numbers, in order of preference
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
		case "SCSI_IDENT_SERIAL": // as printed on the disk
			ident = string(value)
		case "ID_SERIAL_SHORT":
			short = string(value)
		case "ID_SERIAL": // with vendor and model in front; the only one of a virtio disk
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
