package snapshot

import (
	"encoding/hex"
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/hostexporter/host_exporter/collector/internal/host"
)

// btrfs answers from one line for each device: its mount point and name=value
// pairs.
//
//	/mnt/b fsid=0b882840-c65b-4484-91f4-d046c12a7938 devid=1 uuid=… path=/dev/sdj total=419430400 used=146800640 errors=14,0,1,0,0
//	/mnt/secret !EACCES
//
// Blanks in a mount point are written as in mountinfo: \040 is a space.
func (r *answers) btrfs(mountPoint string, withErrors bool) (fs host.Btrfs, err error) {
	b, err := r.sections.Section("btrfs")
	switch {
	case absent(err):
		return fs, &os.PathError{Op: "open", Path: mountPoint, Err: unix.ENOENT}
	case err != nil:
		return fs, &os.PathError{Op: "ioctl", Path: mountPoint, Err: err}
	}
	point := r.sections.Local(mountPoint)
	found := false
	for line := range strings.Lines(string(b)) {
		f := strings.Fields(line)
		if len(f) < 2 || mountUnescapes.Replace(f[0]) != point {
			continue
		}
		found = true
		if f[1] == "hang" {
			select {}
		}
		if name, ok := strings.CutPrefix(f[1], "!"); ok {
			errno, err := Errno(name)
			if err != nil {
				return fs, err
			}
			return fs, &os.PathError{Op: "open", Path: mountPoint, Err: errno}
		}
		d, err := btrfsDevice(&fs, f[1:])
		if err != nil {
			return fs, err
		}
		if !withErrors {
			d.Errors, d.HasErrors = host.BtrfsErrors{}, false
		}
		fs.Devices = append(fs.Devices, d)
	}
	if !found {
		return fs, &os.PathError{Op: "open", Path: mountPoint, Err: unix.ENOENT}
	}
	return fs, nil
}

func btrfsDevice(fs *host.Btrfs, pairs []string) (d host.BtrfsDevice, err error) {
	for _, pair := range pairs {
		k, v, _ := strings.Cut(pair, "=")
		switch k {
		case "fsid":
			fs.ID, err = uuidOf(v)
		case "uuid":
			d.UUID, err = uuidOf(v)
		case "path":
			d.Path = v
		case "devid":
			d.ID, err = strconv.ParseUint(v, 0, 64)
		case "total":
			d.TotalBytes, err = strconv.ParseUint(v, 0, 64)
		case "used":
			d.UsedBytes, err = strconv.ParseUint(v, 0, 64)
		case "errors":
			d.HasErrors = true
			_, err = fmt.Sscanf(v, "%d,%d,%d,%d,%d", &d.Errors[0], &d.Errors[1], &d.Errors[2], &d.Errors[3], &d.Errors[4])
		default:
			err = fmt.Errorf("want a field of a btrfs device, have %q", k)
		}
		if err != nil {
			return d, err
		}
	}
	return d, nil
}

func uuidOf(s string) (u host.UUID, err error) {
	b, err := hex.DecodeString(strings.ReplaceAll(s, "-", ""))
	if err == nil && copy(u[:], b) != len(u) {
		err = fmt.Errorf("want a UUID, have %q", s)
	}
	return u, err
}
