package storage

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/prometheus/procfs"
)

func TestMountEscapes(t *testing.T) {
	for in, want := range map[string]string{
		`/plain`:      "/plain",
		`/a\040b`:     "/a b",
		`/a\134b`:     `/a\b`,
		`/a\011b\012`: "/a\tb\n",
		`/a\043b`:     "/a#b",
		`/a\04`:       `/a\04`,
		`/a\400`:      `/a\400`,
		`/a\089`:      `/a\089`,
		`/a\`:         `/a\`,
		`/\303\274`:   "/ü",
		"/\xff/ü":     "/\xff/ü",
	} {
		if have := unescapeMount([]byte(in)); have != want {
			t.Errorf("%q: have %q, want %q", in, have, want)
		}
	}
}

const mountInfoSamples = `36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue
16 21 0:16 / /sys rw,nosuid,nodev,noexec,relatime shared:7 - sysfs sysfs rw
40 28 0:40 / /x ro - tmpfs  rw,size=1
41 28 0:41 /.. /with\040space rw unbindable - fuse.sshfs user@host:/ rw,user_id=0
42 28 0:42 / /a rw propagate_from:2 master:3 shared:4 - nfs4 nas:/x ro,vers=4.2
`

// TestMountInfoMatchesProcfs compares with procfs, on the mounts of this
// process and on lines of other hosts.
func TestMountInfoMatchesProcfs(t *testing.T) {
	here, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		t.Skip(err)
	}
	root := t.TempDir()
	if err := os.Mkdir(root+"/1", 0o755); err != nil {
		t.Fatal(err)
	}
	text := mountInfoSamples + string(here)
	if err := os.WriteFile(root+"/1/mountinfo", []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	fs, err := procfs.NewFS(root)
	if err != nil {
		t.Fatal(err)
	}
	theirs, err := fs.GetProcMounts(1)
	if err != nil {
		t.Fatal(err)
	}
	i := 0
	for line := range strings.Lines(text) {
		l, err := parseMountInfo([]byte(strings.TrimSuffix(line, "\n")))
		if err != nil {
			t.Fatal(err)
		}
		m := theirs[i]
		i++
		_, ro1 := m.Options["ro"]
		_, ro2 := m.SuperOptions["ro"]
		have := []any{l.id, l.parent, string(l.major) + ":" + string(l.minor), string(l.point), string(l.fsType), string(l.device), l.readOnly}
		want := []any{m.MountID, m.ParentID, m.MajorMinorVer, m.MountPoint, m.FSType, m.Source, ro1 || ro2}
		if fmt.Sprint(have) != fmt.Sprint(want) {
			t.Errorf("%s: %v, procfs has %v", line, have, want)
		}
	}
	if i != len(theirs) {
		t.Errorf("%d mounts, procfs has %d", i, len(theirs))
	}
}

func FuzzMountInfo(f *testing.F) {
	for line := range strings.Lines(mountInfoSamples) {
		f.Add([]byte(strings.TrimSuffix(line, "\n")))
	}
	f.Add([]byte("/dev/sdb1 /mnt/x ext3 rw,noatime 0 0"))
	f.Fuzz(func(t *testing.T, line []byte) {
		for _, source := range mountSources() {
			l, err := source.parse(line)
			if err != nil {
				if !errors.Is(err, errMountInfo) && !errors.Is(err, errMounts) {
					t.Error(err)
				}
				continue
			}
			if len(l.point) == 0 || len(l.fsType) == 0 {
				t.Errorf("%q: %+v", line, l)
			}
			if path := unescapeMount(l.point); len(path) > len(l.point) || path[0] != '/' {
				t.Errorf("%q: have the mount point %q", line, path)
			}
		}
	})
}
