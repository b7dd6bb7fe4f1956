package sandbox

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

func TestEffective(t *testing.T) {
	for _, tc := range []struct {
		asked   Mode
		version int
		want    Mode
	}{
		{"", 7, None}, {None, 7, None}, {None, 0, None},
		{Strict, 0, None}, {Net, 0, None},
		{Strict, 1, Partial}, {Net, 1, Partial}, {Strict, 5, Partial}, {Net, 5, Partial},
		{Strict, 6, Strict}, {Net, 6, Net}, {Strict, 99, Strict},
	} {
		if have := tc.asked.Effective(tc.version); have != tc.want {
			t.Errorf("%q with version %d: %s, want %s", tc.asked, tc.version, have, tc.want)
		}
	}
}

// TestAttributes compares the attributes of each version with the numbers of the
// kernel's documentation: a kernel rejects a bit that it does not know.
func TestAttributes(t *testing.T) {
	const first = 0x1ff2 // all bits up to 12, except execute, read file and read directory (1, 4, 8)
	for _, tc := range []struct {
		mode            Mode
		version         int
		fs, net, scoped uint64
	}{
		{Strict, 0, 0, 0, 0},
		{None, 6, 0, 0, 0},
		{Strict, 1, first, 0, 0},
		{Strict, 2, first | 1<<13, 0, 0},
		{Strict, 3, first | 3<<13, 0, 0},
		{Strict, 4, first | 3<<13, 3, 0},
		{Strict, 5, first | 7<<13, 3, 0},
		{Strict, 6, first | 7<<13, 3, 3},
		{Strict, 12, first | 7<<13, 3, 3},
		{Net, 4, first | 3<<13, 0, 0},
		{Net, 6, first | 7<<13, 0, 3},
	} {
		want := unix.LandlockRulesetAttr{Handled_access_fs: tc.fs, Handled_access_net: tc.net, Scoped: tc.scoped}
		if have := (Rules{Mode: tc.mode, Version: tc.version}).attributes(); have != want {
			t.Errorf("%s with version %d: %x, want %x", tc.mode, tc.version, have, want)
		}
	}
	if size := unsafe.Sizeof(unix.LandlockRulesetAttr{}); size%8 != 0 || size < 24 {
		t.Errorf("the attributes have %d bytes", size)
	}
}

// TestWithoutLandlock enforces nothing, and still reports a missing path.
func TestWithoutLandlock(t *testing.T) {
	dir := t.TempDir()
	if err := (Rules{Mode: Strict, Writable: []string{dir}}).Enforce(); err != nil {
		t.Error(err)
	}
	missing := filepath.Join(dir, "none")
	err := Rules{Mode: Strict, Writable: []string{dir, missing}}.Enforce()
	if path := (*fs.PathError)(nil); !errors.As(err, &path) || path.Path != missing || !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	if err := os.WriteFile(missing, nil, 0o600); err != nil {
		t.Error(err)
	}
}
