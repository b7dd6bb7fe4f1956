package snapshot

import (
	"fmt"
	"os"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/hostexporter/host_exporter/collector/internal/host"
)

// deviceMapper answers from lines of a map's name, the word status or table, and
// a target as dmsetup shows it:
//
//	mpatha status 0 2097152 multipath 2 0 0 0 1 1 A 0 1 2 8:16 A 0 0 1
//	mpatha table 0 2097152 multipath 1 queue_if_no_path 0 1 1 service-time 0 1 2 8:16 1 1
//	mpathb status !EIO
//	mpathc status hang
//	* status !EPERM
//
// A star stands for all maps without a line of their own before it.
func (r *answers) deviceMapper(name string, table bool) (targets []host.Target, err error) {
	b, err := r.sections.Section("device-mapper")
	if absent(err) {
		return nil, &os.PathError{Op: "open", Path: "/dev/mapper/control", Err: unix.ENOENT}
	}
	fail := func(err error) ([]host.Target, error) {
		return nil, &os.PathError{Op: "status of " + name + " from", Path: "/dev/mapper/control", Err: err}
	}
	if err != nil {
		return fail(err)
	}
	what, found := "status", false
	if table {
		what = "table"
	}
	for line := range strings.Lines(string(b)) {
		f := strings.SplitN(strings.TrimSuffix(line, "\n"), " ", 3)
		if len(f) < 3 || f[1] != what || f[0] != name && (f[0] != "*" || found) {
			continue
		}
		found = true
		if f[2] == "hang" {
			select {}
		}
		if errno, ok := strings.CutPrefix(f[2], "!"); ok {
			err, unknown := Errno(errno)
			if unknown != nil {
				return nil, unknown
			}
			return fail(err)
		}
		var t host.Target
		parts := strings.SplitN(f[2]+" ", " ", 4)
		if _, err := fmt.Sscan(f[2], &t.Start, &t.Length, &t.Type); err != nil || len(parts) < 4 {
			return nil, fmt.Errorf("want start, length, type and text of a target, have %q", f[2])
		}
		t.Text = parts[3]
		targets = append(targets, t)
	}
	if !found {
		return fail(unix.ENXIO)
	}
	return targets, nil
}
