package host

import (
	"path/filepath"
	"runtime"
	"testing"
)

func TestUUID(t *testing.T) {
	u := UUID{0x0b, 0x88, 0x28, 0x40, 0xc6, 0x5b, 0x44, 0x84, 0x91, 0xf4, 0xd0, 0x46, 0xc1, 0x2a, 0x79, 0x38}
	if have, want := u.String(), "0b882840-c65b-4484-91f4-d046c12a7938"; have != want {
		t.Errorf("%s, want %s", have, want)
	}
}

// The numbers are those of a C compiler with linux/btrfs.h.
func TestBtrfsRequests(t *testing.T) {
	read, write := uintptr(2<<30), uintptr(1<<30)
	switch runtime.GOARCH {
	case "mips", "mipsle", "mips64", "mips64le", "ppc64", "ppc64le":
		read, write = write, read
	}
	for _, c := range []struct{ have, want uintptr }{
		{btrfsRequest(ioctlRead, 31, btrfsFSInfoSize), read | 0x0400941f},
		{btrfsRequest(ioctlRead|ioctlWrite, 30, btrfsDevInfoSize), read | write | 0x1000941e},
		{btrfsRequest(ioctlRead|ioctlWrite, 52, btrfsDevStatsSize), read | write | 0x04089434},
	} {
		if c.have != c.want {
			t.Errorf("%#x, want %#x", c.have, c.want)
		}
	}
}

func TestBtrfsErrors(t *testing.T) {
	if _, err := liveBtrfs(filepath.Join(t.TempDir(), "none"), false); !Gone(err) {
		t.Error(err)
	}
	if fs, err := liveBtrfs("/proc", true); err == nil {
		t.Errorf("/proc is a btrfs: %v", fs)
	}
}
