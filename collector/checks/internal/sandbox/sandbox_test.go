package sandbox

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

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

// TestAttributes compares what modes deny with the numbers of the kernel's
// documentation.
func TestAttributes(t *testing.T) {
	const write = 0x1ff2 | 7<<13 // all bits up to 15, except execute, read file and read directory (1, 4, 8)
	for mode, want := range map[Mode]unix.LandlockRulesetAttr{
		Strict: {Handled_access_fs: write, Handled_access_net: 3, Scoped: 3},
		Net:    {Handled_access_fs: write, Scoped: 3},
	} {
		if have := (Rules{Mode: mode}).denial().Attributes(6); have != want {
			t.Errorf("%s: %x, want %x", mode, have, want)
		}
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
